"""The inventory's types: what an environment is, in the words of environments.toml.

Frozen and strict: nothing is coerced, unknown keys are refused, every text has its placeholders filled in. Rules
between environments (two with one host) live in `checks.py`; this module knows neither files nor the cascade.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from deployer.inventory import base, ephemeral, review
from deployer.inventory.base import Binding, Model, Name, RelativePath, SecretRef, Text
from deployer.inventory.ci import Ci
from deployer.inventory.ephemeral import Leasing, Quotas, Sweeping
from deployer.inventory.review import Approvals, Approver, Freeze, Planning, Rule, StateKeeping
from deployer.inventory.state_keys import state_key

_HOST: Final = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$"
_URL_PATH: Final = r"^/"
_DATE: Final = r"^\d{4}-\d{2}-\d{2}$"
_ACCOUNT: Final = r"^[0-9a-f]{32}$"
# The forms of the zone's values are those that terraform/modules/zone_* and cache_rules take; a test compares them.
_ZONE_PATH: Final = r"^/[A-Za-z0-9._~/-]{0,200}$"
_RULESET: Final = r"^(cloudflare_free|cloudflare_managed|exposed_credentials|owasp_core|[0-9a-f]{32})$"
REPOSITORY_FORM: Final = r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$"
_SETTING: Final = r"^[a-z0-9_]{2,64}$"
FORMS: Final = {
    **base.FORMS,
    **review.FORMS,
    **ephemeral.FORMS,
    _HOST: "a host name in small letters, such as dev.example.com",
    _URL_PATH: "a path that begins with /",
    _DATE: "a date such as 2026-11-01",
    _ACCOUNT: "an account id of 32 hexadecimal digits",
    _ZONE_PATH: "a path that begins with / and has letters, digits and . _ ~ / - only",
    _RULESET: "cloudflare_free, cloudflare_managed, exposed_credentials, owasp_core or a ruleset's id",
    REPOSITORY_FORM: "a repository in the form owner/name",
    _SETTING: "the id of a setting, with small letters, digits and underscores",
}
"""What the patterns mean, for messages."""

WorkerName = Annotated[Name, StringConstraints(max_length=63)]
BucketName = Annotated[Name, StringConstraints(min_length=3, max_length=63)]
NamespaceTitle = Annotated[str, StringConstraints(min_length=1, max_length=512)]
HostName = Annotated[str, StringConstraints(pattern=_HOST, max_length=253)]
UrlPath = Annotated[str, StringConstraints(pattern=_URL_PATH)]
ZonePath = Annotated[str, StringConstraints(pattern=_ZONE_PATH)]
Ruleset = Annotated[str, StringConstraints(pattern=_RULESET)]
SettingId = Annotated[str, StringConstraints(pattern=_SETTING)]
Ttl = Annotated[int, Field(ge=0, le=31536000)]
Command = Annotated[tuple[str, ...], Field(min_length=1)]
Stack = Literal["zone", "site", "hosts"]


class Project(Model):
    """What all environments share: accounts, zone, state bucket."""

    name: Name = Field(description="Short name; part of most other names")
    account_id: Annotated[str, StringConstraints(pattern=_ACCOUNT)] = Field(description="Cloudflare account")
    zone: HostName = Field(description="The domain under which all hosts lie")
    state_bucket: BucketName = Field(description="R2 bucket of the Terraform state")
    location: Literal["apac", "eeur", "enam", "weur", "wnam", "oc"] = Field(description="R2 location hint")
    aws_region: Text = Field(description="Region of AWS Secrets Manager")
    convex_team: Text = Field(description="Convex team slug")
    convex_project: Text = Field(description="Convex project slug")
    repository: Annotated[str, StringConstraints(pattern=REPOSITORY_FORM)] | None = Field(
        default=None, description="Repository on GitHub, owner/name; `GITHUB_REPOSITORY` goes before it"
    )
    fingerprint_key: SecretRef = Field(description="Key of the fingerprints by which secrets are compared")
    state: StateKeeping = Field(default=StateKeeping(), description="Copies and plan bundles in the state bucket")
    approvers: Mapping[Name, Approver] = Field(default_factory=dict, description="People who may approve, by name")
    quotas: Quotas = Field(default=Quotas(), description="How much of each thing the accounts may hold")
    sweep: Sweeping = Field(default=Sweeping(), description="How patient a sweep is")


class EndToEnd(Model):
    """The application's own tests against a deployed environment."""

    command: Command = Field(description="Command that runs them, in the application's folder")
    url_variable: Binding = Field(default="BASE_URL", description="Variable in which they read the address")
    report_variable: Binding = Field(
        default="E2E_REPORT", description="Variable in which they read the folder for report, traces and screenshots"
    )
    headers_variable: Binding = Field(
        default="E2E_HEADERS", description="Variable in which they read the headers of `bypass`, a JSON object"
    )
    bypass: Mapping[Text, SecretRef] = Field(
        default_factory=dict, description="Headers that pass an access protection: name to where the value is kept"
    )


class App(Model):
    """The application that is deployed: where it is and how it is built."""

    path: Text = Field(description="Folder of the application, relative to this file")
    exclude: tuple[Text, ...] = Field(default=(), description="Patterns of files that never change what is deployed")
    install: Command = Field(description="Command that installs the application's packages")
    build: Command = Field(description="Command that builds the application")
    main: RelativePath = Field(description="The built Worker, relative to the application")
    assets: RelativePath = Field(description="Folder of the built assets, relative to the application")
    convex: RelativePath = Field(description="Folder of the Convex functions, relative to the application")
    convex_url_variable: Binding = Field(description="Variable in which the build reads the backend's address")
    health: UrlPath = Field(description="Path that answers 200 when the Worker reaches its backend")
    e2e: EndToEnd | None = Field(default=None, description="The application's end-to-end tests, for `inv e2e`")


class Limits(Model):
    """Bounds of a run."""

    parallel_steps: int = Field(ge=1, le=32, description="How many steps run at the same time")
    tool_seconds: int = Field(ge=1, description="Longest run of one tool")
    http_seconds: int = Field(ge=1, description="Longest single HTTP request")
    proof_seconds: int = Field(ge=1, description="How long the proof waits for the live host to serve the release")


class Guards(Model):
    """What must not happen to this environment by accident."""

    protected: bool = Field(description="Destroying needs --allow-protected and the environment's name typed")
    empty_buckets_on_destroy: bool = Field(description="Whether destroy deletes the objects within the buckets")
    destroy_zone: bool = Field(
        default=False, description="Whether destroy removes the zone's settings, which every host of the domain needs"
    )
    reviewed_only: bool = Field(
        default=False,
        description="Whether it changes only by `inv apply` of a plan; on the sandbox `inv deploy` does all the same",
    )
    never_destroy: tuple[Text, ...] = Field(
        default=(), description="Patterns of addresses that no plan may delete, replace or forget, whoever approves"
    )


class Logs(Model):
    """Observability of the Worker."""

    enabled: bool = Field(description="Whether logs are kept")
    sampling_rate: float = Field(ge=0, le=1, description="Share of requests that are logged")


class Worker(Model):
    """The Worker and everything bound to it. Bindings are maps from the name in the code to the thing's name."""

    name: WorkerName = Field(description="Name of the Worker")
    compatibility_date: Annotated[str, StringConstraints(pattern=_DATE)] = Field(description="Compatibility date")
    compatibility_flags: tuple[Text, ...] = Field(description="Compatibility flags")
    logs: Logs = Field(description="Observability")
    variables: Mapping[Binding, str] = Field(description="Plain text variables")
    kv: Mapping[Binding, NamespaceTitle] = Field(description="KV namespaces: binding to title")
    r2: Mapping[Binding, BucketName] = Field(description="R2 buckets: binding to bucket")
    secrets: Mapping[Binding, SecretRef] = Field(description="Secrets: binding to where the value is kept")

    @model_validator(mode="after")
    def _bindings_are_unique(self) -> Self:
        owner: dict[str, str] = {"ASSETS": "the static assets"}
        for table in ("variables", "kv", "r2", "secrets"):
            for binding in getattr(self, table):
                if binding in owner:
                    raise ValueError(f"binding `{binding}` is used by {owner[binding]} and by worker.{table}")
                owner[binding] = f"worker.{table}"
        return self


class Convex(Model):
    """The Convex deployment behind the environment."""

    type: Literal["prod", "dev", "preview"] = Field(description="Type of the deployment")
    deployment: Name | None = Field(default=None, description="Name of the deployment; previews get theirs on creation")
    deploy_key: SecretRef = Field(description="Key with which the CLI pushes")
    variables: Mapping[Binding, str] = Field(description="Environment variables of the functions")
    secrets: Mapping[Binding, SecretRef] = Field(description="Secret environment variables of the functions")
    seed: ephemeral.FunctionName | None = Field(
        default=None, description="Function that is run once on a new preview, e.g. seed:run"
    )

    @model_validator(mode="after")
    def _deployment_fits_type(self) -> Self:
        if (self.type == "preview") != (self.deployment is None):
            raise ValueError(
                "a preview has no fixed `deployment`; it is created and named by Convex"
                if self.deployment
                else f"convex type `{self.type}` needs `deployment`, the name that Convex gave"
            )
        if self.seed is not None and self.type != "preview":
            raise ValueError(f"`seed` fills new previews, and this deployment is of type `{self.type}`")
        for binding in self.variables:
            if binding in self.secrets:
                raise ValueError(f"`{binding}` is in convex.variables and in convex.secrets")
        return self


class Hsts(Model):
    """Strict-Transport-Security of the zone."""

    max_age: int = Field(ge=0, le=63072000, description="Seconds; 0 switches it off")
    include_subdomains: bool = Field(description="Whether it holds for all hosts of the zone")
    preload: bool = Field(description="Whether browsers may build it in")
    nosniff: bool = Field(default=True, description="Whether browsers must believe the content type they are told")

    @model_validator(mode="after")
    def _preload_is_acceptable(self) -> Self:
        if self.preload and not (self.include_subdomains and self.max_age >= 31536000):
            raise ValueError("`preload` needs include_subdomains and a max_age of at least 31536000 (one year)")
        return self


class RateLimit(Model):
    """One rate limit of the zone. Plans differ in the periods that they allow."""

    path: ZonePath = Field(description="Requests whose path begins so are counted")
    requests: int = Field(ge=1, description="How many are allowed per period and client")
    period: int = Field(ge=10, le=65535, description="Seconds over which requests are counted")
    timeout: int = Field(ge=0, le=86400, description="Seconds for which a client is refused")


class CacheRule(Model):
    """How long answers under a path are kept. A time left out is the origin's to say."""

    path: ZonePath = Field(description="Paths that begin so")
    edge_ttl: Ttl | None = Field(default=None, description="Seconds at Cloudflare's edge; else what the origin says")
    browser_ttl: Ttl | None = Field(default=None, description="Seconds in browsers; else what the origin says")


class Zone(Model):
    """Settings of the whole domain; owned by one environment. What is left out stays unmanaged."""

    dnssec: bool = Field(description="Whether the zone is signed")
    settings: Mapping[SettingId, str | int] = Field(
        default_factory=dict, description="Zone settings by Cloudflare's names"
    )
    hsts: Hsts | None = Field(default=None, description="HTTP Strict Transport Security")
    managed_rules: tuple[Ruleset, ...] = Field(
        default=(), description="Managed WAF rule sets in order, each by name or by id"
    )
    rate_limit: RateLimit | None = Field(default=None, description="The zone's rate limit")
    cache: tuple[CacheRule, ...] = Field(default=(), description="Cache rules, in order")

    @model_validator(mode="after")
    def _nothing_is_said_twice(self) -> Self:
        for name in self.managed_rules:
            if self.managed_rules.count(name) > 1:
                raise ValueError(f"managed_rules names `{name}` twice")
        paths = [rule.path for rule in self.cache]
        for path in paths:
            if paths.count(path) > 1:
                raise ValueError(f"two cache rules have the path `{path}`")
        if "security_header" in self.settings:
            raise ValueError("`security_header` is set by the table hsts")
        return self


class Environment(Model):
    """One environment with its effective values."""

    name: Name = Field(description="production, development, pr-12")
    kind: Name = Field(description="Which table of [kinds] it takes its values from")
    number: int | None = Field(default=None, description="The number of an ephemeral environment")
    aliases: tuple[Name, ...] = Field(default=(), description="Other names for --env")
    host: HostName = Field(description="Where it answers")
    stacks: Annotated[tuple[Stack, ...], Field(min_length=1)] = Field(description="Terraform stacks it has, in order")
    limits: Limits = Field(description="Bounds of a run")
    guards: Guards = Field(description="Guard rails")
    worker: Worker = Field(description="The Worker")
    convex: Convex = Field(description="The Convex deployment")
    zone: Zone | None = Field(default=None, description="Settings of the domain, for the environment with stack `zone`")
    lease: Leasing = Field(default=Leasing(), description="How long an ephemeral environment is kept")
    plan: Planning = Field(default=Planning(), description="Plan bundles")
    approvals: Approvals = Field(default=Approvals(), description="How many people approve a plan")
    freezes: Mapping[Name, Freeze] = Field(default_factory=dict, description="Times in which nothing changes, by name")
    policy: Mapping[Name, Rule] = Field(default_factory=dict, description="Rules over plans, by id")

    @model_validator(mode="after")
    def _zone_stack_has_settings(self) -> Self:
        if "zone" in self.stacks and self.zone is None:
            raise ValueError("stack `zone` needs a `zone` table with the domain's settings")
        return self

    def state_key(self, stack: str) -> str:
        """Where the Terraform state of one stack lies in the state bucket."""
        return state_key(self.name, stack)


class Inventory(Model):
    """The parts of environments.toml that all environments share."""

    project: Project
    app: App
    ci: Ci = Ci()
