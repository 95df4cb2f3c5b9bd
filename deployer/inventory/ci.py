"""The inventory's types for continuous integration: what a change can affect, and when a pull request is previewed.

Data only: how a path is matched is known in `deployer/playbooks/affected.py`, how an event is judged in
`deployer/playbooks/previewing.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from deployer.inventory.base import Model, Name, Text

Part = Literal["zone", "site", "hosts", "convex", "worker"]
PARTS: Final[tuple[Part, ...]] = ("zone", "site", "hosts", "convex", "worker")
"""What a change can affect: Terraform's stacks, the backend, the Worker."""
Association = Literal["OWNER", "MEMBER", "COLLABORATOR"]


class Paths(Model):
    """Files that belong together, and what a change of them can affect."""

    files: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(
        description="Patterns like those of .gitignore, relative to this file"
    )
    affects: tuple[Part, ...] = Field(
        description="Stacks, `convex`, `worker`; empty: nothing that is deployed. `convex` never without `worker`, "
        "which is built from the backend's generated code"
    )

    @field_validator("affects")
    @classmethod
    def _the_worker_follows_the_backend(cls, affects: tuple[Part, ...]) -> tuple[Part, ...]:
        if "convex" in affects and "worker" not in affects:
            raise ValueError("`convex` needs `worker` beside it, which is built from the backend's generated code")
        return affects


class Previews(Model):
    """When a pull request gets an environment of its own."""

    on: Literal["open", "label", "comment"] = Field(
        default="open", description="At once, for those with the label, or only for those where the comment is written"
    )
    label: Text = Field(default="preview", description="Label that asks for one")
    comment: Annotated[str, StringConstraints(pattern=r"^/")] = Field(
        default="/preview", description="Comment that asks for one, whatever `on` says"
    )
    environment: Name = Field(default="preview", description="GitHub environment that holds the previews' secrets")
    listens_to: tuple[Association, ...] = Field(
        default=("OWNER", "MEMBER", "COLLABORATOR"), description="Whose comments count, in GitHub's words"
    )


class Roles(Model):
    """The roles at AWS that jobs take by GitHub's identity, for `inv ci.aws-policy`."""

    account_id: Annotated[str, StringConstraints(pattern=r"^\d{12}$")] = Field(description="Account at AWS")
    owner_id: int | None = Field(default=None, ge=1, description="Number of the repository's owner at GitHub")
    repository_id: int | None = Field(default=None, ge=1, description="Number of the repository at GitHub")
    subjects: Literal["names", "ids", "both"] = Field(
        default="names",
        description="How GitHub writes the repository into an identity: by names, or by names with numbers, which no "
        "later owner of the name has; `both` while that is changed",
    )

    @model_validator(mode="after")
    def _ids_are_known(self) -> Self:
        if self.subjects != "names" and None in (self.owner_id, self.repository_id):
            raise ValueError(f"subjects `{self.subjects}` needs `owner_id` and `repository_id`")
        return self


class Ci(Model):
    """What the workflows decide by."""

    previews: Previews = Field(default=Previews(), description="When a pull request gets an environment")
    roles: Roles | None = Field(default=None, description="Roles at AWS")
    paths: Mapping[Name, Paths] = Field(
        default_factory=dict,
        description="What a change can affect: the first that has a file decides, one that none has affects all",
    )
