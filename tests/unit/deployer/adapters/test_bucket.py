"""A bucket says what was not done: refused deletions, lost races, a configuration that makes no client."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.adapters.aws import AwsAccess
from deployer.adapters.redact import MASK, Redactor
from deployer.adapters.secrets import SecretsManager
from deployer.adapters.state import Bucket
from deployer.errors import CredentialsRefused, DeployError, GuardRefused, ServiceFailed
from tests.support.buckets import MemoryBucket


@dataclass
class Client:
    """Answers as it is told."""

    errors: list[dict[str, str]] = field(default_factory=list)
    kept: bytes = b"theirs"
    refusal: str = "PreconditionFailed"

    def delete_objects(self, **_: Any) -> dict[str, Any]:
        """200, whatever became of the objects."""
        return {"Errors": self.errors} if self.errors else {}

    def put_object(self, **_: Any) -> None:
        """Refused: somebody has written it, unless it is said otherwise."""
        raise ClientError({"Error": {"Code": self.refusal}}, "PutObject")

    def get_object(self, **_: Any) -> dict[str, Any]:
        """What is there."""
        kept = self.kept

        class Body:
            def read(self) -> bytes:
                return kept

        written = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
        answered = {"HTTPHeaders": {"date": "Wed, 25 Nov 2026 12:01:00 GMT"}}
        return {"Body": Body(), "ETag": '"1"', "LastModified": written, "ResponseMetadata": answered}


def bucket(client: Client) -> Bucket:
    """A bucket that talks to `client`."""
    made = Bucket(AwsAccess(service="s3", region="auto"), "states")
    vars(made)["_client"] = client
    return made


def test_a_bucket_that_is_there_is_looked_for_once() -> None:
    """Several steps ask; one that is not there yet is asked for again."""
    asked: list[str] = []

    class Heads(Client):
        def head_bucket(self, **_: Any) -> None:
            asked.append("HEAD")
            if len(asked) == 1:
                raise ClientError({"Error": {"Code": "404"}}, "HeadBucket")

    states = bucket(Heads())

    assert [states.exists() for _ in range(4)] == [False, True, True, True]
    assert asked == ["HEAD", "HEAD"]


@pytest.mark.parametrize(("code", "kind"), [("AccessDenied", CredentialsRefused), ("InternalError", ServiceFailed)])
def test_a_refused_deletion_is_an_error(code: str, kind: type[DeployError]) -> None:
    """The service answers 200 and lists what it has not deleted."""
    with pytest.raises(kind, match=code) as caught:
        bucket(Client([{"Key": "terraform/dev/site.tfstate", "Code": code}])).delete(["terraform/dev/site.tfstate"])
    assert "terraform/dev/site.tfstate" in str(caught.value)


def test_what_was_gone_already_is_deleted() -> None:
    """A repeated deletion may be told that there is nothing."""
    bucket(Client([{"Key": "a", "Code": "NoSuchKey"}])).delete(["a"])


def test_a_bucket_that_is_not_there_is_made_by_another_command() -> None:
    """The same command again would not help."""
    with pytest.raises(ServiceFailed, match="the state bucket is not there") as refused:
        bucket(Client(refusal="NoSuchBucket")).put("plans/one.json", b"ours", replaces=None)
    assert "`inv state.bootstrap` makes it" in str(refused.value.hint)


def test_a_lost_race_is_not_ignored() -> None:
    """`put` raises, `try_put` says so; our own write, sent twice because its answer was lost, is none."""
    with pytest.raises(ServiceFailed, match="at the same time"):
        bucket(Client()).put("note", b"ours", replaces=None)
    assert not bucket(Client()).try_put("note", b"ours", replaces=None)
    bucket(Client(kept=b"ours")).put("note", b"ours", replaces=None)


def test_an_update_is_made_of_what_is_there() -> None:
    """Somebody else's write between reading and writing is part of the result, not overwritten."""
    shared = MemoryBucket()
    calls = []

    def change(body: bytes | None) -> bytes:
        calls.append(body)
        if len(calls) == 1:
            shared.put_json("list", ["theirs"])
        return json.dumps([*json.loads(body or b"[]"), "ours"]).encode()

    shared.update("list", change)
    assert json.loads(shared.objects["list"].body) == ["theirs", "ours"]


def test_an_unknown_profile_is_about_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_PROFILE with a name that nobody has configured ends with exit code 4 and the name."""
    monkeypatch.setenv("AWS_PROFILE", "nobody-has-this")
    with pytest.raises(CredentialsRefused, match="nobody-has-this"):
        SecretsManager(AwsAccess(service="secretsmanager", region="eu-central-1")).read(["vibechecc/deployer"])


def test_reading_a_secret_masks_nothing_by_itself() -> None:
    """A secret's other keys hold ordinary words; only what the inventory refers to is masked, by whoever reads it."""
    manager = SecretsManager(AwsAccess(service="secretsmanager", region="eu-central-1"))
    text = json.dumps({"KEY": "long-and-random", "debug": True, "env": "development"})
    vars(manager)["_client"] = type("Fake", (), {"get_secret_value": lambda self, SecretId: {"SecretString": text}})()  # noqa: N803
    redactor = Redactor()
    found = manager.read(["a"])["a"]
    assert found == {"KEY": "long-and-random", "debug": "true", "env": "development"}
    redactor.add(str(found["KEY"]))
    assert redactor.text('{"check": true, "environment": "development", "k": "long-and-random"}') == (
        f'{{"check": true, "environment": "development", "k": "{MASK}"}}'
    )


LOCKED = "ObjectLockedByBucketPolicy"


def test_what_a_lock_rule_keeps_is_a_guards_refusal() -> None:
    """The credentials are in order, so nobody must be sent to look at them."""
    with pytest.raises(GuardRefused, match="a lock rule") as caught:
        bucket(Client([{"Key": "copies/a", "Code": LOCKED}])).delete(["copies/a"])
    assert "copies/a" in str(caught.value)
    with pytest.raises(GuardRefused, match="a lock rule"):
        bucket(Client(refusal=LOCKED)).try_put("copies/a", b"ours", replaces="1")


def test_a_locked_object_is_one_that_is_there() -> None:
    """Who wanted to be the first to write it was not, whichever of its rules R2 looks at first."""
    assert not bucket(Client(refusal=LOCKED)).try_put("copies/a", b"ours", replaces=None)
    assert bucket(Client(refusal=LOCKED, kept=b"ours")).try_put("copies/a", b"ours", replaces=None)
