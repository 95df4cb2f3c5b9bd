"""The inventory's types for reviewed changes: who approves what, what a plan may never do, when nothing may change.

Data only: how a rule is applied to a plan, or approvals are counted, is known in `deployer/review`.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from deployer.inventory.base import Model, Name, RelativePath, SecretRef, Text
from deployer.inventory.suggest import nearest

_CLOCK: Final = r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$"
_LOGIN: Final = r"^[A-Za-z0-9](-?[A-Za-z0-9])*(_[A-Za-z0-9]+)?$"
_FINGERPRINT: Final = r"^[0-9A-F]{40}$"
_SSH_KEY: Final = (
    r"^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa|sk-ssh-ed25519@openssh\.com) [A-Za-z0-9+/=]+( .*)?$"
)
FORMS: Final = {
    _CLOCK: "a time of day such as 18:00",
    _LOGIN: "a login on GitHub, without the @",
    _FINGERPRINT: "an OpenPGP fingerprint of 40 hexadecimal digits, in capitals",
    _SSH_KEY: "a public key such as `ssh-ed25519 AAAA...`",
}
"""What the patterns mean, for messages."""

Clock = Annotated[str, StringConstraints(pattern=_CLOCK)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Scalar = str | int | float | bool


class GpgKey(Model):
    """An OpenPGP key: the fingerprint is what is trusted, the file only brings the key."""

    fingerprint: Annotated[str, StringConstraints(pattern=_FINGERPRINT)] = Field(description="The key's fingerprint")
    file: RelativePath = Field(description="The armoured public key, relative to this file")


class Approver(Model):
    """A person who may approve plans, and the names under which this person makes plans."""

    ssh: tuple[Annotated[str, StringConstraints(pattern=_SSH_KEY)], ...] = Field(
        default=(), description="SSH public keys that sign for this person"
    )
    gpg: GpgKey | None = Field(default=None, description="OpenPGP key that signs for this person")
    github: Annotated[str, StringConstraints(pattern=_LOGIN, max_length=80)] | None = Field(
        default=None, description="Login on GitHub: this person's reviews of a run's environment can be approvals"
    )
    emails: tuple[Text, ...] = Field(default=(), description="Addresses that git knows this person by")
    accounts: tuple[Text, ...] = Field(
        default=(), description="User names of this person, on GitHub or as user@host: whoever planned is told by them"
    )

    @model_validator(mode="after")
    def _can_sign(self) -> Self:
        if not self.ssh and self.gpg is None and self.github is None:
            raise ValueError("an approver needs a key, `ssh` or `gpg`, or a login, `github`")
        return self


class StateKeeping(Model):
    """What the state bucket keeps beside the states, and for how long."""

    copies_days: int = Field(default=90, ge=1, description="Days after which a copy of a state may go")
    copies_locked_days: int = Field(
        default=14,
        ge=0,
        description="Days for which a protected environment's copies can be neither changed nor removed",
    )
    plans_days: int = Field(default=30, ge=1, description="Days after which a stored plan bundle goes")
    copy_key: SecretRef | None = Field(default=None, description="Key that encrypts copies before they are stored")

    @model_validator(mode="after")
    def _what_is_locked_can_go(self) -> Self:
        if self.copies_locked_days > self.copies_days:
            raise ValueError("`copies_locked_days` is more than `copies_days`: copies that are locked cannot go")
        return self


class Tolerance(Model):
    """A value that may differ between a reviewed plan and a fresh one without being another meaning."""

    address: Text = Field(description="Pattern of the changes' addresses, e.g. site:*.cloudflare_ruleset.*")
    attribute: Text = Field(description="Pattern of the attributes' paths, e.g. rules[*].headers.X-Build.value")
    reason: Text = Field(description="Why a difference there means nothing")


class Planning(Model):
    """How long a plan bundle stays valid, and what is noise in it."""

    valid_minutes: int = Field(default=1440, ge=1, description="Minutes after which a bundle is no longer applied")
    tolerate: Mapping[Name, Tolerance] = Field(default_factory=dict, description="Values that may differ, by name")


class Approvals(Model):
    """How many different people have to approve, by the risk of a plan."""

    additive: int = Field(default=0, ge=0, le=10, description="For a plan that only creates")
    update: int = Field(default=0, ge=0, le=10, description="For a plan that changes something")
    destroy: int = Field(default=0, ge=0, le=10, description="For a plan that deletes, replaces or forgets something")
    valid_minutes: int = Field(default=1440, ge=1, description="Minutes after which an approval no longer counts")
    github_environment: Text | None = Field(
        default=None, description="Environment on GitHub whose reviewers approve the bundle that their run has made"
    )


class Freeze(Model):
    """A time in which nothing is changed: weekly (`days`, `start`, `end`) or once (`since`, `until`)."""

    reason: Text = Field(description="Why, for whoever meets it")
    time_zone: Text = Field(description="Time zone of the times, e.g. Europe/Berlin")
    days: tuple[Day, ...] = Field(default=(), description="Days of the week on which it begins")
    start: Clock = Field(default="00:00", description="When it begins on such a day")
    end: Clock = Field(default="24:00", description="When it ends; one before `start` is on the next day")
    since: dt.datetime | None = Field(default=None, description="First moment of a single freeze, without an offset")
    until: dt.datetime | None = Field(default=None, description="The moment at which it is over")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            zoneinfo.ZoneInfo(value)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            meant = nearest(value, zoneinfo.available_timezones())
            hint = f"did you mean `{meant}`?" if meant else "e.g. Europe/Berlin, UTC"
            raise ValueError(f"`{value}` is no time zone this machine knows; {hint}") from None
        return value

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        once = self.since is not None or self.until is not None
        if once == bool(self.days):
            raise ValueError("a freeze is either weekly, with `days`, or single, with `since` and `until`")
        if once:
            if self.since is None or self.until is None or self.since >= self.until:
                raise ValueError("a single freeze needs `since` and a later `until`")
            if self.since.tzinfo is not None or self.until.tzinfo is not None:
                raise ValueError("`since` and `until` are local times in `time_zone`, so they have no offset")
        return self


class Rule(Model):
    """One rule over a plan. It looks at changes of some types, and says what attributes of them must be.

    Without `attributes`, `at_most` limits how many such changes one plan may have. In patterns `*` fits anything.
    """

    reason: Text = Field(description="Why, for whoever meets it")
    severity: Literal["error", "warning"] = Field(default="error", description="Whether a violation stops the plan")
    enabled: bool = Field(default=True, description="Whether the rule holds here")
    actions: tuple[Literal["create", "update", "replace", "delete", "forget"], ...] = Field(
        default=("create", "update", "replace"), description="Changes that the rule looks at"
    )
    types: tuple[Text, ...] = Field(
        default=("*",),
        description="Patterns of Terraform's resource types; other changes go by what their address begins with",
    )
    where: Mapping[Text, Scalar] = Field(
        default_factory=dict, description="Attributes that a resource must have for the rule to concern it"
    )
    attributes: tuple[Text, ...] = Field(default=(), description="Patterns of attributes' paths, e.g. rules[*].enabled")
    like: tuple[Text, ...] = Field(default=(), description="The value must fit one of these patterns")
    unlike: tuple[Text, ...] = Field(default=(), description="The value must fit none of these patterns")
    one_of: tuple[Scalar, ...] = Field(default=(), description="The value must be one of these")
    none_of: tuple[Scalar, ...] = Field(default=(), description="The value must be none of these")
    names: Literal["own", "not-foreign"] | None = Field(
        default=None,
        description="own: the value bears this environment's name; not-foreign: it bears no other environment's",
    )
    required: bool = Field(default=False, description="Whether one of the attributes must be there")
    at_most: int | None = Field(default=None, ge=0, description="How many such changes a plan may have")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        checks = [self.like, self.unlike, self.one_of, self.none_of, self.names, self.required]
        if not self.attributes:
            if any(checks) or self.at_most is None:
                raise ValueError("a rule needs `attributes` with a check of their values, or `at_most`")
        elif not any(checks) or self.at_most is not None:
            raise ValueError(
                "a rule with `attributes` needs one of like, unlike, one_of, none_of, names, required; no at_most"
            )
        return self
