"""What every task is handed: where the checkout is, where to print, how to be stopped.

Made by the boundary once per task. Everything costly in it is made on first use.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.adapters.once import once

if TYPE_CHECKING:
    from deployer.adapters.redact import Redactor
    from deployer.engine.stop import Stop
    from deployer.errors import DeployError
    from deployer.inventory.load import LoadedInventory
    from deployer.report.sink import Sink


@dataclass(kw_only=True)
class Session:
    """One task of one process. `environment` and `target` are filled in once known, for the JSON of failures."""

    root: Path
    command: str
    json: bool = False
    color: bool = True
    environment: str | None = field(default=None, init=False)
    target: str | None = field(default=None, init=False)
    printed: bool = field(default=False, init=False)
    """Whether the one JSON document is out already."""

    @once
    def variables(self) -> Mapping[str, str]:
        """The process environment."""
        from deployer.adapters.environ import process_environment

        return process_environment()

    @once
    def redactor(self) -> Redactor:
        """Knows every secret value that this run has read."""
        from deployer.adapters.redact import Redactor

        return Redactor()

    @once
    def stop(self) -> Stop:
        """How this run is asked to end."""
        from deployer.engine.stop import Stop

        return Stop()

    @once
    def sink(self) -> Sink:
        """Stdout for data, stderr for talk, both redacted."""
        import shutil

        from deployer.report.sink import Sink, wants_colour

        terminal = sys.stderr.isatty()
        wanted = wants_colour(self.variables, terminal=terminal, no_color=not self.color)
        return Sink(
            out=sys.stdout,
            err=sys.stderr,
            colour=wanted,
            live=terminal and self.variables.get("TERM") != "dumb" and not self.variables.get("CI"),
            width=max(60, min(shutil.get_terminal_size().columns, 120)) if terminal else 80,
            redact=self.redactor.text,
        )

    def inventory(self, settings: Sequence[str] = ()) -> LoadedInventory:
        """Read environments.toml with the values of `--set` on top."""
        from deployer.inventory.load import load

        return load(self.root, settings)

    def document(self, document: object) -> None:
        """Print the one JSON document of this command."""
        from deployer.report.document import dumps

        self.sink.masked_data(dumps(document, self.redactor.text))
        self.printed = True

    def answer(
        self, body: Mapping[str, object], *, outcome: str | None = None, error: DeployError | None = None
    ) -> None:
        """Print the document of a command that has looked at something: what all begin with, then `body`.

        With `error`, which the caller raises afterwards, it is a failure.
        """
        from deployer.report.document import error_document, head_document

        said = outcome or ("failed" if error else "ok")
        head = head_document(command=self.command, environment=self.environment, target=self.target, outcome=said)
        self.document({**head, **body, **({"error": error_document(error)} if error else {})})

    def table(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table for people."""
        from deployer.report.text import table_lines

        for number, line in enumerate(table_lines([header, *rows])):
            self.sink.data(self.sink.paint(line, "bold") if number == 0 else line)

    def work(self, *parts: str) -> Path:
        """A path in the private work folder of this checkout."""
        return self.root.joinpath(".work", *parts)
