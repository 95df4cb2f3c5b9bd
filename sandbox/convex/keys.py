"""Deploy keys and tokens: their forms, and what may be kept of them.

`prod:NAME|SECRET`, `dev:NAME|SECRET`, `preview:NAME|SECRET` belong to one deployment, `preview:TEAM:PROJECT|SECRET`
claims previews of a project. Only digests of secrets are compared and handed on.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import sha256

# What a deploy key can be limited to, as the Management API lists it.
_SUBJECTS = {
    "env": ("view", "write"),
    "logs": ("view",),
    "metrics": ("view",),
    "integrations": ("view", "write"),
    "data": ("view", "write"),
    "backups": ("view", "create", "download", "delete", "import"),
    "functions": ("actAsUser", "runInternalQueries", "runInternalMutations", "runInternalActions", "runTestQuery"),
    "auditLog": ("view",),
    "usageLimits": ("view", "write"),
    "usage": ("view",),
}
ACTIONS = frozenset(
    {"deployment:deploy", "deployment:pause", "deployment:unpause"}
    | {f"deployment:{subject}:{verb}" for subject, verbs in _SUBJECTS.items() for verb in verbs}
)


@dataclass(frozen=True)
class ParsedKey:
    """The readable parts of a key; `deployment`, or `team` and `project`."""

    kind: str
    deployment: str | None
    team: str | None
    project: str | None
    secret_digest: str


def new_secret() -> str:
    """A secret that nobody can guess."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is kept of a secret where it need not be shown again."""
    return sha256(secret.encode()).hexdigest()


def deployment_key(kind: str, name: str, secret: str) -> str:
    """A key for one deployment."""
    return f"{kind}:{name}|{secret}"


def preview_key(team: str, project: str, secret: str) -> str:
    """A key that claims preview deployments of a project."""
    return f"preview:{team}:{project}|{secret}"


def secret_of(key: str) -> str:
    """The part after the bar."""
    return key.partition("|")[2]


def parse(text: str) -> ParsedKey | None:
    """Read a deploy key; None when it has none of the forms."""
    prefix, bar, secret = text.partition("|")
    parts = prefix.split(":")
    if not bar or not secret or not all(parts):
        return None
    if len(parts) == 1:  # an administrator's key: no type in front
        return ParsedKey("admin", parts[0], None, None, digest(secret))
    if len(parts) == 2 and parts[0] in {"prod", "dev", "preview"}:
        return ParsedKey(parts[0], parts[1], None, None, digest(secret))
    if len(parts) == 3 and parts[0] in {"preview", "project"}:
        return ParsedKey(parts[0], None, parts[1], parts[2], digest(secret))
    return None
