"""Rules that no single value can break alone: hosts within the zone, nothing shared by two environments or people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from deployer.errors import ConfigError
from deployer.inventory import names
from deployer.inventory.model import Environment, Project
from deployer.inventory.origin import Origin, closest
from deployer.inventory.positions import KeyPath


class WithOrigins(Protocol):
    """An environment and the origins of its values."""

    @property
    def environment(self) -> Environment:
        """The environment."""

    @property
    def origins(self) -> Mapping[KeyPath, Origin]:
        """Where its values came from."""


def check_project(project: Project, origins: Mapping[KeyPath, Origin]) -> None:
    """No key, address or account belongs to two approvers: one person could approve as two, or plan as another."""
    owners: dict[tuple[str, str], str] = {}
    for name, approver in project.approvers.items():
        keys = {("key", " ".join(key.split()[:2])) for key in approver.ssh}
        if approver.gpg is not None:
            keys.add(("key", approver.gpg.fingerprint))
        addresses = {("address", email.lower()) for email in approver.emails}
        accounts = {("account", account.lower()) for account in approver.accounts}
        logins = {("login", approver.github.lower())} if approver.github else set()
        for what, thing in sorted(keys | addresses | accounts | logins):
            owner = owners.setdefault((what, thing), name)
            if owner != name:
                key = "ssh" if " " in thing else "gpg"
                table = {"key": key, "address": "emails", "account": "accounts", "login": "github"}[what]
                raise ConfigError(
                    f"{what} `{thing}` belongs to the approvers `{owner}` and `{name}`",
                    place=_place(origins, ("project", "approvers", name, table)),
                    hint="each person has their own: people are counted, and whoever planned is told by these",
                )


def check_review(item: WithOrigins) -> None:
    """Where approvals are asked for, nothing goes around them."""
    asked, guards = item.environment.approvals, item.environment.guards
    if max(asked.additive, asked.update, asked.destroy) and not guards.reviewed_only:
        raise ConfigError(
            f"`{item.environment.name}` asks for approvals, and `inv deploy` may change it without any",
            place=_place(item.origins, ("approvals",)),
            hint="set guards.reviewed_only = true as well, so that it changes by `inv apply` alone",
        )


def check_environment(
    environment: Environment, project: Project, origins: Mapping[KeyPath, Origin], *, place: str
) -> None:
    """Rules within one environment that need the project."""
    host, zone = environment.host, project.zone
    if host != zone and not host.endswith("." + zone):
        origin = origins.get(("host",))
        raise ConfigError(
            f"host `{host}` of `{environment.name}` is outside the zone `{zone}`",
            place=origin.place if origin else place,
            hint=f"use `{zone}` itself or a name that ends in `.{zone}`",
        )
    for binding, bucket in environment.worker.r2.items():
        if bucket == project.state_bucket:
            raise ConfigError(
                f"worker.r2.{binding} is the bucket of the Terraform state, `{bucket}`",
                place=_place(origins, ("worker", "r2", binding)),
            )


def check_together(environments: Sequence[WithOrigins], entries: Sequence[str]) -> None:
    """Nothing that exists once belongs to two environments."""
    for template in (entry for entry in entries if names.NUMBER in entry):
        for entry, item in zip(entries, environments, strict=True):
            if entry != template and names.match_template(template, entry) is not None:
                key = item.environment.state_key(item.environment.stacks[0])
                raise ConfigError(
                    f"`{entry}` and the template `{template}` have one state key, {key}",
                    place=_place(item.origins, ("kind",)),
                    hint="rename the one that is written out",
                )
    owners: dict[tuple[str, str], tuple[str, Mapping[KeyPath, Origin], KeyPath]] = {}
    for entry, item in zip(entries, environments, strict=True):
        for what, thing, path in unique_things(item.environment):
            if (what, thing) in owners:
                other, origins, there = owners[(what, thing)]
                raise ConfigError(
                    f"{what} `{thing}` belongs to `{other}` and to `{entry}`",
                    place=_place(item.origins, path),
                    hint=f"the other one is at {_place(origins, there)}; put {{environment}} into the name",
                )
            owners[(what, thing)] = (entry, item.origins, path)
            if names.NUMBER in entry and str(item.environment.number) not in thing and what != "state key":
                raise ConfigError(
                    f"{what} `{thing}` is the same for every number of the template `{entry}`",
                    place=_place(item.origins, path),
                    hint="put {number} or {environment} into the name",
                )


def unique_things(environment: Environment) -> Iterator[tuple[str, str, KeyPath]]:
    """Everything that exists once, as (what, its name, where the inventory says so)."""
    for stack in environment.stacks:
        yield "state key", environment.state_key(stack), ("stacks",)
    yield "host", environment.host, ("host",)
    yield "Worker", environment.worker.name, ("worker", "name")
    for binding, title in environment.worker.kv.items():
        yield "KV namespace", title, ("worker", "kv", binding)
    for binding, bucket in environment.worker.r2.items():
        yield "R2 bucket", bucket, ("worker", "r2", binding)
    if environment.convex.deployment:
        yield "Convex deployment", environment.convex.deployment, ("convex", "deployment")
    if environment.zone is not None and "zone" in environment.stacks:
        yield "stack", "zone", ("stacks",)


def _place(origins: Mapping[KeyPath, Origin], path: KeyPath) -> str | None:
    origin = closest(origins, path)
    return origin.place if origin else None
