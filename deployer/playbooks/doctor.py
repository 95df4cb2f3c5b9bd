"""Doctor: is everything there that a deploy needs? Each finding says how to mend what is wrong.

It asks and changes nothing. Credentials are named, never shown. One thing that is wrong does not hide the next.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from deployer.adapters import packages
from deployer.adapters.node import package_script, package_version
from deployer.adapters.target import AWS_KEYS, CLOUDFLARE_TOKEN, R2_KEYS
from deployer.errors import DeployError
from deployer.playbooks.credentials import values_of
from deployer.playbooks.wiring import Wiring
from deployer.steps.convex import require_own_key
from deployer.steps.secrets import DEPLOY_KEY

_MINIMUM_PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, whether it is right, what was found, how to mend it."""

    subject: str
    ok: bool
    text: str
    hint: str | None = None


def examine(wiring: Wiring) -> list[Finding]:
    """Everything there is to say, in an order in which it is best mended."""
    asked = (*_tools(wiring), *_files(wiring), *_approvers(wiring), *_credentials(wiring))
    with ThreadPoolExecutor(max_workers=8) as pool:
        services = pool.map(lambda question: _ask(*question), _services(wiring))
        return [*asked, *services]


def _ask(subject: str, question: Callable[[], str]) -> Finding:
    """A finding from a question that answers with a text or an error of ours."""
    try:
        return Finding(subject, True, question())
    except DeployError as error:
        hint = error.hint if error.hint and "inv doctor" not in error.hint else None
        return Finding(subject, False, str(error), hint or _hint_of(error))


def _hint_of(error: DeployError) -> str | None:
    return {
        "credentials-refused": "make a new one with the permissions in docs/guide/credentials.md, and set it there",
        "service-unreachable": "check the network and the proxy settings (HTTPS_PROXY, NO_PROXY)",
    }.get(error.reason)


# --- this machine ------------------------------------------------------------------------------------------------


def _tools(wiring: Wiring) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    new_enough = sys.version_info[:2] >= _MINIMUM_PYTHON
    yield Finding("python", new_enough, version, None if new_enough else "install Python 3.11 or newer")
    git = shutil.which("git", path=wiring.target.process_environment.get("PATH"))
    yield Finding("git", git is not None, git or "not on PATH", "install git; releases are named by commit")
    yield _ask("terraform", lambda: f"{wiring.terraform.version} ({wiring.terraform.place})")
    yield _ask("node", lambda: f"{wiring.node.version} ({wiring.node.program})")
    yield _ask("wrangler", lambda: _package(wiring, "wrangler", application=False))
    yield _ask("convex", lambda: _package(wiring, "convex", application=True))


def _package(wiring: Wiring, name: str, *, application: bool) -> str:
    folders = (wiring.application.folder, wiring.root) if application else (wiring.root,)
    script = package_script(name, *folders)
    return f"{package_version(script)} ({script})"


def _files(wiring: Wiring) -> Iterator[Finding]:
    app = wiring.application.folder
    there = app.is_dir()
    yield Finding("application", there, str(app), "set `path` in table [app] of environments.toml")
    if there:
        lock = packages.lock_file(app)
        yield Finding(
            "application's lock file",
            lock is not None,
            lock.name if lock else "none",
            "make one (`npm install`) and commit it: what is deployed must not change by itself",
        )
        installed = packages.installed(app)
        yield Finding(
            "application's packages",
            True,
            "installed as locked" if installed else "not installed; the next deploy that needs them installs them",
        )
    for stack in wiring.environment.stacks:
        root = wiring.root / "terraform" / "roots" / stack
        locked = (root / ".terraform.lock.hcl").is_file()
        yield Finding(
            f"terraform/roots/{stack}",
            locked,
            "provider locked" if locked else "no .terraform.lock.hcl",
            "`terraform init` in that folder makes it; commit it",
        )


def _approvers(wiring: Wiring) -> Iterator[Finding]:
    """Whether there are as many people as have to approve; nothing where nobody has to."""
    asked, people = wiring.environment.approvals, wiring.loaded.inventory.project.approvers
    most = max(asked.additive, asked.update, asked.destroy)
    if not most:
        return
    text = f"{len(people)} listed, {most} needed for the most dangerous plans"
    if len(people) == most > 1:
        text += "; a plan that one of them makes needs somebody else's besides"
    hint = "list them in [project.approvers]: docs/guide/policy-and-approvals.md#add-an-approver"
    yield Finding("approvers", len(people) >= most, text, hint)
    for name, person in people.items():
        if person.gpg is not None and not (wiring.root / person.gpg.file).is_file():
            export = f"`gpg --armor --export {person.gpg.fingerprint}` writes it"
            yield Finding(f"approver {name}", False, f"{person.gpg.file} is not there", export)
    path = wiring.target.process_environment.get("PATH")
    used = {"ssh-keygen": any(person.ssh for person in people.values()), "gpg": any(p.gpg for p in people.values())}
    for program, wanted in used.items():
        if wanted:
            found = shutil.which(program, path=path)
            brings = "OpenSSH 8.2 or newer" if program == "ssh-keygen" else "GnuPG"
            yield Finding(
                program, found is not None, found or "not on PATH", f"install {brings}: it verifies approvals"
            )


# --- credentials -------------------------------------------------------------------------------------------------


def _credentials(wiring: Wiring) -> Iterator[Finding]:
    target = wiring.target
    names = [CLOUDFLARE_TOKEN, *R2_KEYS]
    names += sorted({ref.env for ref in wiring.references.values() if ref.env is not None and ref.required})
    for name in names:
        there = bool(target.credentials.get(name))
        text = f"set in {target.place}" if there else f"not in {target.place}"
        yield Finding(name, there, text, f"set {name} there, or use `--sandbox`")
    if any(ref.aws for ref in wiring.references.values()):
        missing = target.missing_aws()
        text = "not found: neither keys, nor a profile, nor a role" if missing else "found"
        yield Finding("AWS credentials", not missing, text, f"set {' and '.join(AWS_KEYS)}, or AWS_PROFILE")


# --- services ----------------------------------------------------------------------------------------------------


def _services(wiring: Wiring) -> Iterator[tuple[str, Callable[[], str]]]:
    credentials = wiring.target.credentials
    if credentials.get(CLOUDFLARE_TOKEN):
        yield "Cloudflare API", lambda: f"token is {wiring.cloudflare.token_status()}"
        zone = wiring.loaded.inventory.project.zone
        yield f"zone {zone}", lambda: _zone(wiring, zone)
    if all(credentials.get(name) for name in R2_KEYS):
        yield "state bucket", lambda: _bucket(wiring)
    if not wiring.target.missing_aws():
        for identifier in sorted({ref.aws for ref in wiring.references.values() if ref.aws is not None}):
            yield f"secret {identifier}", partial(_secret, wiring, identifier)
    yield "Convex deployment", lambda: _convex(wiring)


def _zone(wiring: Wiring, zone: str) -> str:
    if not wiring.cloudflare.zone_exists(zone):
        raise DeployError("the token does not see this zone", hint="give the token this zone, or check `project.zone`")
    return "seen by the token"


def _bucket(wiring: Wiring) -> str:
    there = wiring.state_bucket.exists()
    return f"`{wiring.state_bucket.name}` {'is there' if there else 'is not there yet; the first deploy makes it'}"


def _secret(wiring: Wiring, identifier: str) -> str:
    found = wiring.secrets_manager.read([identifier])[identifier]
    wanted = {ref.key: label for label, ref in wiring.references.items() if ref.aws == identifier and ref.required}
    missing = sorted(str(key) for key in wanted if not (found or {}).get(str(key)))
    if found is None or missing:
        if wiring.secret_places.sandbox:
            hint = "the sandbox makes its secrets when it starts: `inv sandbox.down`, `inv sandbox.up`"
        else:
            hint = " ".join(wiring.secret_places.commands(identifier, missing, absent=found is None))
        raise DeployError(
            "does not exist in AWS Secrets Manager" if found is None else f"has no {', '.join(missing)}", hint=hint
        )
    return f"has {', '.join(sorted(str(key) for key in wanted))}"


def _convex(wiring: Wiring) -> str:
    convex, project = wiring.environment.convex, wiring.loaded.inventory.project
    place = str(convex.deploy_key)
    key = values_of(wiring, {DEPLOY_KEY: wiring.references[DEPLOY_KEY]})[DEPLOY_KEY]
    if not key:
        raise DeployError("there is no deploy key to ask with", place=place, hint="set it where the inventory points")
    wiring.redactor.add(key)
    require_own_key(key, convex, project)
    if convex.type == "preview":
        return "previews are made by deploys; the key fits"
    return f"`{convex.deployment}` answers at {wiring.convex_control.url_for_key(key)}"
