"""What the stand-ins of a clone's sandbox hold, asked by their own APIs and not through anything of the deployer's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
import httpx
from botocore.config import Config

from sandbox.home import Home
from tests.support.account import Account
from tests.support.convex import Client, Convex
from tests.support.e2e_clone import Clone
from tests.support.sandbox import Running


@dataclass(frozen=True)
class World:
    """The sandbox of one clone."""

    clone: Clone

    @property
    def running(self) -> Running:
        """The sandbox itself."""
        return Running(Home(self.clone.sandbox_home))

    @property
    def account(self) -> Account:
        """The Cloudflare account of the inventory."""
        return Account(self.running, self.clone.inventory.inventory.project.account_id)

    @property
    def convex(self) -> Convex:
        """Convex's control plane."""
        return Convex(self.running)

    def backend(self, environment: str) -> Client:
        """The Convex deployment of an environment that has a fixed one."""
        key = self.clone.inventory.environment(environment).convex.deploy_key
        value = self.clone.credentials[key.env] if key.env else self.secret(key.aws)[key.key]
        answer = httpx.post(
            f"{self.running.url('convex')}/api/deployment/url_for_key",
            json={"deployKey": value},
            headers={"Authorization": f"Bearer {value}"},
            trust_env=False,
        )
        return Client(str(answer.raise_for_status().json()), value)

    def secret(self, identifier: str) -> dict[str, str]:
        """A secret of AWS Secrets Manager."""
        return dict(json.loads(self.secrets_manager.get_secret_value(SecretId=identifier)["SecretString"]))

    def get(self, host: str, path: str, **options: Any) -> httpx.Response:
        """A GET to the edge, by host name."""
        return self.send("GET", host, path, **options)

    def send(self, method: str, host: str, path: str, **options: Any) -> httpx.Response:
        """One request to the edge, by host name: what a system's resolver thinks of `*.localhost` does not matter."""
        headers = {"Host": host, **options.pop("headers", {})}
        url = f"{self.running.url('edge')}{path}"
        return httpx.request(method, url, headers=headers, trust_env=False, timeout=30, **options)

    def requests(self, *flags: str) -> list[dict[str, Any]]:
        """`inv sandbox.requests --json`."""
        return list(self.clone.inv("sandbox.requests", "--json", *flags).json["requests"])

    def mutating(self) -> list[tuple[str, str, str]]:
        """Requests that change something."""
        return [(each["service"], each["method"], each["path"]) for each in self.requests() if each["mutating"]]

    def variables(self, backend: Client) -> dict[str, str]:
        """Environment variables of a Convex deployment."""
        return dict(backend.get("/api/v1/list_environment_variables").raise_for_status().json()["environmentVariables"])

    def live_version(self, worker: str) -> dict[str, Any]:
        """The version of a Worker that has the traffic, with its annotations."""
        script = f"/accounts/{{account}}/workers/scripts/{worker}"
        deployments = self.account.get(f"{script}/deployments")["deployments"]
        (version,) = deployments[0]["versions"]
        return dict(self.account.get(f"{script}/versions/{version['version_id']}"))

    def dns_names(self, zone: str) -> set[str]:
        """Names of all DNS records of a zone."""
        return {record["name"] for record in self.account.get(f"{self.account.zone(zone)}/dns_records")}

    @cached_property
    def s3(self) -> Any:
        """R2 by its S3 API."""
        credentials = self.clone.credentials
        return boto3.client(
            "s3",
            endpoint_url=credentials["AWS_ENDPOINT_URL_S3"],
            aws_access_key_id=credentials["R2_ACCESS_KEY_ID"],
            aws_secret_access_key=credentials["R2_SECRET_ACCESS_KEY"],
            region_name="auto",
            config=Config(
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path"},
            ),
        )

    @cached_property
    def secrets_manager(self) -> Any:
        """AWS Secrets Manager."""
        credentials = self.clone.credentials
        return boto3.client(
            "secretsmanager",
            endpoint_url=credentials["AWS_ENDPOINT_URL_SECRETS_MANAGER"],
            aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
            region_name=self.clone.inventory.inventory.project.aws_region,
        )

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Every object of a bucket."""
        keys = [each["Key"] for each in self.s3.list_objects_v2(Bucket=bucket).get("Contents", ())]
        return {key: self.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def buckets(self) -> set[str]:
        """Names of all buckets."""
        return {each["Name"] for each in self.s3.list_buckets()["Buckets"]}
