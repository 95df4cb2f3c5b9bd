"""The commands of one stack in one environment: init when needed, plan, apply of exactly that plan, destroy.

Everything Terraform writes lies below the stack's work folder, so that several environments can run at the same time
on one checkout. Values arrive as files; credentials through the environment, never as variables. It knows no bucket:
whether the backend exists is told by the caller.
"""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deployer.adapters.files import (
    digest_of,
    disk_errors,
    file_digest,
    locked,
    make_folder,
    read_json,
    read_text,
    write_private,
)
from deployer.adapters.once import once
from deployer.adapters.process import ANY_CODE, Command, Completed, Processes
from deployer.adapters.terraform.binary import Terraform
from deployer.adapters.terraform.events import Events, failure, lock_holder, parse_events, state_locked
from deployer.adapters.terraform.plan import PlannedChange, announced_changes, planned_changes, planned_outputs
from deployer.errors import DeployError, ToolFailed

# An interrupted Terraform finishes the request it is in, saves the state and gives back the lock.
_GRACE = 30.0
_CHANGES = 2
_SAVED_PLAN = "plan.tfplan"
# Go's defaults spend a quarter of a short plan's processor time on memory that its end frees anyway. The limit is where
# they would begin to matter: a large state is collected as often as it must be.
_LAZY_COLLECTION = {"GOGC": "400", "GOMEMLIMIT": "1GiB"}
# What `zipfile` raises for a damaged file; RuntimeError if a bit says that it is packed otherwise, or encrypted.
_NO_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
# What Terraform's `init` notes of the backend and of the modules; a cut off one makes every later command fail.
_NOTES = ("terraform.tfstate", "modules/modules.json")
_WRITERS = frozenset({"apply", "state mv", "state rm"})


@dataclass(frozen=True)
class Plan:
    """What Terraform would do. `file` is the saved plan, None for one that must not be applied."""

    changes: tuple[PlannedChange, ...]
    # Outputs that would change; a stack may have nothing else to do.
    changed_outputs: tuple[str, ...]
    # Values by name; in a plan made with details also the planned ones, with UnknownOutput inside.
    outputs: Mapping[str, Any]
    file: Path | None
    # Terraform's own JSON, in a plan read with details; it can hold sensitive values.
    shown: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to apply."""
        return not self.changes and not self.changed_outputs


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One root in one environment. `root` is its folder in the repository, `work` its private one."""

    name: str
    root: Path
    work: Path
    logs: Path
    terraform: Terraform
    processes: Processes
    environment: Mapping[str, str] = field(repr=False)
    backend: str
    variables: str
    timeout: float
    # Shared between stacks and environments, so that the provider is fetched once; None if it is attached.
    plugin_cache: Path | None = None
    # What a person types about a lock whose owner is gone.
    unlock_hint: str
    parallelism: int = field(default=10)

    def plan(self, *, with_backend: bool = True, details: bool = False, destroy: bool = False) -> Plan:
        """Compare wishes with what is there. Takes no lock and writes nothing outside the work folder.

        Without a backend (there is no bucket yet) the plan is made against an empty local state, to predict.
        `details` adds attributes and planned outputs, for the price of one more process.
        """
        folder, data = self._ready() if with_backend else self._scratch()
        file = self.work / _SAVED_PLAN
        arguments = [
            "plan", "-json", "-input=false", "-detailed-exitcode", "-lock=false",
            f"-parallelism={self.parallelism}", f"-var-file={self._variables_file()}", f"-out={file}",
            *(["-destroy"] if destroy else []),
        ]  # fmt: skip
        completed, events = self._run_json("plan", arguments, folder, data, success=frozenset({0, _CHANGES}))
        changes = tuple(announced_changes(events.planned))
        kept = file if with_backend else None
        if completed.returncode != _CHANGES:
            return Plan((), (), self._outputs_in(file, folder, data), kept)
        if not details:
            return Plan(changes, events.changed_outputs, {}, kept)
        shown = self._show(file, folder, data)
        return Plan(tuple(planned_changes(shown)), events.changed_outputs, planned_outputs(shown), kept, shown)

    def apply(self, plan: Plan) -> Mapping[str, Any]:
        """Apply exactly `plan`; gives the stack's outputs."""
        if plan.file is None:
            raise ValueError("this plan was made to predict only")
        folder, data = self._ready()
        arguments = ["apply", "-json", "-input=false", f"-parallelism={self.parallelism}", str(plan.file)]
        _, events = self._run_json("apply", arguments, folder, data)
        plan.file.unlink(missing_ok=True)
        return events.outputs

    def read_details(self, plan: Plan) -> Plan:
        """The same plan, with attributes, planned outputs and what stays as it is."""
        if plan.file is None or plan.shown:
            return plan
        shown = self._show(plan.file, *self._ready())
        return Plan(tuple(planned_changes(shown)), plan.changed_outputs, planned_outputs(shown), plan.file, shown)

    def import_resource(self, address: str, identifier: str) -> None:
        """Take something that exists into the state."""
        variables = f"-var-file={self._variables_file()}"
        self.edit("import", ["import", "-input=false", "-no-color", variables, address, identifier])

    def edit(self, verb: str, arguments: list[str]) -> None:
        """A command that changes the state, takes its lock and has no `-json`."""
        folder, data = self._ready()
        try:
            self._run(verb, arguments, folder, data)
        except ToolFailed as error:
            text = "\n".join(line.strip("│ ") for line in error.details)
            if "Lock Info:" in text:
                holder, place = lock_holder(text), str(error.place)
                raise state_locked(holder, place=place, unlock=self.unlock_hint, said=text) from None
            raise

    def shown_state(self) -> Mapping[str, Any]:
        """The state as Terraform shows it, with what is sensitive marked: by the provider as well as by the code."""
        folder, data = self._ready()
        completed = self._run("show", ["show", "-json", "-no-color"], folder, data, log_stdout=False)
        state: Mapping[str, Any] = json.loads(completed.stdout)
        return state

    def outputs(self) -> Mapping[str, Any]:
        """The outputs in the state."""
        folder, data = self._ready()
        completed = self._run("output", ["output", "-json", "-no-color"], folder, data, log_stdout=False)
        return {name: output["value"] for name, output in json.loads(completed.stdout).items()}

    @property
    def title(self) -> str:
        """What people call it."""
        return f"terraform ({self.name})"

    @property
    def initialised(self) -> bool:
        """Whether a command can run at once, without `init` before it."""
        data = self.work / "data"
        return data.is_dir() and read_text(self._init_stamp) == self._init_digest and _whole(data)

    def prior_state(self, plan: Plan) -> Mapping[str, Any] | None:
        """The state that a plan was made from, with serial and lineage, as the saved plan carries it.

        None if it cannot be read there; that is no promise of Terraform's.
        """
        return _state_in(plan.file) if plan.file else None

    # --- folders -------------------------------------------------------------------------------------------------

    @property
    def _init_stamp(self) -> Path:
        return self.work / "init.digest"

    def _ready(self) -> tuple[Path, Path]:
        """Initialise if anything that init looks at has changed; the root's folder and its data folder."""
        data = self.work / "data"
        stamp = self._init_stamp
        wanted = self._init_digest
        if not self.initialised:
            with disk_errors(data):
                stamp.unlink(missing_ok=True)
                # An init that was killed, or that met a full disk, leaves files cut off, which every later one refuses.
                shutil.rmtree(data, ignore_errors=True)
            backend = self.work / "backend.tfbackend"
            write_private(backend, self.backend)
            self._init(["-reconfigure", f"-backend-config={backend}"], self.root, data)
            write_private(stamp, wanted)
        return self.root, data

    def _scratch(self) -> tuple[Path, Path]:
        """A copy of the configuration whose state is an empty local file."""
        scratch = self.work / "scratch"
        data = scratch / "data"
        root = scratch / "terraform" / "roots" / self.root.name
        stamp = scratch / "init.digest"
        wanted = self._init_digest
        if read_text(stamp) != wanted:
            with disk_errors(scratch):
                shutil.rmtree(scratch, ignore_errors=True)
                ignored = shutil.ignore_patterns(".terraform", "*.tfstate*", "tests")
                shutil.copytree(self.root.parent.parent, scratch / "terraform", ignore=ignored)
            write_private(root / "backend_override.tf", 'terraform {\n  backend "local" {}\n}\n')
            self._init([], root, data)
            write_private(stamp, wanted)
        return root, data

    def _init(self, arguments: list[str], folder: Path, data: Path) -> None:
        make_folder(data)
        readonly = ["-lockfile=readonly"] if (folder / ".terraform.lock.hcl").is_file() else []
        # Terraform's plugin cache must not be filled by two at the same time.
        guard = (self.plugin_cache or self.work) / ".lock"
        with locked(guard, patience=self.timeout, what="initialising Terraform"):
            self._run_json("init", ["init", "-json", "-input=false", *readonly, *arguments], folder, data)

    @once
    def _init_digest(self) -> str:
        """Over everything after whose change `init` has to run again; read once, as one command follows another."""
        sources = {}
        terraform = self.root.parent.parent
        for path in sorted(
            [*terraform.glob("modules/**/*.tf"), *self.root.glob("*.tf"), *self.root.glob(".terraform.lock.hcl")]
        ):
            sources[str(path.relative_to(terraform))] = file_digest(path)
        addresses = {name: self.environment.get(name) for name in ("AWS_ENDPOINT_URL_S3",)}
        attached = "TF_REATTACH_PROVIDERS" in self.environment
        return digest_of([self.backend, sources, addresses, attached, self.terraform.argv, self.terraform.version])

    def _variables_file(self) -> Path:
        path = self.work / f"{self.name}.tfvars.json"
        write_private(path, self.variables)
        return path

    # --- commands ------------------------------------------------------------------------------------------------

    def _outputs_in(self, file: Path, folder: Path, data: Path) -> Mapping[str, Any]:
        """Outputs of the state that an empty plan was made from.

        The saved plan carries that state; reading it there saves the process that `terraform output` would be.
        """
        state = _state_in(file)
        if state is not None:
            return {name: output["value"] for name, output in state["outputs"].items()}
        return planned_outputs(self._show(file, folder, data))

    def _show(self, file: Path, folder: Path, data: Path) -> Mapping[str, Any]:
        arguments = ["show", "-json", "-no-color", str(file)]
        completed = self._run("show", arguments, folder, data, log_stdout=False)
        shown: Mapping[str, Any] = json.loads(completed.stdout)
        return shown

    def _run_json(
        self, verb: str, arguments: list[str], folder: Path, data: Path, *, success: frozenset[int] = frozenset({0})
    ) -> tuple[Completed, Events]:
        completed = self._run(verb, arguments, folder, data, success=ANY_CODE)
        events = parse_events(completed.stdout)
        if completed.returncode not in success:
            raise self._failure(verb, arguments, folder, data, completed, events)
        return completed, events

    def _run(
        self,
        verb: str,
        arguments: list[str],
        folder: Path,
        data: Path,
        *,
        success: frozenset[int] = frozenset({0}),
        log_stdout: bool = True,
    ) -> Completed:
        return self.processes.run(self._command(verb, arguments, folder, data, success=success, log_stdout=log_stdout))

    def _command(
        self, verb: str, arguments: list[str], folder: Path, data: Path, *, success: frozenset[int], log_stdout: bool
    ) -> Command:
        return Command(
            argv=[*self.terraform.argv, *arguments],
            title=f"terraform {verb} ({self.name})",
            cwd=folder,
            environment={
                **_LAZY_COLLECTION,
                **self.environment,
                "TF_DATA_DIR": str(data),
                "TF_CLI_CONFIG_FILE": str(self._cli_config()),
                "TF_IN_AUTOMATION": "1",
                "TF_INPUT": "0",
                "CHECKPOINT_DISABLE": "1",
                # R2 refuses the checksum trailers that the SDK adds otherwise; `skip_s3_checksum` does not stop them.
                "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
                "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
            },
            log=self.logs / f"terraform-{self.name}-{verb.replace(' ', '-')}.log",
            timeout=self.timeout,
            success=success,
            grace=_GRACE,
            # Killed between a request and the state, it would forget what it has made.
            outlives_us=verb in _WRITERS,
            log_stdout=log_stdout,
        )

    def _cli_config(self) -> Path:
        """An own configuration: a person's one may name mirrors or folders that are not there."""
        path = self.work / "terraform.tfrc"
        text = ""
        if self.plugin_cache is not None:
            make_folder(self.plugin_cache)
            text = f"plugin_cache_dir = {json.dumps(str(self.plugin_cache))}\n"
        write_private(path, text)
        return path

    def _failure(
        self, verb: str, arguments: list[str], folder: Path, data: Path, completed: Completed, events: Events
    ) -> DeployError:
        command = self._command(verb, arguments, folder, data, success=frozenset(), log_stdout=True)
        if not events.errors:
            return self.processes.failure(command, completed)
        error = failure(events.errors, title=command.title, place=str(command.log), unlock=self.unlock_hint)
        masked = self.processes.redactor.text
        error.message = masked(error.message)
        error.details = tuple(masked(line) for line in error.details)
        return error


def _whole(data: Path) -> bool:
    """Whether the notes of `init` can be read: after a power cut they may be cut off though the stamp was written."""
    notes = [data / name for name in _NOTES]
    return all(read_json(note) is not None or not note.exists() for note in notes)


def _state_in(file: Path) -> Mapping[str, Any] | None:
    try:
        with zipfile.ZipFile(file) as archive:
            state = json.loads(archive.read("tfstate"))
        known = state["version"] == 4 and {"serial", "lineage", "outputs", "resources"} <= state.keys()
    except (OSError, ValueError, KeyError, TypeError, *_NO_ZIP):
        return None
    return state if known else None
