"""The plan as a document for other programs: the types of plan.json and of what `inv plan --json` prints.

Only the shape is known here; `deployer/report/plan_document.py` fills it and reads it back. Whoever reads may meet keys
that came later; what is missing, or has another type, is an error.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool

from deployer.engine.change import Action
from deployer.review.risk import Risk


class Entry(BaseModel):
    """What all parts of the document have in common; none has a default, so that a lost part shows."""

    model_config = ConfigDict(frozen=True, extra="ignore", json_schema_extra={"additionalProperties": True})


class ChangeEntry(Entry):
    """One thing that would change."""

    action: Action = Field(description="What happens to it")
    address: str = Field(description="The thing, as its tool names it")
    summary: str = Field(description="What it is, in a few words")
    certain: StrictBool = Field(description="False where it depends on a value that only an earlier step will tell")
    meaning: str = Field(description="Digest or keyed fingerprint of all that the change does; empty if there is none")
    over: str = Field(description="Digest of what is replaced by it, where that matters; empty otherwise")
    forces: tuple[str, ...] = Field(description="Attributes because of which the thing is replaced")
    local: StrictBool = Field(description="Whether only the machine that runs it is changed, as by a build")
    detail: str = Field(description="Lines of the difference; sensitive values are hidden")


class StepEntry(Entry):
    """One step of the playbook."""

    name: str = Field(description="Name of the step")
    changes: tuple[ChangeEntry, ...] = Field(description="What it would change")


class FindingEntry(Entry):
    """A rule of the policy that the plan breaks."""

    rule: str = Field(description="Id of the rule")
    severity: Literal["error", "warning"] = Field(description="Whether it stops the plan")
    reason: str = Field(description="Why the rule exists")
    message: str = Field(description="How it is broken")
    where: str = Field(description="Address of what breaks it")
    place: str = Field(description="Where the rule stands in the inventory")


class PlannerEntry(Entry):
    """Who made the plan."""

    who: str = Field(description="user@host")
    email: str | None = Field(description="What git calls the person")
    account: str | None = Field(description="Account at the CI that ran the plan")


class CountsEntry(Entry):
    """How many changes of each kind; a build on the machine that runs it is none."""

    create: int = Field(ge=0, description="Made anew")
    update: int = Field(ge=0, description="Changed as it is")
    replace: int = Field(ge=0, description="Deleted and made anew")
    delete: int = Field(ge=0, description="Gone for good")
    forget: int = Field(ge=0, description="Left as it is, and out of the state")
    run: int = Field(ge=0, description="Pushed or run")
    unchanged: int = Field(ge=0, description="Things that stay as they are")


class ApprovalsEntry(Entry):
    """What the inventory asks for."""

    needed: int = Field(ge=0, description="How many different people have to approve")


class PlanDocument(Entry):
    """A plan: for whom and from what it was made, how dangerous it is, and every change."""

    schema_: Literal[1] = Field(alias="schema", description="Version of this format")
    command: Literal["plan"] = Field(description="Always `plan`")
    id: str = Field(description="Name of the bundle")
    environment: str = Field(description="What would be changed")
    kind: str = Field(description="Kind of the environment")
    target: Literal["cloudflare", "sandbox"] = Field(description="The real clouds or the sandbox")
    outcome: Literal["ok", "changes"] = Field(description="`ok` if there is nothing to change but this machine")
    commit: str | None = Field(description="The commit that was checked out; null outside git")
    dirty: StrictBool = Field(description="Whether files differed from that commit")
    settings: tuple[str, ...] = Field(description="Values given by --set")
    created: AwareDatetime = Field(description="When it was made")
    expires: AwareDatetime = Field(description="When it can no longer be applied")
    planner: PlannerEntry = Field(description="Who made it")
    digest: str = Field(description="Digest of what the changes mean; the same for plans that do the same")
    risk: Risk = Field(description="The most dangerous kind of change in it")
    counts: CountsEntry = Field(description="How many changes of each kind")
    approvals: ApprovalsEntry = Field(description="Who has to agree")
    findings: tuple[FindingEntry, ...] = Field(description="Rules of the policy that it breaks")
    steps: tuple[StepEntry, ...] = Field(description="The steps of the playbook, in order")
