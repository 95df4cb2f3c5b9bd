"""The inventory's types for ephemeral environments: how long they are kept, and how many the accounts have room for.

Data only: what a lease is and who has to go are known in `deployer/steps` and `deployer/playbooks`.
"""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from deployer.inventory.base import Model

_FUNCTION: Final = r"^[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*:[A-Za-z_][A-Za-z0-9_]*$"
FORMS: Final = {_FUNCTION: "a Convex function such as seed:run, its file and its name"}
"""What the patterns mean, for messages."""

FunctionName = Annotated[str, StringConstraints(pattern=_FUNCTION)]
Room = Annotated[int, Field(ge=1)]


class Leasing(Model):
    """The lease of an ephemeral environment."""

    hours: int = Field(default=72, ge=1, le=2160, description="Hours that it is kept after the last run on it")
    idle_hours: int = Field(default=24, ge=1, description="Hours without a run after which it may make room for others")
    tombstone_days: int = Field(default=14, ge=1, description="Days for which it stays noted that it was closed")
    evict: bool = Field(
        default=False, description="Whether `inv pr.up --evict` may remove expired and idle ones to make room"
    )

    @model_validator(mode="after")
    def _idle_before_expired(self) -> Self:
        if self.idle_hours > self.hours:
            raise ValueError("`idle_hours` is more than `hours`: it would have expired before")
        return self


class Sweeping(Model):
    """How patient `inv pr.sweep` is."""

    grace_minutes: int = Field(
        default=30, ge=0, description="Minutes for which what has no lease is left: a run may just be making it"
    )


class Quotas(Model):
    """What the accounts may hold altogether. What is left out is not counted."""

    convex_deployments: Room | None = Field(default=None, description="Convex deployments of the team")
    workers: Room | None = Field(default=None, description="Workers of the account")
    custom_domains: Room | None = Field(default=None, description="Custom domains of Workers in the zone")
    dns_records: Room | None = Field(default=None, description="DNS records of the zone")
