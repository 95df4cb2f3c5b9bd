"""The issuer's key: made when the first token is asked for, kept in the service's folder, used for RS256."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from sandbox.home import write_bytes

_FILE = "oidc-key.pem"


class Signer:
    """Signs tokens and shows the public key. The cryptography library is loaded on first use only."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        self._lock = threading.Lock()
        self._key: Any = None

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A JSON Web Token."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        public = self.public()
        header = {"typ": "JWT", "alg": "RS256", "x5t": public["kid"], "kid": public["kid"]}
        text = f"{_encode(_json(header))}.{_encode(_json(claims))}"
        signature = self._private().sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{_encode(signature)}"

    def public(self) -> dict[str, str]:
        """The key as JSON Web Key Sets list it."""
        numbers = self._private().public_key().public_numbers()
        modulus = numbers.n.to_bytes(-(-numbers.n.bit_length() // 8), "big")
        kid = sha256(modulus).hexdigest()[:40].upper()
        return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "n": _encode(modulus), "e": "AQAB"}

    def _private(self) -> Any:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        with self._lock:
            if self._key is None and self._path.exists():
                self._key = serialization.load_pem_private_key(self._path.read_bytes(), None)
            if self._key is None:
                key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
                form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
                write_bytes(self._path, key.private_bytes(serialization.Encoding.PEM, *form))
                self._key = key
            return self._key


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
