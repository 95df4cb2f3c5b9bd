"""Bucket locks set through the Cloudflare API, felt by boto3: what a rule covers stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.account import Account
from tests.support.sandbox import Running, running_sandbox

ID = "0" * 31 + "1"
LOCKED = ("ObjectLockedByBucketPolicy", 403)
BUCKET = "kept"
RULES = f"/accounts/{{account}}/r2/buckets/{BUCKET}/lock"
FOREVER = {"type": "Indefinite"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """S3, and the API that sets the rules."""
    seed = {"schema": 1, "account": {"id": ID, "name": "test"}}
    with running_sandbox(tmp_path_factory.mktemp("locks"), only=("s3", "cloudflare"), seed=seed) as running:
        yield running


@pytest.fixture
def s3(world: Running) -> Iterator[Any]:
    """A client, and a bucket without rules."""
    world.control("POST", "/reset")
    with closing(client(world)) as made:
        made.create_bucket(Bucket=BUCKET)
        yield made


def client(world: Running) -> Any:
    """Boto3 as the deployer sets it up."""
    return boto3.client(
        "s3",
        endpoint_url=world.url("s3"),
        region_name="auto",
        aws_access_key_id=world.environment["R2_ACCESS_KEY_ID"],
        aws_secret_access_key=world.environment["R2_SECRET_ACCESS_KEY"],
        config=Config(
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"total_max_attempts": 1},
        ),
    )


def rule(condition: dict[str, Any], *, prefix: str = "copies/", enabled: bool = True) -> dict[str, Any]:
    """One lock rule."""
    return {"id": prefix or "all", "enabled": enabled, "prefix": prefix, "condition": condition}


def lock(world: Running, *rules: dict[str, Any]) -> None:
    """Set the rules of the bucket."""
    Account(world, ID).call("PUT", RULES, {"rules": list(rules)})


def refused(call: Any, **arguments: Any) -> tuple[str, int]:
    """Code and status of a refusal."""
    with pytest.raises(ClientError) as error:
        call(Bucket=BUCKET, **arguments)
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def text(s3: Any, key: str) -> bytes:
    """What lies there."""
    with s3.get_object(Bucket=BUCKET, Key=key)["Body"] as body:
        return bytes(body.read())


def test_a_locked_object_stays_as_it_is(world: Running, s3: Any) -> None:
    """However one asks; new objects are written, and others are nobody's business."""
    s3.put_object(Bucket=BUCKET, Key="copies/a", Body=b"a")
    s3.put_object(Bucket=BUCKET, Key="state", Body=b"1")
    lock(world, rule(FOREVER))
    assert refused(s3.put_object, Key="copies/a", Body=b"b") == LOCKED
    assert refused(s3.put_object, Key="copies/a", Body=b"b", IfNoneMatch="*") == LOCKED
    assert refused(s3.delete_object, Key="copies/a") == LOCKED
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="copies/a")["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key="copies/a", UploadId=upload, PartNumber=1, Body=b"b")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    assert refused(s3.complete_multipart_upload, Key="copies/a", UploadId=upload, MultipartUpload=parts) == LOCKED
    s3.put_object(Bucket=BUCKET, Key="copies/b", Body=b"b", IfNoneMatch="*")
    s3.put_object(Bucket=BUCKET, Key="state", Body=b"2")
    assert [text(s3, key) for key in ("copies/a", "copies/b", "state")] == [b"a", b"b", b"2"]


@pytest.mark.parametrize("quiet", [True, False])
def test_of_many_the_locked_ones_stay(world: Running, s3: Any, quiet: bool) -> None:
    """The answer is a success that names them."""
    for key in ("copies/a & b", "one", "two"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    lock(world, rule(FOREVER))
    wanted = {"Objects": [{"Key": key} for key in ("one", "copies/a & b", "two")], "Quiet": quiet}
    answer = s3.delete_objects(Bucket=BUCKET, Delete=wanted)
    assert [(each["Key"], each["Code"]) for each in answer["Errors"]] == [("copies/a & b", LOCKED[0])]
    assert [each["Key"] for each in answer.get("Deleted", ())] == ([] if quiet else ["one", "two"])
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["copies/a & b"]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"type": "Age", "maxAgeSeconds": 3600}, True),
        ({"type": "Age", "maxAgeSeconds": 0}, False),
        ({"type": "Date", "date": (datetime.now(UTC) + timedelta(days=1)).isoformat()}, True),
        ({"type": "Date", "date": "2026-01-01T00:00:00Z"}, False),
        (FOREVER, True),
    ],
)
def test_a_lock_holds_as_long_as_its_condition_says(
    world: Running, s3: Any, condition: dict[str, Any], holds: bool
) -> None:
    """By age, until a date, or without an end; rules reach what was there before them."""
    s3.put_object(Bucket=BUCKET, Key="copies/a", Body=b"a")
    lock(world, rule(condition))
    if holds:
        assert refused(s3.delete_object, Key="copies/a") == LOCKED
    else:
        s3.delete_object(Bucket=BUCKET, Key="copies/a")


def test_the_strictest_rule_holds_and_one_that_is_off_does_not(world: Running, s3: Any) -> None:
    """A rule without a prefix covers everything; a rule that was taken away holds nothing."""
    s3.put_object(Bucket=BUCKET, Key="copies/a", Body=b"a")
    lock(world, rule(FOREVER, enabled=False))
    s3.put_object(Bucket=BUCKET, Key="copies/a", Body=b"b")
    lock(world, rule({"type": "Age", "maxAgeSeconds": 0}), rule(FOREVER, prefix=""))
    assert refused(s3.put_object, Key="copies/a", Body=b"c") == LOCKED
    lock(world)
    s3.delete_object(Bucket=BUCKET, Key="copies/a")


def test_rules_survive_a_restart(world: Running, s3: Any) -> None:
    """They are the bucket's."""
    s3.put_object(Bucket=BUCKET, Key="copies/a", Body=b"a")
    lock(world, rule(FOREVER))
    world.restart(("s3", "cloudflare"))
    with closing(client(world)) as again:
        assert refused(again.delete_object, Key="copies/a") == LOCKED
    assert Account(world, ID).get(RULES) == {"rules": [rule(FOREVER)]}
