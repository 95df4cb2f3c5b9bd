"""Encrypts copies of states before they leave this machine: AES-256-GCM, with a key made from a secret.

The object's key is part of what is authenticated, so that a copy cannot be passed off as another one. The first bytes
say with which key it was made, by a number from which nothing follows, so that a wrong key is told from a changed byte.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Final

from deployer.adapters.once import once

_MAGIC: Final = b"state-copy/1\n"
_ID: Final = 4
_NONCE: Final = 12
# A secret that somebody made up at the keyboard could be found by trying.
LEAST: Final = 32


class Unopened(ValueError):
    """A copy that this key does not open; the text says why."""


@dataclass(frozen=True)
class Cipher:
    """Made from the secret that the inventory points at."""

    secret: str = field(repr=False)

    @once
    def key_id(self) -> str:
        """Names the key, so that one can say which of two it was."""
        return self._derived(b"id", _ID).hex()

    def seal(self, body: bytes, *, name: str) -> bytes:
        """Encrypt what will lie at the object key `name`."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE)
        head = _MAGIC + bytes.fromhex(self.key_id)
        return head + nonce + AESGCM(self._key).encrypt(nonce, body, head + name.encode())

    def open(self, sealed: bytes, *, name: str) -> bytes:
        """Decrypt what was found at the object key `name`."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        head, rest = sealed[: len(_MAGIC) + _ID], sealed[len(_MAGIC) + _ID :]
        if not head.startswith(_MAGIC) or len(head) < len(_MAGIC) + _ID:
            raise Unopened("it is not an encrypted copy, or its beginning was changed")
        used = head[len(_MAGIC) :].hex()
        if used != self.key_id:
            raise Unopened(f"it was encrypted with key {used}, and the key of this run is {self.key_id}")
        try:
            return AESGCM(self._key).decrypt(rest[:_NONCE], rest[_NONCE:], head + name.encode())
        except (InvalidTag, ValueError):
            raise Unopened("it was changed, cut off, or moved here from another name") from None

    @once
    def _key(self) -> bytes:
        return self._derived(b"key", 32)

    def _derived(self, purpose: bytes, length: int) -> bytes:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        made = HKDF(algorithm=SHA256(), length=length, salt=None, info=b"copies of states: " + purpose)
        return made.derive(self.secret.encode())
