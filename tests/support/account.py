"""The Cloudflare API of a sandbox as a test sees it: what is there now, and changes made behind Terraform's back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.sandbox import Running


@dataclass(frozen=True)
class Account:
    """One account of a running sandbox."""

    sandbox: Running
    id: str

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the `result` of a request that must succeed. `{account}` in the path is the account's id."""
        answer = httpx.request(
            method,
            self.sandbox.url("cloudflare").rstrip("/") + path.format(account=self.id),
            json=body,
            headers={"Authorization": f"Bearer {self.sandbox.environment['CLOUDFLARE_API_TOKEN']}"},
            timeout=30,
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["result"] if answer.content else None

    def get(self, path: str) -> Any:
        """Return the `result` of a GET."""
        return self.call("GET", path)

    def named(self, prefix: str) -> list[str]:
        """Return the names of everything in the account that carries `prefix`, Workers with hosts twice."""
        workers = [worker["name"] for worker in self.get("/accounts/{account}/workers/workers")]
        namespaces = [namespace["title"] for namespace in self.get("/accounts/{account}/storage/kv/namespaces")]
        buckets = [bucket["name"] for bucket in self.get("/accounts/{account}/r2/buckets")["buckets"]]
        served = [domain["service"] for domain in self.get("/accounts/{account}/workers/domains")]
        return sorted(name for name in workers + namespaces + buckets + served if name.startswith(prefix))

    def hosts(self) -> dict[str, str]:
        """Return every host with the Worker that it leads to."""
        return {domain["hostname"]: domain["service"] for domain in self.get("/accounts/{account}/workers/domains")}

    def zone(self, name: str) -> str:
        """Return the path of a zone."""
        return f"/zones/{self.get(f'/zones?name={name}')[0]['id']}"

    def rules(self, zone: str) -> dict[str, list[dict[str, Any]]]:
        """Return the rules of the zone's own rulesets, by phase. `zone` is a zone's path."""
        own = [ruleset for ruleset in self.get(f"{zone}/rulesets") if ruleset["kind"] == "zone"]
        return {ruleset["phase"]: self.get(f"{zone}/rulesets/{ruleset['id']}")["rules"] for ruleset in own}
