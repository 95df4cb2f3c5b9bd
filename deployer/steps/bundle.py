"""A plan bundle on disk: written whole or not at all, read only if every byte is the one that was written.

What may be shown to others lies at its top; what can hold values of a state lies in `private/`. Approvals are added
later, so they are not among the files that the manifest lists.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import glob
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from deployer.adapters.files import disk_errors, make_folder, write_private_bytes
from deployer.adapters.machine import is_running
from deployer.adapters.terraform import planned_changes, planned_outputs, planned_resources
from deployer.engine.change import Change
from deployer.errors import PlanUnusable, UsageError
from deployer.report.plan_document import steps_of
from deployer.review.digest import meaning_of_all
from deployer.review.manifest import APPROVALS, FILE_NAME, SCHEMA, Manifest
from deployer.review.risk import risk_of_all
from deployer.review.view import PlannedStep

PRIVATE: Final = "private"
DOCUMENT: Final = "plan.json"
_AGAIN: Final = "make it anew: `inv plan --env NAME --out FOLDER`"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A bundle whose files are all as they were written.

    `files` are their bytes, read once: between reading a bundle and applying it may lie a long wait for somebody else,
    and what becomes of the folder meanwhile must change nothing.
    """

    folder: Path
    manifest: Manifest
    steps: tuple[PlannedStep, ...]
    files: Mapping[str, bytes] = field(repr=False)

    def saved_plan(self, stack: str) -> bytes:
        """The plan that Terraform saved for a stack."""
        return self.files[f"{PRIVATE}/{stack}.tfplan"]

    def plan_json(self, stack: str) -> Mapping[str, Any]:
        """What Terraform says of a stack's plan."""
        return dict(json.loads(self.files[f"{PRIVATE}/{stack}.json"]))

    @property
    def shown(self) -> dict[str, Mapping[str, Any]]:
        """What Terraform says of every stack's plan."""
        return {stack: self.plan_json(stack) for stack in self.manifest.stacks}

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes, in the order of the steps."""
        return tuple(change for step in self.steps for change in step.changes)

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Every file with its path in the bundle; the manifest last, so that a copy without it is known as a part."""
        yield from sorted(self.files.items())
        yield FILE_NAME, self.manifest.text.encode()


def write_bundle(folder: Path, manifest: Manifest, files: Mapping[str, bytes]) -> None:
    """Put a bundle where `folder` is: an older one is replaced with its approvals, anything else is left alone.

    `manifest` lists the digests of `files`, and is sealed.
    """
    require_replaceable(folder)
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    with disk_errors(folder):
        recover(folder)
        try:
            make_folder(fresh)
            for name, body in files.items():
                write_private_bytes(fresh / name, body)
            write_private_bytes(fresh / FILE_NAME, manifest.text.encode())
            if folder.exists():
                folder.rename(old)
            fresh.rename(folder)
        except BaseException:
            # An older bundle, with its approvals, is worth more than none.
            if old.exists() and not folder.exists():
                old.rename(folder)
            raise
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


def require_replaceable(folder: Path) -> None:
    """UsageError if a bundle cannot be put there: it may replace an empty folder or another bundle, nothing else."""
    here = Path.cwd()
    if folder.resolve() in (here, *here.parents):
        raise UsageError("a plan bundle needs a folder of its own", place=str(folder), hint="e.g. `--out plan/`")
    with disk_errors(folder):
        if not folder.exists():
            return
        strangers = [entry.name for entry in folder.iterdir()] if folder.is_dir() else [folder.name]
        replaceable = not strangers or (folder / FILE_NAME).is_file()
    if not replaceable:
        raise UsageError(
            "there is something else than a plan bundle where the bundle is to be written",
            place=f"{folder}: {', '.join(sorted(strangers)[:3])}",
            hint="choose another folder for `--out`",
        )


def digests_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """What a manifest says of the bundle's files."""
    return {name: hashlib.sha256(body).hexdigest() for name, body in sorted(files.items())}


def read_bundle(folder: Path) -> Bundle:
    """The bundle in `folder`; PlanUnusable says what is missing or was edited."""
    with disk_errors(folder):
        recover(folder)
        try:
            return _read(folder)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise PlanUnusable(
                f"the plan bundle holds something that no plan holds ({type(error).__name__})",
                place=str(folder),
                hint=_AGAIN,
            ) from None


def forget_expired(plans: Path, *, now: dt.datetime) -> None:
    """Remove bundles below `plans` whose time is over: they hold what the states hold, and nobody can apply them."""
    for folder in plans.iterdir() if plans.is_dir() else ():
        with contextlib.suppress(PlanUnusable, NotADirectoryError):
            if parse_manifest(_manifest_bytes(folder), place=str(folder)).expires <= now:
                shutil.rmtree(folder, ignore_errors=True)


def recover(folder: Path) -> None:
    """Clear up after a writer that was killed: the older bundle goes back if there is no newer one."""
    for left in sorted(folder.parent.glob(f".{glob.escape(folder.name)}.*.*")):
        _, _, rest = left.name.rpartition(f".{folder.name}.")
        pid, _, kind = rest.partition(".")
        if kind not in ("old", "part") or not pid.isdecimal() or is_running(int(pid)):
            continue
        if kind == "old" and not folder.exists():
            left.rename(folder)
        else:
            shutil.rmtree(left, ignore_errors=True)


def _read(folder: Path) -> Bundle:
    if not folder.is_dir() or not any(folder.iterdir()):
        raise PlanUnusable("there is no plan bundle", place=str(folder), hint=_AGAIN)
    manifest = parse_manifest(_manifest_bytes(folder), place=str(folder / FILE_NAME))
    files = _verified_files(folder, manifest)
    document = json.loads(files[DOCUMENT])
    steps = steps_of(document, place=str(folder / DOCUMENT))
    if meaning_of_all(steps) != manifest.digest:
        raise PlanUnusable(
            "the plan's changes are not those that its manifest was written for", place=str(folder), hint=_AGAIN
        )
    bundle = Bundle(folder=folder, manifest=manifest, steps=steps, files=files)
    if risk_of_all(bundle.changes) is not manifest.risk:
        raise PlanUnusable("the plan's risk is not that of its changes", place=str(folder), hint=_AGAIN)
    for shown in bundle.shown.values():
        # Read for the sake of what they raise.
        planned_changes(shown), planned_resources(shown), planned_outputs(shown)
    return bundle


def _manifest_bytes(folder: Path) -> bytes:
    try:
        return (folder / FILE_NAME).read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise PlanUnusable(
            "the plan bundle has no manifest: it was not written to its end, or is no bundle",
            place=str(folder),
            hint=_AGAIN,
        ) from None


def parse_manifest(body: bytes, *, place: str) -> Manifest:
    """The manifest in these bytes, which must be exactly the ones that we write."""
    from pydantic import ValidationError

    try:
        data = json.loads(body)
        schema = data["schema"] if isinstance(data, dict) else None
    except (ValueError, KeyError, RecursionError):
        schema = None
    if isinstance(schema, int) and schema > SCHEMA:
        raise PlanUnusable(
            f"the plan bundle is of schema {schema}, which is newer than the {SCHEMA} that is known here",
            place=place,
            hint="apply it with the version that made it, or plan again with this one",
        )
    try:
        manifest = Manifest.model_validate_json(body)
    except RecursionError:
        raise PlanUnusable("the plan's manifest cannot be read", place=place, hint=_AGAIN) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        message = f"the plan's manifest cannot be read: {where}: {first['msg']}"
        raise PlanUnusable(message, place=place, hint=_AGAIN) from None
    if manifest.text.encode() != body:
        raise PlanUnusable("the plan's manifest was edited: it is not in the form we write", place=place, hint=_AGAIN)
    return manifest


def _verified_files(folder: Path, manifest: Manifest) -> Mapping[str, bytes]:
    wrong = list(_misplaced(folder, manifest))
    files: dict[str, bytes] = {}
    for name, digest in manifest.files.items():
        try:
            files[name] = (folder / name).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            wrong.append(f"{name}: is missing")
            continue
        if hashlib.sha256(files[name]).hexdigest() != digest:
            wrong.append(f"{name}: was changed after the plan was made")
    if wrong:
        raise PlanUnusable("the plan bundle is not as it was written", place=str(folder), hint=_AGAIN, details=wrong)
    return files


def _misplaced(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Files that do not belong to the plan, and those that it must have and does not list."""
    present = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    known = {*manifest.files, FILE_NAME}
    for name in sorted(present - known):
        if not name.startswith(f"{APPROVALS}/"):
            yield f"{name}: does not belong to the plan"
    required = {DOCUMENT, *(f"{PRIVATE}/{stack}.json" for stack in manifest.stacks)}
    required |= {f"{PRIVATE}/{stack}.tfplan" for stack, state in manifest.stacks.items() if state.saved}
    for name in sorted(required - manifest.files.keys()):
        yield f"{name}: the manifest does not list it"
