"""Reads JSON secrets from AWS Secrets Manager, one request per secret, side by side.

It returns values in memory. Whoever uses one registers it with the redactor: a secret may hold other keys, whose values
(`true`, an environment's name) would mask ordinary words. It never writes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from deployer.adapters.aws import AwsAccess, boto_errors, error_code, translate
from deployer.adapters.once import once
from deployer.errors import SecretMissing

_SERVICE = "AWS Secrets Manager"
_SIDE_BY_SIDE = 8


@dataclass(frozen=True)
class SecretsManager:
    """The secrets of one account and region."""

    access: AwsAccess

    def read(self, ids: Collection[str]) -> dict[str, Mapping[str, str] | None]:
        """The JSON objects kept under these secret ids; None for an id that does not exist."""
        if not ids:
            return {}
        client = self._client
        with ThreadPoolExecutor(max_workers=min(len(ids), _SIDE_BY_SIDE)) as pool:
            values = pool.map(lambda secret_id: self._read_one(client, secret_id), sorted(ids))
            return dict(zip(sorted(ids), values, strict=True))

    @once
    def _client(self) -> Any:
        return self.access.client()

    def _read_one(self, client: Any, secret_id: str) -> Mapping[str, str] | None:
        try:
            answer = client.get_secret_value(SecretId=secret_id)
        except boto_errors() as error:
            if error_code(error) == "ResourceNotFoundException":
                return None
            raise translate(error, service=_SERVICE, place=f"secret `{secret_id}`") from None
        return self._parse(secret_id, answer.get("SecretString"))

    def _parse(self, secret_id: str, text: str | None) -> Mapping[str, str]:
        try:
            data = json.loads(text or "")
        except ValueError:
            data = None
        if not isinstance(data, dict):
            # The text itself must not be shown.
            raise SecretMissing(
                "the secret is not a JSON object",
                place=f"{_SERVICE}, secret `{secret_id}`",
                hint='it must hold text such as {"KEY": "value"}; whoever made it has to replace it',
            )
        return {key: value if isinstance(value, str) else json.dumps(value) for key, value in data.items()}
