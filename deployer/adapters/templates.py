"""Renders Jinja2 templates, and explains what is wrong with one.

Undefined names fail with template, line and snippet. The same inputs give the same bytes. This module knows nothing
about what is rendered.
"""

from __future__ import annotations

import contextlib
import json
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.adapters.files import make_folder
from deployer.errors import LocalDisk, TemplateError

if TYPE_CHECKING:
    import jinja2
    from jinja2.bccache import Bucket

_SNIPPET_LINES = 2


class Templates:
    """The templates below one folder. `compiled` is where they are kept in the form that Jinja2 makes of them."""

    def __init__(self, folder: Path, *, compiled: Path | None = None) -> None:
        self.folder = folder
        self.compiled = compiled
        self._environment: jinja2.Environment | None = None

    def render(self, name: str, values: Mapping[str, object]) -> str:
        """The text of template `name`, ending with exactly one line end."""
        import jinja2

        try:
            text = self._load().get_template(name).render(values)
        except jinja2.TemplateNotFound as error:
            raise TemplateError(f"template `{error.name}` does not exist", place=str(self.folder)) from None
        except jinja2.TemplateSyntaxError as error:
            raise self._error(error.name or name, error.lineno, error.message or "syntax error") from None
        except (jinja2.TemplateError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
            where, line = self._position(error, name)
            raise self._error(where, line, str(error) or type(error).__name__) from None
        return text.rstrip("\n") + "\n"

    def render_json(self, name: str, values: Mapping[str, object]) -> str:
        """Like `render`, for templates that make JSON: checked, and written in one canonical form."""
        text = self.render(name, values)
        try:
            data = json.loads(text)
        except ValueError as error:
            line = getattr(error, "lineno", 1)
            raise TemplateError(
                f"template `{name}` does not make JSON: {error}",
                place=str(self.folder / name),
                details=_snippet(text.splitlines(), line),
            ) from None
        return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    def names(self) -> list[str]:
        """All templates, by name."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*.j2"))

    def _load(self) -> jinja2.Environment:
        if self._environment is None:
            import jinja2

            environment = jinja2.Environment(
                loader=jinja2.FileSystemLoader(self.folder),
                undefined=jinja2.StrictUndefined,
                autoescape=False,  # noqa: S701 -- configuration files, not HTML
                trim_blocks=True,
                lstrip_blocks=True,
                keep_trailing_newline=True,
                bytecode_cache=_kept(self.compiled) if self.compiled else None,
            )
            environment.policies["json.dumps_function"] = _dumps
            # Jinja's own filter escapes for HTML, which is noise in a configuration file.
            environment.filters["tojson"] = _dumps
            self._environment = environment
        return self._environment

    def _position(self, error: BaseException, name: str) -> tuple[str, int]:
        """Template and line: Jinja puts them into the traceback as if the template were a module."""
        place = (name, 1)
        for frame in traceback.extract_tb(error.__traceback__):
            path = Path(frame.filename)
            if path.is_relative_to(self.folder) and frame.lineno is not None:
                place = (str(path.relative_to(self.folder)), frame.lineno)
        return place

    def _error(self, name: str, line: int, message: str) -> TemplateError:
        path = self.folder / name
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        return TemplateError(
            f"template `{name}`, line {line}: {message}",
            place=f"{path}:{line}",
            hint="mend the template, or add the name to what it is rendered with (environments.toml)",
            details=_snippet(lines, line),
        )


def _kept(folder: Path) -> jinja2.BytecodeCache | None:
    """Compiled templates in `folder`, which nobody misses: without a work folder, or on a full disk, there are none."""
    import jinja2

    class Kept(jinja2.FileSystemBytecodeCache):
        """Keeps what it can."""

        def load_bytecode(self, bucket: Bucket) -> None:
            with contextlib.suppress(OSError):
                super().load_bytecode(bucket)

        def dump_bytecode(self, bucket: Bucket) -> None:
            with contextlib.suppress(OSError):
                super().dump_bytecode(bucket)

    try:
        if folder.parent.is_dir():
            return Kept(str(make_folder(folder)))
    except LocalDisk:
        pass
    return None


def _snippet(lines: list[str], line: int) -> list[str]:
    first = max(1, line - _SNIPPET_LINES)
    last = min(len(lines), line + _SNIPPET_LINES)
    return [f"{'>' if number == line else ' '} {number:4} | {lines[number - 1]}" for number in range(first, last + 1)]


def _dumps(value: object, indent: int | None = None, **_: object) -> str:
    return json.dumps(value, indent=indent, sort_keys=True, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> object:
    """What `json` cannot write by itself: models, frozen mappings, sets, paths."""
    import jinja2

    if isinstance(value, jinja2.Undefined):
        # Asking for its text raises the error that names it.
        return str(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
