"""What the provider has to say to the user: errors and warnings, as Terraform shows them. Knows nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message; `path` points at the attribute it is about."""

    severity: str  # error, warning
    summary: str
    detail: str = ""
    path: Path = ()


class Refused(Exception):
    """An operation ends with an error that the user is to see."""

    def __init__(self, summary: str, detail: str = "", path: Path = ()):
        super().__init__(f"{summary}: {detail}")
        self.diagnostic = Diagnostic("error", summary, detail, path)


@dataclass(slots=True)
class Diagnostics:
    """Collects the messages of one operation."""

    found: list[Diagnostic] = field(default_factory=list)

    def warn(self, summary: str, detail: str, path: Path = ()) -> None:
        """Add a warning."""
        self.found.append(Diagnostic("warning", summary, detail, path))

    def error(self, summary: str, detail: str, path: Path = ()) -> None:
        """Add an error; the operation goes on to find more."""
        self.found.append(Diagnostic("error", summary, detail, path))

    @property
    def failed(self) -> bool:
        """Whether there is an error among them."""
        return any(found.severity == "error" for found in self.found)
