"""R2's S3 interface as boto3 and Terraform's s3 backend meet it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.sandbox import Running, running_sandbox
from tests.support.terraform import terraform_argv

ONLY = ("s3",)
SETTINGS = Config(
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    retries={"total_max_attempts": 1},
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """S3 alone."""
    with running_sandbox(tmp_path_factory.mktemp("s3"), only=ONLY) as running:
        yield running


@pytest.fixture
def s3(world: Running) -> Iterator[Any]:
    """A client with R2's keys, in a world without buckets."""
    world.control("POST", "/reset")
    with closing(client(world)) as made:
        yield made


def client(world: Running, *, key: str | None = None, config: Config = SETTINGS) -> Any:
    """Boto3 as the deployer sets it up."""
    return boto3.client(
        "s3",
        endpoint_url=world.url("s3"),
        region_name="auto",
        aws_access_key_id=key or world.environment["R2_ACCESS_KEY_ID"],
        aws_secret_access_key=world.environment["R2_SECRET_ACCESS_KEY"],
        config=config,
    )


def code_of(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    """Code and status of a refusal."""
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_objects_are_kept_over_a_restart(world: Running, s3: Any) -> None:
    """Bytes, metadata, ETag and time of an object are the same after the sandbox ended and started again."""
    s3.create_bucket(Bucket="kept-bucket")
    s3.put_object(Bucket="kept-bucket", Key="a/state", Body=b"one", Metadata={"who": "me"}, ContentType="text/x")
    s3.put_object(Bucket="kept-bucket", Key="a/state", Body=b"two", Metadata={"who": "me"}, ContentType="text/x")
    s3.put_object(Bucket="kept-bucket", Key="gone", Body=b"x")
    s3.delete_object(Bucket="kept-bucket", Key="gone")
    before = s3.head_object(Bucket="kept-bucket", Key="a/state")
    world.restart(ONLY)
    after = get(world, "kept-bucket", "a/state")
    assert after["bytes"] == b"two"
    assert [after[name] for name in ("ETag", "LastModified", "Metadata", "ContentType")] == [
        before[name] for name in ("ETag", "LastModified", "Metadata", "ContentType")
    ]
    with closing(client(world)) as s3:
        assert [item["Key"] for item in s3.list_objects_v2(Bucket="kept-bucket")["Contents"]] == ["a/state"]


def test_one_of_many_conditional_writers_wins(s3: Any) -> None:
    """Of writers that all ask for `If-None-Match: *` at once, one succeeds and the others get 412."""
    s3.create_bucket(Bucket="locks")

    def write(number: int) -> int:
        try:
            s3.put_object(Bucket="locks", Key="lock", Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
        return 200

    for _ in range(5):
        with ThreadPoolExecutor(8) as pool:
            statuses = sorted(pool.map(write, range(8)))
        assert statuses == [200] + [412] * 7
        s3.delete_object(Bucket="locks", Key="lock")


def test_chunked_bodies_with_trailing_checksums_are_decoded(world: Running, s3: Any) -> None:
    """A client that insists on checksums stores the bytes it sent, without their framing."""
    s3.create_bucket(Bucket="framed")
    body = os.urandom(300_000)
    with closing(client(world, config=Config(request_checksum_calculation="when_supported"))) as insisting:
        insisting.put_object(Bucket="framed", Key="blob", Body=body, ChecksumAlgorithm="SHA256")
    assert get(world, "framed", "blob")["bytes"] == body
    framed = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    raw(world, "PUT", "/framed/raw", framed, {
        "content-type": "application/x-www-form-urlencoded", "content-encoding": "aws-chunked",
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": "5", "x-amz-trailer": "x-amz-checksum-crc32",
    })  # fmt: skip
    stored = get(world, "framed", "raw")
    assert stored["bytes"] == b"hello"
    assert "ContentEncoding" not in stored


def test_multipart_upload(world: Running, s3: Any) -> None:
    """An upload in parts is one object with a composed ETag."""
    s3.create_bucket(Bucket="parts")
    upload = s3.create_multipart_upload(Bucket="parts", Key="big")["UploadId"]
    bodies = [os.urandom(5 * 1024 * 1024), b"end"]
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(
            Bucket="parts", Key="big", UploadId=upload, PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate(bodies, 1)
    ]  # fmt: skip
    done = s3.complete_multipart_upload(Bucket="parts", Key="big", UploadId=upload, MultipartUpload={"Parts": parts})
    assert done["ETag"].strip('"').endswith("-2")
    assert get(world, "parts", "big")["bytes"] == b"".join(bodies)


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("put_bucket_versioning", {"Bucket": "limits", "VersioningConfiguration": {"Status": "Enabled"}}),
        ("put_object", {"Bucket": "limits", "Key": "k", "Body": b"", "ServerSideEncryption": "aws:kms"}),
        ("put_object", {"Bucket": "limits", "Key": "k", "Body": b"", "ServerSideEncryption": "AES256"}),
        ("put_bucket_acl", {"Bucket": "limits", "ACL": "private"}),
        ("get_bucket_policy", {"Bucket": "limits"}),
    ],
)
def test_what_r2_lacks_is_refused(s3: Any, call: str, arguments: dict[str, Any]) -> None:
    """Versioning, server-side encryption, ACLs and policies answer 501, as R2 does."""
    s3.create_bucket(Bucket="limits")
    with pytest.raises(ClientError) as error:
        getattr(s3, call)(**arguments)
    assert code_of(error) == ("NotImplemented", 501)


def test_a_wrong_access_key_is_refused(world: Running) -> None:
    """Missing and wrong credentials are felt, and by name."""
    with closing(client(world, key="0" * 32)) as stranger, pytest.raises(ClientError) as error:
        stranger.list_buckets()
    assert code_of(error) == ("InvalidAccessKeyId", 403)
    assert httpx.get(f"{world.url('s3')}/some-bucket/key").status_code == 403


def test_bucket_rules(s3: Any) -> None:
    """Twice, with a bad name, full, and gone: each has S3's own code."""
    s3.create_bucket(Bucket="rules")
    s3.put_object(Bucket="rules", Key="k", Body=b"")
    expected = [
        ("create_bucket", "rules", ("BucketAlreadyOwnedByYou", 409)),
        ("create_bucket", "Not.a.name", ("InvalidBucketName", 400)),
        ("delete_bucket", "rules", ("BucketNotEmpty", 409)),
        ("delete_bucket", "absent", ("NoSuchBucket", 404)),
    ]
    for call, bucket, code in expected:
        with pytest.raises(ClientError) as error:
            getattr(s3, call)(Bucket=bucket)
        assert code_of(error) == code
    s3.delete_objects(Bucket="rules", Delete={"Objects": [{"Key": "k"}]})
    s3.delete_bucket(Bucket="rules")
    assert s3.list_buckets()["Buckets"] == []


def test_the_request_log_tells_readers_from_writers(world: Running, s3: Any) -> None:
    """Each request is there once, with what a success would mean, and access-granting parameters are masked."""
    s3.create_bucket(Bucket="logged")
    s3.list_objects_v2(Bucket="logged")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "logged", "Key": "k"})
    assert httpx.get(url).status_code == 404
    entries = world.requests()
    assert [(entry["method"], entry["status"], entry["mutating"]) for entry in entries] == [
        ("PUT", 200, True), ("GET", 200, False), ("GET", 404, False),
    ]  # fmt: skip
    assert world.environment["R2_ACCESS_KEY_ID"] not in json.dumps(entries)
    assert {entry["service"] for entry in entries} == {"s3"}


def test_terraform_keeps_state_and_locks_here(world: Running, s3: Any, tmp_path: Path) -> None:
    """Terraform's s3 backend with `use_lockfile` writes its state, and is told who holds the lock when it is held."""
    s3.create_bucket(Bucket="terraform-state")
    (tmp_path / "main.tf").write_text(
        'terraform {\n  backend "s3" {\n    bucket = "terraform-state"\n    key = "x.tfstate"\n    region = "auto"\n'
        f'    endpoints = {{ s3 = "{world.url("s3")}" }}\n'
        "    use_path_style = true\n    use_lockfile = true\n    skip_credentials_validation = true\n"
        "    skip_region_validation = true\n    skip_requesting_account_id = true\n    skip_metadata_api_check = true\n"
        '    skip_s3_checksum = true\n  }\n}\noutput "answer" { value = 42 }\n'
    )
    assert terraform(world, tmp_path, "init", "-input=false").returncode == 0
    assert terraform(world, tmp_path, "apply", "-auto-approve", "-input=false").returncode == 0
    state = json.loads(get(world, "terraform-state", "x.tfstate")["bytes"])
    assert state["outputs"]["answer"]["value"] == 42
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="terraform-state")["Contents"]] == ["x.tfstate"]
    lock = {
        "ID": "11111111-1111-1111-1111-111111111111",
        "Operation": "apply",
        "Who": "somebody@else",
        "Created": "2026-11-01T00:00:00Z",
    }
    s3.put_object(Bucket="terraform-state", Key="x.tfstate.tflock", Body=json.dumps(lock).encode())
    locked = terraform(world, tmp_path, "apply", "-auto-approve", "-input=false")
    assert locked.returncode == 1
    assert "somebody@else" in locked.stderr


def terraform(world: Running, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Terraform with R2's keys."""
    (folder / "cli.tfrc").touch()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TF_CLI_CONFIG_FILE": str(folder / "cli.tfrc"),
        "CHECKPOINT_DISABLE": "1",
        "AWS_ACCESS_KEY_ID": world.environment["R2_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": world.environment["R2_SECRET_ACCESS_KEY"],
    }
    return subprocess.run(
        [*terraform_argv(), *arguments, "-no-color"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def raw(world: Running, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
    """A request whose framing boto3 does not use over plain HTTP, signed as far as the sandbox looks."""
    credential = f"{world.environment['R2_ACCESS_KEY_ID']}/20261122/auto/s3/aws4_request"
    signed = {"authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00", **headers}
    assert httpx.request(method, world.url("s3") + path, content=body, headers=signed).status_code == 200


def get(world: Running, bucket: str, key: str) -> dict[str, Any]:
    """An object with its bytes, the connection closed."""
    with closing(client(world)) as s3:
        answer = s3.get_object(Bucket=bucket, Key=key)
        with answer["Body"] as body:
            return {**answer, "bytes": body.read()}
