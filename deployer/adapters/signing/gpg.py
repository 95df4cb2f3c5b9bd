"""Signatures with OpenPGP keys: GnuPG.

A person signs from their own key ring. Verified is in an empty one, with nothing but the listed keys in it; what counts
is the fingerprint, and what GnuPG says on its status lines: its exit code calls a signature by an expired key good.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployer.adapters.files import make_folder, write_private
from deployer.adapters.signing.verified import SIGN_SECONDS, SigningTool, Verified, private_folder
from deployer.errors import ConfigError, ToolFailed, UsageError

_STATUS: Final = "[GNUPG:] "
# Nothing is asked of a key server, and no agent is started for a ring that is thrown away.
_ALONE: Final = ("--no-options", "--no-autostart", "--disable-dirmngr", "--no-auto-key-retrieve")
_REFUSED: Final = {
    "EXPKEYSIG": "the key that signed it has expired",
    "REVKEYSIG": "the key that signed it was revoked",
    "EXPSIG": "its signature has expired",
    "BADSIG": "its text was changed after it was signed",
}


@dataclass(frozen=True, slots=True)
class GpgKeyFile:
    """A person's key: what is trusted, and the file that brings it."""

    fingerprint: str
    file: Path


@dataclass(frozen=True, kw_only=True)
class GpgSigning(SigningTool):
    """Signs with the person's own key ring, verifies with one of its own."""

    program = "gpg"
    dashes = "--"
    missing = "install GnuPG; it brings gpg"

    def fingerprint(self, key: str) -> str:
        """The fingerprint of the secret key that `key` (an id, an address, a fingerprint) means."""
        with private_folder() as folder:
            arguments = ["--batch", "--with-colons", "--list-secret-keys", "--", key]
            listed = self.run(arguments, "", folder, verb="list")
        found = _primary_fingerprints(listed.stdout)
        if len(found) != 1:
            many = "several secret keys" if found else "no secret key"
            raise UsageError(
                f"there is {many} that `{key}` means",
                place="gpg",
                details=found or listed.last_lines,
                hint="`gpg --list-secret-keys` lists them; name one: `inv approve --plan PLAN --key FINGERPRINT`",
            )
        return found[0]

    def sign(self, text: str, *, fingerprint: str) -> str:
        """The signature over `text`, made by the person's own agent."""
        arguments = ["--batch", "--armor", "--detach-sign", "--local-user", fingerprint, "--output", "-"]
        with private_folder() as folder:
            completed = self.run(arguments, text, folder, verb="sign", timeout=SIGN_SECONDS)
        if completed.returncode != 0 or not completed.stdout:
            raise ToolFailed(
                "the approval could not be signed with this key",
                place=fingerprint,
                details=completed.last_lines,
                hint="if it asks for a passphrase: `export GPG_TTY=$(tty)`, then run the same command again",
            )
        return completed.stdout

    def verify(self, text: str, signature: str, *, allowed: Mapping[str, GpgKeyFile]) -> Verified:
        """Whose signature over `text` this is; `allowed` is the key of each person."""
        with private_folder() as folder:
            ring, signed = make_folder(folder / "ring"), folder / "signature"
            write_private(signed, signature)
            alone = ["--homedir", str(ring), "--batch", *_ALONE]
            for name, key in allowed.items():
                self._import(alone, name, key, folder)
            arguments = [*alone, "--status-fd", "1", "--trust-model", "always", "--verify", str(signed), "-"]
            completed = self.run(arguments, text, folder, verb="verify")
        return _judged(completed.stdout, {key.fingerprint: name for name, key in allowed.items()})

    def _import(self, alone: Sequence[str], name: str, key: GpgKeyFile, folder: Path) -> None:
        imported = self.run([*alone, "--import", str(key.file)], "", folder, verb="import")
        if imported.returncode != 0:
            raise ConfigError(
                f"the OpenPGP key of approver `{name}` cannot be read",
                place=str(key.file),
                details=imported.last_lines,
                hint=f"write it anew: `gpg --armor --export {key.fingerprint}`",
            )


def _primary_fingerprints(listing: str) -> list[str]:
    """Fingerprints of the primary keys in `--with-colons`."""
    found, primary = [], False
    for fields in (line.split(":") for line in listing.splitlines()):
        if fields[0] in ("sec", "ssb"):
            primary = fields[0] == "sec"
        elif fields[0] == "fpr" and primary:
            found.append(fields[9])
            primary = False
    return found


def _judged(status: str, people: Mapping[str, str]) -> Verified:
    lines = [line.removeprefix(_STATUS).split() for line in status.splitlines() if line.startswith(_STATUS)]
    words = {line[0] for line in lines if line}
    for word, why in _REFUSED.items():
        if word in words:
            return Verified(None, why)
    if "NO_PUBKEY" in words:
        return Verified(None, "the key that signed it is none of those that the inventory lists")
    valid = [line for line in lines if line[:1] == ["VALIDSIG"]]
    good = [line for line in lines if line[:1] == ["GOODSIG"]]
    if len(valid) != 1 or len(good) != 1:
        return Verified(None, "its signature is not valid")
    return _signer(valid[0], people)


def _signer(valid: Sequence[str], people: Mapping[str, str]) -> Verified:
    """The person behind a VALIDSIG line: it has the key that signed, and last of all the primary one."""
    fingerprints: Iterable[str] = {valid[-1], valid[1]}
    names = {people[fingerprint] for fingerprint in fingerprints if fingerprint in people}
    if len(names) != 1:
        return Verified(None, "the key that signed it is none of those that the inventory lists")
    return Verified(names.pop())
