"""What all types of the inventory are made of: the strict model, names, secret references.

Frozen and strict: nothing is coerced, unknown keys are refused.
"""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

_NAME: Final = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
_BINDING: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"
_RELATIVE: Final = r"^[^/]"
FORMS: Final = {
    _NAME: "a name of small letters, digits and inner hyphens",
    _BINDING: "a name of letters, digits and underscores that begins with no digit",
    _RELATIVE: "a relative path",
}
"""What the patterns mean, for messages."""

Name = Annotated[str, StringConstraints(pattern=_NAME)]
Binding = Annotated[str, StringConstraints(pattern=_BINDING)]
RelativePath = Annotated[str, StringConstraints(pattern=_RELATIVE)]
Text = Annotated[str, StringConstraints(min_length=1)]


class Model(BaseModel):
    """What all parts of the inventory have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class SecretRef(Model):
    """Where a secret's value is kept; never the value.

    Either a key of an AWS Secrets Manager secret whose text is a JSON object, or a variable of the process environment.
    """

    aws: Text | None = Field(default=None, description="Id of the secret in AWS Secrets Manager")
    key: Text | None = Field(default=None, description="Key within the secret's JSON object")
    env: Binding | None = Field(default=None, description="Name of an environment variable that holds the value")
    required: bool = Field(default=True, description="Whether a deploy is refused when there is no value")

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.env is None) == (self.aws is None) or (self.aws is None) != (self.key is None):
            raise ValueError('a secret is either { aws = "secret id", key = "json key" } or { env = "NAME" }')
        return self

    def __str__(self) -> str:
        return f"environment variable {self.env}" if self.env else f"AWS secret {self.aws}, key {self.key}"
