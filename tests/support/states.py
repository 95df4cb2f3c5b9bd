"""The state bucket of a rehearsal, asked by nothing of the deployer's; and `inv state.*` on it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.rehearsal import Ran, Rehearsal

BUCKET = "vibechecc-terraform-state"
SITE = "terraform/development/site.tfstate"
LOCK = f"{SITE}.tflock"
COPIES = "copies/terraform/development/site/"
OTHER = ("--set", "worker.logs.enabled=false")
"""A second deploy that changes the stack `site`."""


@contextlib.contextmanager
def store_of(stage: Rehearsal) -> Iterator[Store]:
    """The bucket, while the sandbox runs."""
    environment = stage.connection["environment"]
    made = boto3.client(
        "s3",
        region_name="auto",
        endpoint_url=stage.connection["services"]["s3"],
        aws_access_key_id=environment["R2_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["R2_SECRET_ACCESS_KEY"],
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )
    with contextlib.closing(made):
        yield Store(made)


class Store:
    """The state bucket, asked by nothing of the deployer's."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3

    def keys(self, prefix: str = "") -> list[str]:
        """What lies there."""
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())]

    def read(self, key: str) -> bytes | None:
        """An object's bytes, None if there is none."""
        try:
            with self.s3.get_object(Bucket=BUCKET, Key=key)["Body"] as body:
                return bytes(body.read())
        except ClientError:
            return None

    def write(self, key: str, body: bytes) -> None:
        """Whatever was there."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def remove(self, key: str) -> None:
        """Gone."""
        self.s3.delete_object(Bucket=BUCKET, Key=key)

    def state(self) -> dict[str, Any]:
        """The state of the site."""
        return dict(json.loads(self.read(SITE) or b"{}"))


def state(stage: Rehearsal, task: str, *flags: str, stack: str = "site") -> Ran:
    """`inv state.TASK` on one stack of dev."""
    named = () if not stack else ("--stack", stack)
    return stage.inv(f"state.{task}", "--env", "dev", "--sandbox", *named, *flags)


def restore(stage: Rehearsal, *flags: str) -> Ran:
    """`inv state.restore --yes --json`."""
    return state(stage, "restore", "--yes", "--json", *flags)


def is_clean(stage: Rehearsal, *settings: str) -> None:
    """Terraform finds nothing to do, nothing is wrong with the states, and nobody holds one."""
    ran = stage.deploy("--check", *settings)
    assert ran.code == 0, ran.err
    assert ran.recap["changed"] == 0, ran.changes
    ran = state(stage, "check", stack="")
    assert ran.code == 0, ran.out + ran.err


def refused(ran: Ran, code: int, said: str) -> None:
    """One error, with the next command."""
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    assert said in " ".join(ran.err.split()), ran.err
    assert sum(line.startswith("error: ") for line in ran.err.splitlines()) == 1, ran.err
    assert any(line.startswith("hint: ") for line in ran.err.splitlines()), ran.err


def wrong(stage: Rehearsal, said: str) -> None:
    """`inv state.check` finds this."""
    ran = state(stage, "check", stack="")
    refused(ran, 13, "with the states")
    assert said in ran.out


def copies_of(store: Store) -> list[str]:
    """Copies that no restore has replaced."""
    return [key for key in store.keys(COPIES) if "replaced-" not in key]
