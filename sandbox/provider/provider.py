"""The provider's own part: configuration, validation, and each operation on a resource type or data source by name.

Stands between the protocol's server and the engine. Knows nothing of messages and sockets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from . import datasources, facts, operations, validation
from .diagnostics import Diagnostics, Refused
from .hooks import Call, Value, hooks
from .http import Client, is_loopback, user_agent
from .plan import Plan, make
from .table.resources import RESOURCES
from .table.row import Row
from .values import is_set

STAYS = "Resource Destruction Considerations"
STAYS_CREATED = (
    "This resource cannot be destroyed from Terraform. If you create this resource, it will be present in the API "
    "until manually deleted."
)
STAYS_DESTROYED = (
    "Applying this resource destruction will remove the resource from the Terraform state but will not change it in "
    "the API. If you would like to destroy or reset this resource in the API, refer to the documentation for how to "
    "do it manually."
)
_ENVIRONMENT = {
    "base_url": "CLOUDFLARE_BASE_URL",
    "api_token": "CLOUDFLARE_API_TOKEN",
    "api_key": "CLOUDFLARE_API_KEY",
    "email": "CLOUDFLARE_EMAIL",
    "api_user_service_key": "CLOUDFLARE_API_USER_SERVICE_KEY",
}
OFFICIAL = "https://api.cloudflare.com/client/v4"


@dataclass(slots=True)
class Planned:
    """What planning one resource came to."""

    value: Value | None
    replace: list[tuple[str | int, ...]] = field(default_factory=list)
    private: dict[str, str] = field(default_factory=dict)


class Provider:
    """One configured provider; Terraform configures it anew in every run."""

    def __init__(self, environment: Mapping[str, str]):
        self._environment = environment
        self._client: Client | None = None

    def configure(self, config: Value, terraform_version: str) -> None:
        """Take base URL and credentials from the provider block, else from the environment."""
        settings: dict[str, str | None] = {}
        for name, variable in _ENVIRONMENT.items():
            given = config.get(name)
            settings[name] = given if is_set(given) else self._environment.get(variable)
        base = settings["base_url"] or OFFICIAL
        if urlsplit(base).hostname and not is_loopback(base):
            raise Refused(
                "The embedded provider talks to loopback only",
                f"Its base URL is {base}. It belongs to the sandbox: set CLOUDFLARE_BASE_URL to the stand-in's "
                "address, or run without TF_REATTACH_PROVIDERS to use the official provider against the real API.",
            )
        suffix = config.get("user_agent_operator_suffix")
        headers = {"user-agent": user_agent(terraform_version, f'"{suffix}"' if is_set(suffix) else None)}
        if settings["api_token"]:
            headers["authorization"] = f"Bearer {settings['api_token']}"
        for name, header in (("api_key", "x-auth-key"), ("email", "x-auth-email")):
            if settings[name]:
                headers[header] = settings[name] or ""
        if settings["api_user_service_key"]:
            headers["x-auth-user-service-key"] = settings["api_user_service_key"] or ""
        self.close()
        self._client = Client(base, headers)

    def interrupt(self) -> None:
        """Give up what waits for another try."""
        if self._client is not None:
            self._client.interrupt()

    def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            self._client.close()

    @property
    def client(self) -> Client:
        """The HTTP client; there is one once Terraform has configured the provider."""
        if self._client is None:
            raise Refused(
                "Provider not configured", "Terraform asked for an operation before it configured the provider."
            )
        return self._client

    # ------------------------------------------------------------------------------------------------- resources

    def plan(
        self,
        name: str,
        state: Value | None,
        proposed: Value | None,
        config: Value | None,
        private: dict[str, str],
        found: Diagnostics,
    ) -> Planned:
        """Plan one resource: create (no state), change, or destroy (nothing proposed)."""
        schema, row = facts.schema("resource", name), self._row(name)
        if row.stays and state is None:
            found.warn(STAYS, STAYS_CREATED)
        if row.stays and proposed is None:
            found.warn(STAYS, STAYS_DESTROYED)
        if proposed is None:
            return Planned(None, private=private)
        plan = Plan(config or {}, state, proposed, private=dict(private), diagnostics=found)
        make(schema.attributes, plan)
        rules = hooks(row.quirk)
        if rules.plan and not found.failed:
            rules.plan(plan)
        return Planned(plan.value, plan.replace, plan.private)

    def apply(
        self,
        name: str,
        state: Value | None,
        planned: Value | None,
        config: Value | None,
        private: dict[str, str],
        found: Diagnostics,
    ) -> tuple[Value | None, dict[str, str]]:
        """Carry out a plan; returns the new state and notes."""
        if planned is None:
            operations.delete(self._call(name, "delete", state or {}, private, found))
            return None, {}
        call = self._call(name, "create" if state is None else "update", planned, private, found)
        call.state, call.config = state, config
        return operations.write(call), call.private

    def read(
        self, name: str, state: Value, private: dict[str, str], found: Diagnostics
    ) -> tuple[Value | None, dict[str, str]]:
        """Refresh one resource; None where it is gone."""
        call = self._call(name, "read", state, private, found)
        return operations.read(call), call.private

    def import_state(self, name: str, text: str, found: Diagnostics) -> tuple[Value | None, dict[str, str]]:
        """Take an existing object into the state."""
        call = self._call(name, "import", {}, {}, found)
        return operations.import_state(call, text), call.private

    def _row(self, name: str) -> Row:
        row = RESOURCES.get(name)
        if row is None:
            raise Refused(
                "Resource type not in the embedded provider",
                f"{name} can be validated, but the embedded provider of the sandbox cannot plan or apply it. The "
                "official provider cloudflare/cloudflare has it.",
            )
        return row

    def _call(self, name: str, operation: str, value: Value, private: dict[str, str], found: Diagnostics) -> Call:
        schema = facts.schema("resource", name)
        return Call(self._row(name), schema, self.client, operation, value, private=dict(private), diagnostics=found)

    # ------------------------------------------------------------------------------------ data sources, validation

    def read_data(self, name: str, config: Value) -> Value:
        """Read one data source."""
        return datasources.read(facts.schema("data", name), config, self.client)

    def validate(self, kind: str, name: str, config: Value, found: Diagnostics) -> None:
        """Check a configuration against what the schema facts say."""
        schema = facts.schema(kind, name)
        validation.validate(schema, config, found)
        if kind == "provider":
            _validate_credentials(config, found)


def _validate_credentials(config: Value, found: Diagnostics) -> None:
    for name, shape, message in (
        (
            "api_key",
            r"[0-9A-Za-z\-_]{37,60}",
            "API key must only contain characters 0-9, a-z, A-Z, hyphens and underscores",
        ),
        (
            "api_token",
            r"[0-9A-Za-z\-_]{40,80}",
            "API tokens must only contain characters a-z, A-Z, 0-9, hyphens and underscores",
        ),
    ):
        given = config.get(name)
        if is_set(given) and not re.fullmatch(shape, given):
            found.error("Invalid Attribute Value", f"Attribute {name} {message}", (name,))
    if is_set(config.get("api_key")) and config.get("email") is None:
        found.error(
            "Invalid Attribute Combination",
            'Attribute "email" must be specified when "api_key" is specified',
            ("api_key",),
        )
