"""Plain resources of the account: one row each (KV namespaces, queues, databases, alerts, Access)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.cloudflare.alerts import ALERT_TYPES
from sandbox.cloudflare.answers import Refusal
from sandbox.cloudflare.call import Call
from sandbox.cloudflare.checks import matches, of_type, one_of, required
from sandbox.cloudflare.crud import (
    ABSENT,
    Change,
    Collection,
    Field,
    Unique,
    created,
    echo,
    identity,
    kept,
    modified,
)
from sandbox.cloudflare.values import seconds, secret_value, uuid_id
from sandbox.tables import Body

_ACCOUNT = "/accounts/<account_id>"
_QUEUE_SETTINGS = {"delivery_delay": 0, "delivery_paused": False, "message_retention_period": 345600}


def _since(name: str) -> Field:
    """A time of the first write, under that name and without fraction."""
    return kept(name, lambda change: seconds(change.time))


def _now(name: str) -> Field:
    """The time of this write, under that name and without fraction."""
    return Field(name, server=lambda change: seconds(change.time))


def _mechanisms(body: Mapping[str, Any]) -> None:
    found = body.get("mechanisms")
    if not isinstance(found, Mapping) or not any(found.values()):
        raise Refusal(400, 17103, "at least one mechanism (email, webhooks or pagerduty) is required")
    if strange := set(found) - {"email", "webhooks", "pagerduty"}:
        raise Refusal(400, 17103, f"unknown mechanism `{min(strange)}`")


def _known_webhooks(change: Change) -> None:
    for hook in change.body["mechanisms"].get("webhooks") or []:
        if change.call.state.get("webhooks", change.scope, str(hook.get("id"))) is None:
            raise Refusal(400, 17103, f"webhook destination `{hook.get('id')}` does not exist")


def _webhook_type(change: Change) -> str:
    """Cloudflare tells the type from the address."""
    url = str(change.body["url"])
    known = {"hooks.slack.com": "slack", "discord.com": "discord", "chat.googleapis.com": "gchat"}
    return next((kind for host, kind in known.items() if f"//{host}/" in url), "generic")


def _expires(change: Change) -> str:
    hours = int(str(change.body.get("duration", "8760h")).removesuffix("h"))
    start = datetime.fromisoformat(change.old["created_at"] if change.old else change.time)
    return seconds((start + timedelta(hours=hours)).isoformat())


def _client_secret(change: Change) -> Any:
    """A new one for a new version; it is shown once."""
    rotated = change.old is None or change.body.get("client_secret_version") != change.old.get("client_secret_version")
    return secret_value() if rotated or change.old is None else change.old["client_secret"]


def _webhook_in_use(call: Call, scope: str, old: Body) -> None:
    for policy in call.state.all("alert_policies", scope):
        if any(hook.get("id") == old["id"] for hook in policy["mechanisms"].get("webhooks") or []):
            raise Refusal(400, 17102, f"the webhook is used by the notification policy `{policy['name']}`")


COLLECTIONS = (
    Collection(
        kind="kv_namespaces",
        path=f"{_ACCOUNT}/storage/kv/namespaces",
        missing=(10013, "namespace not found"),
        fields=(
            Field("id", server=identity),
            Field("title"),
            Field("supports_url_encoding", server=lambda _: True),
        ),
        checks=(required("title", code=10019), matches("title", r".{1,512}", "title is too long", code=10019)),
        unique=(Unique(("title",), 400, 10014, "a namespace with this account ID and title already exists"),),
        answer_deleted=lambda _: None,
    ),
    Collection(
        kind="queues",
        path=f"{_ACCOUNT}/queues",
        missing=(11000, "Queue not found"),
        id_field="queue_id",
        fields=(
            Field("queue_id", server=identity),
            Field("queue_name"),
            Field("created_on", server=created),
            Field("modified_on", server=modified),
            Field("producers_total_count", server=lambda _: 0),
            Field("producers", server=lambda _: []),
            Field("consumers_total_count", server=lambda _: 0),
            Field("consumers", server=lambda _: []),
            Field(
                "settings",
                server=lambda change: {
                    **_QUEUE_SETTINGS,
                    **(change.old or {}).get("settings", {}),
                    **(change.body.get("settings") or {}),
                },
            ),
        ),
        checks=(
            required("queue_name", code=11003),
            matches("queue_name", r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "Queue name is invalid", code=11003),
        ),
        unique=(
            Unique(
                ("queue_name",),
                409,
                11009,
                "Queue name '{0}' is already taken. Please use a different name and try again.",
            ),
        ),
        answer_deleted=lambda _: None,
    ),
    Collection(
        kind="d1_databases",
        path=f"{_ACCOUNT}/d1/database",
        missing=(7404, "The database was not found"),
        id_field="uuid",
        new_id=uuid_id,
        fields=(
            Field("uuid", server=identity),
            Field("name"),
            kept("created_at", lambda change: change.time),
            Field("version", server=lambda _: "production"),
            Field("num_tables", server=lambda _: 0),
            Field("file_size", server=lambda _: 12288),
            *echo("read_replication"),
        ),
        checks=(
            required("name"),
            matches("name", r"[A-Za-z0-9_-]{1,64}", "Invalid database name"),
            one_of("jurisdiction", ("eu", "fedramp")),
        ),
        unique=(Unique(("name",), 400, 7502, "A database with the name '{0}' already exists"),),
        filters=("name",),
        answer_deleted=lambda _: None,
    ),
    Collection(
        kind="alert_policies",
        path=f"{_ACCOUNT}/alerting/v3/policies",
        missing=(17002, "policy not found"),
        fields=(
            Field("id", server=identity),
            *echo("name", "description"),
            Field("enabled", default=True),
            *echo("alert_type", "mechanisms", "filters", "alert_interval"),
            _since("created"),
            _now("modified"),
        ),
        checks=(
            required("name", "alert_type", "mechanisms", code=17103),
            one_of("alert_type", ALERT_TYPES, code=17103),
            of_type("enabled", bool, code=17103),
            _mechanisms,
        ),
        verify=_known_webhooks,
        paged=False,
        answer_created=lambda body: {"id": body["id"]},
        answer_deleted=lambda _: {},
    ),
    Collection(
        kind="webhooks",
        path=f"{_ACCOUNT}/alerting/v3/destinations/webhooks",
        missing=(17001, "webhook not found"),
        fields=(
            Field("id", server=identity),
            *echo("name", "url"),
            Field("type", server=_webhook_type),
            _since("created_at"),
            Field("last_success", server=lambda _: None),
            Field("last_failure", server=lambda _: None),
            Field("secret", lambda change: (change.old or {}).get("secret", ABSENT)),
        ),
        checks=(
            required("name", "url", code=17103),
            matches("url", r"https?://\S+", "url is not an address", code=17103),
        ),
        hidden=("secret",),
        paged=False,
        answer_created=lambda body: {"id": body["id"]},
        answer_deleted=lambda _: {},
        before_delete=_webhook_in_use,
    ),
    Collection(
        kind="access_policies",
        path=f"{_ACCOUNT}/access/policies",
        missing=(12132, "access.api.error.policy_not_found"),
        new_id=uuid_id,
        fields=(
            Field("id", server=identity),
            Field("uid", server=identity),
            *echo("name", "decision"),
            Field("reusable", server=lambda _: True),
            Field("session_duration", "24h"),
            Field("include", lambda _: []),
            Field("exclude", lambda _: []),
            Field("require", lambda _: []),
            Field("app_count", server=lambda _: 0),
            _since("created_at"),
            _now("updated_at"),
        ),
        checks=(
            required("name", "decision", code=12130),
            one_of("decision", ("allow", "deny", "non_identity", "bypass"), code=12130),
        ),
    ),
    Collection(
        kind="access_service_tokens",
        path=f"{_ACCOUNT}/access/service_tokens",
        missing=(12139, "access.api.error.service_token_not_found"),
        new_id=uuid_id,
        fields=(
            Field("id", server=identity),
            *echo("name"),
            Field("client_id", server=lambda change: change.id.replace("-", "") + ".access"),
            Field("duration", "8760h"),
            Field("client_secret_version", 1),
            _since("created_at"),
            _now("updated_at"),
            Field("expires_at", server=_expires),
            Field("client_secret", server=_client_secret),
            Field("previous_client_secret_expires_at", server=lambda _: ABSENT),
        ),
        checks=(
            required("name", code=12130),
            matches("duration", r"\d+h", "duration is not a number of hours", code=12130),
        ),
        hidden=("client_secret",),
    ),
)
