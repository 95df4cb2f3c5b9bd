"""The manifest of a plan bundle: what was planned, from what, for whom, until when.

Everything that an apply compares with the world is in it; none of it is secret (secrets are keyed fingerprints). Its
text is canonical, so that one changed byte shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from deployer.review.risk import Risk

SCHEMA: Final = 1
FILE_NAME: Final = "manifest.json"
# Beside the files of a bundle, added later.
APPROVALS: Final = "approvals"


class Part(BaseModel):
    """What all parts of the manifest have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Project(Part):
    """Which infrastructure the plan is for: bundles of another one are refused."""

    name: str = Field(description="Name of the project")
    account_id: str = Field(description="Account at Cloudflare")
    zone: str = Field(description="Zone of all hosts")
    state_bucket: str = Field(description="Bucket that keeps states, plans and the ledger")


class Planner(Part):
    """Who made the plan, under every name that is known; an approver who is one of them is the planner."""

    who: str = Field(description="user@host")
    email: str | None = Field(default=None, description="What git calls the person")
    account: str | None = Field(default=None, description="Account at the CI that ran the plan")


class CiRun(Part):
    """The run of a workflow in which the plan was made: reviews of that run are reviews of this plan."""

    system: Literal["github"] = Field(default="github", description="Where the workflow runs")
    repository: str = Field(description="owner/name")
    run: str = Field(description="Id of the run")
    attempt: str = Field(description="Which attempt of it, from 1")


class StackState(Part):
    """One stack's saved plan, and the state that it was made from."""

    saved: bool = Field(description="Whether the bundle holds a plan to apply; otherwise it was predicted")
    serial: int | None = Field(description="Serial of the state; null where there was none")
    lineage: str | None = Field(description="Lineage of the state; null where there was none")


class Counts(Part):
    """How many changes of each kind, and how many things stay as they are."""

    create: int = Field(default=0, description="Made anew")
    update: int = Field(default=0, description="Changed as it is")
    replace: int = Field(default=0, description="Deleted and made anew")
    delete: int = Field(default=0, description="Gone for good")
    forget: int = Field(default=0, description="Left as it is, and out of the state")
    run: int = Field(default=0, description="Pushed or run")
    unchanged: int = Field(default=0, description="Things that stay as they are")


class Manifest(Part):
    """The manifest as it is written to manifest.json."""

    schema_: Literal[1] = Field(default=SCHEMA, alias="schema", description="Version of this format")
    id: str = Field(description="Name of the bundle, unique in the state bucket")
    project: Project = Field(description="Which infrastructure it is")
    environment: str = Field(description="What is changed")
    kind: str = Field(description="Kind of the environment")
    target: Literal["cloudflare", "sandbox"] = Field(description="The real clouds or the sandbox")
    commit: str | None = Field(description="The commit that was checked out; null outside git")
    dirty: bool = Field(description="Whether files differed from that commit")
    settings: tuple[str, ...] = Field(default=(), description="Values given by --set")
    created: AwareDatetime = Field(description="When it was made")
    expires: AwareDatetime = Field(description="When it can no longer be applied")
    planner: Planner = Field(description="Who made it")
    run: CiRun | None = Field(default=None, description="In which run of a workflow; left out where it was none")
    tools: Mapping[str, str] = Field(description="Programs and providers to their versions")
    locks: Mapping[str, str] = Field(description="Lock files to their digests")
    inputs: Mapping[str, str] = Field(description="Rendered files and sources to their digests")
    stacks: Mapping[str, StackState] = Field(description="Terraform stacks, in order")
    live: Mapping[str, str | None] = Field(description="What ran when the plan was made")
    secrets: Mapping[str, str] = Field(description="Secrets by their place in the inventory to keyed fingerprints")
    digest: str = Field(description="Digest of what the changes mean; the same for plans that do the same")
    risk: Risk = Field(description="The most dangerous kind of change in it")
    needed: int = Field(ge=0, description="How many people had to approve it when it was made")
    counts: Counts = Field(description="How many changes of each kind")
    files: Mapping[str, str] = Field(description="Files of the bundle to the digests of their bytes")
    seals: Mapping[str, str] = Field(default_factory=dict, description="Keyed fingerprints of all other keys")

    @field_validator("files")
    @classmethod
    def _inside(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        """Whoever wrote it, the files lie in the bundle: by these names they are written when it is fetched."""
        for name in value:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name or str(path) != name or not path.parts:
                raise ValueError(f"`{name}` is no file of a bundle")
            if path.parts[0] in (APPROVALS, FILE_NAME):
                raise ValueError(f"`{name}` is not written with a bundle")
        return value

    @property
    def text(self) -> str:
        """The canonical text; the file holds exactly this."""
        return canonical(self._values())

    def _values(self) -> dict[str, Any]:
        values = self.model_dump(mode="json", by_alias=True)
        if self.run is None:
            # As it is in bundles from before there was such a key.
            del values["run"]
        return values

    def made_seals(self, fingerprint: Callable[[str], str]) -> dict[str, str]:
        """A keyed fingerprint for each key, bound to this bundle: an edit shows, and nobody else can make one."""
        values = self._values()
        del values["seals"]
        return {key: fingerprint(canonical([self.id, key, value])) for key, value in values.items()}

    def sealed(self, fingerprint: Callable[[str], str]) -> Manifest:
        """The same manifest with its seals."""
        return self.model_copy(update={"seals": self.made_seals(fingerprint)})

    def broken_seals(self, fingerprint: Callable[[str], str]) -> tuple[str, ...]:
        """Keys whose values are not those that were sealed."""
        made = self.made_seals(fingerprint)
        return tuple(sorted(key for key in {*made, *self.seals} if made.get(key) != self.seals.get(key)))

    @property
    def bundle_digest(self) -> str:
        """What approvals bind to: the digest of the manifest, and so of every file it lists."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def canonical(data: Any) -> str:
    """JSON that is the same for the same data, and still readable."""
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
