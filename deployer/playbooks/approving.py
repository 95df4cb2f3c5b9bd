"""Who signs and who has signed, put together from a wiring. Needs no credentials: approving is done from a laptop."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deployer.adapters.files import make_folder
from deployer.adapters.signing import GpgSigning, PublicKey, SshSigning
from deployer.adapters.signing.ssh import usable_key
from deployer.adapters.signing.verified import AGENT
from deployer.errors import GuardRefused, UsageError
from deployer.playbooks.github_wiring import hub_of, why_not_asked
from deployer.playbooks.wiring import Wiring
from deployer.review.approval import Verdict
from deployer.review.manifest import Manifest
from deployer.steps.approvals import Check, Key, Signatures, verdict_over
from deployer.steps.github_reviews import GitHubReviews
from deployer.steps.policy import place_of

_USUAL_KEYS: Final = ("id_ed25519.pub", "id_ed25519_sk.pub", "id_ecdsa.pub", "id_rsa.pub")
_LITERAL: Final = ("key::", "ssh-", "ecdsa-", "sk-")


def signatures_of(wiring: Wiring) -> Signatures:
    """What signs and verifies; the agents of whoever is here are reachable, nothing else of them is."""
    there = wiring.target.process_environment
    agents = {**_terminal(), **{name: there[name] for name in AGENT if name in there}}
    environment = {**wiring.target.tool_environment(), **agents}
    project = wiring.loaded.inventory.project
    make_folder(wiring.logs)
    return Signatures(
        ssh=SshSigning(
            processes=wiring.processes, environment=environment, logs=wiring.logs, namespace=f"{project.name}-plan"
        ),
        gpg=GpgSigning(processes=wiring.processes, environment=environment, logs=wiring.logs),
        approvers=project.approvers,
        root=wiring.root,
        reviews=GitHubReviews(
            hub=lambda: hub_of(wiring),
            why_not=lambda: why_not_asked(wiring.target, loaded=wiring.loaded),
        ),
    )


def _terminal() -> dict[str, str]:
    """Where gpg's agent may ask for a passphrase: programs of ours have no terminal by which it could find out."""
    try:
        return {"GPG_TTY": os.ttyname(sys.stdin.fileno())} if sys.stdin.isatty() else {}
    except (OSError, ValueError):
        return {}


def verdict_of(
    wiring: Wiring, check: Check, manifest: Manifest, records: Mapping[str, bytes], *, now: dt.datetime
) -> Verdict:
    """Who has approved a bundle, as the inventory of now counts."""
    approvers = wiring.loaded.inventory.project.approvers
    return verdict_over(
        manifest, records, check=check, approvers=approvers, asked=wiring.environment.approvals, now=now
    )


def place_of_number(wiring: Wiring, manifest: Manifest) -> str:
    """Where the inventory says how many have to approve."""
    return place_of(wiring.loaded, wiring.environment, "approvals", manifest.risk.value)


# --- who signs ----------------------------------------------------------------------------------------------------


def chosen_key(wiring: Wiring, signatures: Signatures, wish: str) -> Key:
    """The key that `--key` names: a file, or what gpg knows a key by. Else git's, else the usual one in ~/.ssh."""
    if wish:
        if _is_file(path := _expanded(wiring, wish)):
            return signatures.ssh_key(usable_key(path), at=path)
        if "/" in wish or wish.endswith(".pub"):
            usable_key(path)
        return signatures.gpg_key(wish)
    given, form = wiring.checkout.setting("user.signingkey"), wiring.checkout.setting("gpg.format") or "openpgp"
    if given and form == "ssh":
        public = PublicKey.of(given) if given.startswith(_LITERAL) else None
        if public is not None:
            return signatures.ssh_key(public, at=None)
        path = _expanded(wiring, given)
        return signatures.ssh_key(usable_key(path), at=path)
    if given and form == "openpgp":
        return signatures.gpg_key(given)
    folder = _expanded(wiring, "~/.ssh")
    for name in _USUAL_KEYS:
        if (folder / name).is_file():
            return signatures.ssh_key(usable_key(folder / name), at=folder / name)
    raise UsageError(
        "there is no key to sign with",
        place=f"git's user.signingkey; {', '.join(_USUAL_KEYS)} in {folder}",
        hint="`ssh-keygen -t ed25519` makes one; or name one: `inv approve --plan PLAN --key PATH`",
    )


def _expanded(wiring: Wiring, path: str) -> Path:
    home = wiring.target.process_environment.get("HOME", "")
    return Path(home, path[2:]) if path.startswith("~/") and home else Path(path)


def _is_file(path: Path) -> bool:
    return path.is_file() or path.with_name(f"{path.name}.pub").is_file()


def require_person(wiring: Wiring, key: Key, *, claimed: str) -> str:
    """The name of the person whose key this is; an unlisted one is refused with the lines that would list it."""
    if key.owner is not None:
        if claimed not in ("", key.owner):
            raise GuardRefused(
                f"the key is `{key.owner}`'s, not `{claimed}`'s",
                place=key.name,
                hint=f"sign as who you are: leave out `--as {claimed}`, or name another key with `--key`",
            )
        return key.owner
    people = wiring.loaded.inventory.project.approvers
    raise GuardRefused(
        "the key is none of those that the inventory lists, so its approval would count for nobody",
        place=f"{wiring.loaded.file}, [project.approvers]",
        details=_lines_to_add(wiring, key, claimed),
        hint="write this there, let it be reviewed, and plan again, since a plan is for the inventory it was made from"
        + (f"; or sign with a key of {', '.join(people)}: `inv approve --plan PLAN --key PATH`" if people else ""),
    )


def _lines_to_add(wiring: Wiring, key: Key, claimed: str) -> list[str]:
    """The very lines for environments.toml, and for an OpenPGP key the command that writes its file."""
    email = wiring.checkout.author()
    name = claimed or _as_name((email or "").partition("@")[0]) or "NAME"
    person = wiring.loaded.inventory.project.approvers.get(name)
    lines = [] if key.ssh is not None else [f"gpg --armor --export {key.name} > keys/{name}.asc"]
    lines.append(f"[project.approvers.{name}]")
    if key.ssh is not None:
        listed = [*(person.ssh if person else ()), key.name]
        lines.append(f"ssh = [{', '.join(_quoted(each) for each in listed)}]")
    else:
        lines.append(f'gpg = {{ fingerprint = "{key.name}", file = "keys/{name}.asc" }}')
    if email is not None and person is None:
        lines.append(f"emails = [{_quoted(email)}]")
    return lines


def _as_name(text: str) -> str:
    return "-".join(part for part in "".join(c if c.isalnum() and c.isascii() else " " for c in text.lower()).split())


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
