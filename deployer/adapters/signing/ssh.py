"""Signatures with SSH keys: `ssh-keygen -Y`, OpenSSH 8.2 or newer.

A key is told by its type and its body; the comment behind them is anybody's to write. With the public half of a key the
agent signs; without one, the private half that lies beside it does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from deployer.adapters.files import read_text, write_private
from deployer.adapters.signing.verified import SIGN_SECONDS, SigningTool, Verified, private_folder
from deployer.errors import ToolFailed, UsageError

_HINT: Final = "install OpenSSH, 8.2 or newer; it brings ssh-keygen"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half of a key."""

    type: str
    body: str

    @classmethod
    def of(cls, line: str) -> Self | None:
        """The key in a line such as `ssh-ed25519 AAAA... mira`; None if there is none."""
        words = line.removeprefix("key::").split()
        if len(words) < 2 or not words[0].startswith(("ssh-", "ecdsa-", "sk-")):
            return None
        try:
            body = base64.b64decode(words[1], validate=True)
        except binascii.Error:
            return None
        # The same bytes can be written in more than one way.
        return cls(words[0], base64.b64encode(body).decode())

    @property
    def line(self) -> str:
        """The key as the inventory has it."""
        return f"{self.type} {self.body}"

    @property
    def fingerprint(self) -> str:
        """What `ssh-keygen -l` calls it."""
        digest = hashlib.sha256(base64.b64decode(self.body)).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def public_key_of(path: Path) -> PublicKey | None:
    """The public key in `path`, or beside it where `path` is a private one, which is not opened."""
    beside = path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")
    return PublicKey.of((read_text(beside) or "").strip())


@dataclass(frozen=True, kw_only=True)
class SshSigning(SigningTool):
    """Signs and verifies within one namespace: a signature for something else is none for this."""

    program = "ssh-keygen"
    dashes = "-Y "
    missing = _HINT

    namespace: str

    def sign(self, text: str, *, key: Path | PublicKey) -> str:
        """The signature over `text`; `key` is a file with either half of the key, or a public one that an agent has."""
        with private_folder() as folder:
            if isinstance(key, PublicKey):
                path = folder / "key.pub"
                write_private(path, f"{key.line}\n")
            else:
                path = key
            arguments = ["-Y", "sign", "-f", str(path), "-n", self.namespace]
            completed = self.run(arguments, text, folder, verb="sign", timeout=SIGN_SECONDS)
        if completed.returncode != 0:
            raise ToolFailed(
                "the approval could not be signed with this key",
                place=str(key) if isinstance(key, Path) else key.fingerprint,
                details=completed.last_lines,
                hint="a key with a passphrase has to be in the agent: `ssh-add`; or name another one with `--key`",
            )
        return completed.stdout

    def verify(self, text: str, signature: str, *, allowed: Mapping[str, Iterable[str]]) -> Verified:
        """Whose signature over `text` this is; `allowed` are the keys of each person."""
        with private_folder() as folder:
            signed, people = folder / "signature", folder / "allowed_signers"
            write_private(signed, signature)
            write_private(people, "".join(self._lines(allowed)))
            files = ["-f", str(people), "-s", str(signed)]
            found = self.run(["-Y", "find-principals", *files], text, folder, verb="find-principals")
            names = found.stdout.split()
            if found.returncode != 0 or not names:
                return Verified(None, _why(found.last_lines))
            arguments = ["-Y", "verify", *files, "-I", names[0], "-n", self.namespace]
            verified = self.run(arguments, text, folder, verb="verify")
        if verified.returncode != 0:
            return Verified(None, _why(verified.last_lines))
        return Verified(names[0])

    def _lines(self, allowed: Mapping[str, Iterable[str]]) -> Iterable[str]:
        people: dict[PublicKey, set[str]] = {}
        for name, lines in allowed.items():
            for key in filter(None, map(PublicKey.of, lines)):
                people.setdefault(key, set()).add(name)
        for key, names in people.items():
            # A key of two people says of neither that they have signed.
            if len(names) == 1:
                yield f'{min(names)} namespaces="{self.namespace}" {key.line}\n'


def usable_key(path: Path) -> PublicKey:
    """The public key of a file that somebody named."""
    found = public_key_of(path)
    if found is None:
        raise UsageError(
            "there is no SSH public key",
            place=str(path if path.suffix == ".pub" else f"{path}.pub"),
            hint="name one: `inv approve --plan PLAN --key ~/.ssh/id_ed25519.pub`; `ssh-keygen -t ed25519` makes one",
        )
    return found


def _why(lines: Iterable[str]) -> str:
    """What OpenSSH says, as a reason for people."""
    said = " ".join(lines)
    if "unknown option" in said.lower() or "illegal option" in said.lower():
        return f"ssh-keygen is too old: {_HINT}"
    if "No principal matched" in said:
        return "the key that signed it is none of those that the inventory lists"
    if "namespace does not match" in said:
        return "it was signed for another purpose"
    if "incorrect signature" in said:
        return "its text was changed after it was signed"
    return "its signature is not valid"
