"""Runs a workflow's real file on this machine: act, the sandbox, and an event in GitHub's form.

Replaced are: GitHub's runner by act on the host; the three actions of others by the stand-ins in sandbox/actions (act
cannot fetch them without a network); GitHub by the sandbox's. Everything else is what runs at GitHub, file for file.
Every task acts on the sandbox, since `DEPLOYER_SANDBOX` is set, and no credential of this machine reaches a job.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deployer.errors import ConfigError, StepFailed, ToolMissing, UsageError

if TYPE_CHECKING:
    from deployer.adapters.process import Completed
    from deployer.cli.ci_events import Happening, Sent
    from deployer.cli.session import Session
    from deployer.playbooks.wiring import Wiring

_LABEL: Final = re.compile(r"vars\.RUNNER_LABEL \|\| '([\w.-]+)'")
_USED: Final = re.compile(r"uses: (actions/[\w-]+)@([0-9a-f]{40})")
_ROLE: Final = "github-rehearsal"
_SECONDS: Final = 3600.0
# What act prints of a step that failed, and where no job is for an event.
_FAILED: Final = re.compile(
    r"^\[[^/\]]*/(?P<job>[^\]]*)\].*Failure - Main (?P<what>.*?)(?: \[[\d.]+[^\]]*\])?$", re.MULTILINE
)
_NO_JOB: Final = "Could not find any stages to run"


@dataclass(frozen=True, kw_only=True)
class RehearsalWish:
    """The flags of `ci.run`."""

    workflow: str
    event: str
    rerun: str = ""
    number: str = ""
    label: str = ""
    comment: str = ""
    base: str = ""
    job: str = ""
    matrix: str = ""
    approve: str = ""
    patience: str = ""
    inputs: tuple[str, ...] = ()


def rehearse(session: Session, wish: RehearsalWish) -> int:
    """Let the event happen and run the workflow; its failure is ours."""
    from deployer.cli.runs import parse_duration
    from deployer.cli.signals import asking
    from deployer.cli.subject import open_run

    file = session.root / ".github" / "workflows" / f"{wish.workflow.removesuffix('.yml')}.yml"
    if not wish.workflow or not file.is_file():
        known = ", ".join(sorted(path.stem for path in file.parent.glob("*.yml")))
        raise UsageError(f"there is no workflow `{wish.workflow}`", place=str(file.parent), hint=f"there are: {known}")
    number = _number(wish.number)
    program = _act(session)
    loaded = session.inventory()
    name = loaded.sample_name() if number is None else _environment(session, number)
    wiring = open_run(session, env=name, sandbox=True)
    happening = _happening(session, wiring, wish, number)
    patience = parse_duration(wish.patience, flag="patience") if wish.patience else 0.0
    chosen = tuple(f"--{name}={value}" for name, value in (("job", wish.job), ("matrix", wish.matrix)) if value)
    rehearsal = Rehearsal(session=session, wiring=wiring, file=file, happening=happening, chosen=chosen)
    if wish.rerun:
        rehearsal.begin_again(wish.rerun)
    with asking(session.stop):
        completed = rehearsal.run(program, reviewer=wish.approve, patience=patience)
    if completed.returncode:
        _refuse_no_job(completed, file, wish.event)
        raise StepFailed(
            f"the workflow {file.stem} failed (exit code {completed.returncode})",
            place=str(rehearsal.log),
            hint="the task that failed can be run by itself, with `--sandbox`",
            details=failed_steps(completed.stdout, session.redactor.text) or completed.last_lines,
        )
    if session.json:
        session.answer({"workflow": file.stem, "event": wish.event, "run": rehearsal.run_id, "log": str(rehearsal.log)})
    else:
        session.sink.data(f"the workflow {file.stem} went well; log: {rehearsal.log}")
    return 0


def failed_steps(printed: str, redact: Callable[[str], str]) -> list[str]:
    """Job and command of each step that failed, from what act printed."""
    return [f"{redact(found['job'].strip())}: {redact(found['what'])}" for found in _FAILED.finditer(printed)]


def _refuse_no_job(completed: Completed, file: Path, event: str) -> None:
    if any(_NO_JOB in line for line in completed.last_lines):
        raise UsageError(
            f"the workflow {file.stem} has no job for `--event {event}`",
            place=str(file),
            hint="`on:` in the file says for which events it runs",
        )


def _number(text: str) -> int | None:
    if text and not re.fullmatch(r"[1-9][0-9]{0,6}", text):
        raise UsageError(f"`{text}` is no number of a pull request", hint="e.g. --number 12")
    return int(text) if text else None


def _environment(session: Session, number: int) -> str:
    from deployer.cli.ci_runs import preview_name

    return preview_name(session, number)


def _act(session: Session) -> str:
    import shutil

    from deployer.adapters.environ import python_program

    beside = Path(python_program()).parent / "act"
    found = str(beside) if beside.is_file() else shutil.which("act", path=session.variables.get("PATH"))
    if found is None:
        raise ToolMissing(
            "act, which runs workflows on this machine, was not found",
            hint="`./bootstrap` installs it with the development tools",
            details=[f"looked for: {beside}", "and on PATH"],
        )
    return found


def _happening(session: Session, wiring: Wiring, wish: RehearsalWish, number: int | None) -> Happening:
    from deployer.cli.ci_events import Happening

    sources = wiring.checkout
    head, dirty = sources.standing()
    if head is None:
        raise UsageError("there is no commit here to run the workflow on", place=str(session.root))
    if dirty:
        session.sink.talk("note: what is not committed is not in it, as on GitHub")
    given = dict(_input(text) for text in wish.inputs)
    return Happening(
        event=wish.event,
        number=number,
        head=head,
        base=sources.resolved(wish.base or "HEAD~1") or head,
        label=wish.label or (session.inventory().inventory.ci.previews.label if wish.event == "labeled" else ""),
        comment=wish.comment or session.inventory().inventory.ci.previews.comment,
        # Whoever owns the repository: others may not ask for anything.
        person=wiring.target.credential("GITHUB_REPOSITORY").partition("/")[0],
        inputs=given,
    )


def _input(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"`--input {text}` is not of the form name=value", hint="e.g. --input environment=development")
    return name, value


@dataclass(kw_only=True)
class Rehearsal:
    """One run of one workflow. The run is known to the GitHub stand-in under `run_id`."""

    session: Session
    wiring: Wiring
    file: Path
    happening: Happening
    # Flags of act that leave out jobs.
    chosen: tuple[str, ...] = ()
    run_id: int = 0
    attempt: int = 1
    # What an earlier attempt was sent: GitHub sends the same again, whatever has become of the pull request since.
    sent: Sent | None = None

    @property
    def folder(self) -> Path:
        """Where everything of rehearsals is kept."""
        return self.session.work("rehearsals")

    @property
    def log(self) -> Path:
        """What act and the jobs printed."""
        return self.folder / f"{self.file.stem}-{self.run_id}.log"

    def run(self, program: str, *, reviewer: str, patience: float) -> Completed:
        """Let it happen, run, and tell the stand-in how it ended."""
        from deployer.adapters.process import ANY_CODE, Command
        from deployer.cli.ci_events import send

        sent = self.sent or send(self.happening, repository=self._ask("GET", ""), tell=self._tell)
        if self.sent is None:
            self.run_id = int(self._tell("runs", self._registered(sent))["id"])
            kept = {"workflow": self.file.stem, "head": self.happening.head, "number": self.happening.number}
            self._write(self._sent_name, {**kept, "sent": asdict(sent)})
        self._make_role()
        environment = self._environment(sent, reviewer=reviewer, patience=patience)
        payload = self._write(f"event-{self.run_id}.json", sent.payload)
        facts = self._write(f"run-{self.run_id}.env", self._run_facts(sent))
        conclusion = "cancelled"
        try:
            completed = self.wiring.processes.run(
                Command(
                    argv=[program, sent.name, *self._flags(payload, facts)],
                    title=f"act {self.file.stem}",
                    cwd=self.session.root,
                    environment=environment,
                    log=self.log,
                    timeout=_SECONDS,
                    success=ANY_CODE,
                    grace=60.0,
                ),
                self._say,
            )
            conclusion = "failure" if completed.returncode else "success"
        finally:
            self._tell(f"runs/{self.run_id}", {"status": "completed", "conclusion": conclusion})
        return completed

    @property
    def _sent_name(self) -> str:
        return f"sent-{self.run_id}.json"

    def begin_again(self, run: str) -> None:
        """Make it the next attempt of a run that was rehearsed here."""
        from deployer.adapters.files import read_json
        from deployer.cli.ci_events import Sent

        self.run_id = int(run) if run.isascii() and run.isdecimal() else 0
        kept = read_json(self.folder / self._sent_name)
        if not isinstance(kept, dict) or kept.get("workflow") != self.file.stem:
            raise UsageError(
                f"`--rerun {run}` is no run of {self.file.stem} that was rehearsed here",
                place=str(self.folder),
                hint="the logs in this folder end with the id of their run",
            )
        self.sent = Sent(**kept["sent"])
        self.happening = replace(self.happening, head=kept["head"], number=kept["number"])
        self.attempt = int(self._ask("GET", f"/actions/runs/{self.run_id}")["run_attempt"]) + 1
        self._tell(f"runs/{self.run_id}", {"attempt": self.attempt, "status": "in_progress"})

    def _say(self, line: str) -> None:
        """What a person wants to see; the log has everything."""
        if "LocalRepositoryCache" not in line and "::set-env::" not in line:
            self.session.sink.talk(line)

    # --- the stand-in --------------------------------------------------------------------------------------------

    @property
    def _github(self) -> str:
        return self.wiring.target.credential("GITHUB_API_URL").rstrip("/")

    def _tell(self, path: str, body: object) -> dict[str, Any]:
        from deployer.adapters.http import Http

        # Not the run's own: how an interrupted workflow ended has to be told as well.
        http = Http(self.session.redactor, timeout=30.0)
        answer = http.request("POST", f"{self._github}/__sandbox/{path}", service="the sandbox's GitHub", data=body)
        return dict(json.loads(answer.body))

    def _ask(self, method: str, path: str) -> dict[str, Any]:
        target = self.wiring.target
        url = f"{self._github}/repos/{target.credential('GITHUB_REPOSITORY')}{path}"
        headers = {"Authorization": f"Bearer {target.credential('GITHUB_TOKEN')}"}
        return dict(json.loads(self.wiring.http.request(method, url, service="GitHub", headers=headers).body))

    def _registered(self, sent: Sent) -> dict[str, Any]:
        about = {"pull": self.happening.number} if sent.name == "pull_request" else {}
        return {
            "name": self.file.stem,
            "path": f".github/workflows/{self.file.name}",
            "event": sent.name,
            "head_sha": self.happening.head,
            "head_branch": sent.branch,
            "status": "in_progress",
            **about,
        }

    def _make_role(self) -> None:
        """A role that trusts exactly the subjects that the policies of `ci.aws-policy` trust."""
        from deployer.playbooks.aws_policies import all_subjects
        from deployer.playbooks.federation import ensure_role

        ensure_role(self.wiring, name=_ROLE, subjects=all_subjects(self.wiring))

    # --- act -----------------------------------------------------------------------------------------------------

    def _flags(self, payload: Path, facts: Path) -> list[str]:
        from deployer.playbooks.federation import role_arn

        text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(self._sources()))
        labels = sorted(set(_LABEL.findall(text)))
        if not labels:
            raise ConfigError("the workflow names no runner", place=str(self.file))
        replaced = [
            f"{name}@{commit}={self.session.root / 'sandbox' / name}"
            for name, commit in sorted(set(_USED.findall(text)))
        ]
        return [
            f"--workflows={self.file}",
            f"--eventpath={payload}",
            f"--env-file={facts}",
            *self.chosen,
            *(f"--platform={label}=-self-hosted" for label in labels),
            *(f"--local-repository={each}" for each in replaced),
            "--no-skip-checkout",
            "--no-cache-server",
            "--container-daemon-socket=-",
            f"--action-cache-path={self.folder / 'act'}",
            f"--var=AWS_ROLE_ARN={role_arn(self.wiring, _ROLE)}",
            "--concurrent-jobs=2",
        ]

    def _sources(self) -> list[Path]:
        """The workflow, those that it may call, and the actions."""
        github = self.session.root / ".github"
        return [*github.glob("workflows/*.yml"), *github.glob("actions/*/action.yml")]

    def _environment(self, sent: Sent, *, reviewer: str, patience: float) -> Mapping[str, str]:
        from deployer.adapters.environ import inherited, python_program
        from deployer.cli.boundary import SANDBOX_ONLY
        from deployer.cli.sandbox_process import sandbox_home

        variables = self.session.variables
        rehearsal = self._write(f"rehearsal-{self.run_id}.json", self._facts(sent, reviewer, patience))
        # act asks a question on a machine where it never ran, unless it has a configuration.
        self._write("config/act/actrc", "")
        kept = {name: variables[name] for name in ("CHROMIUM_PATH", "XDG_CACHE_HOME") if name in variables}
        return {
            **inherited(variables),
            **kept,
            "PATH": f"{Path(python_program()).parent}:{variables.get('PATH', '')}",
            "XDG_CONFIG_HOME": str(self.folder.resolve() / "config"),
            "NO_COLOR": "1",
            SANDBOX_ONLY: "1",
            "SANDBOX_HOME": str(sandbox_home(self.session).resolve()),
            "REHEARSAL": str(rehearsal.resolve()),
            "REHEARSAL_PYTHON": python_program(),
            "REHEARSAL_ACTIONS": str(self.session.root / "sandbox" / "actions"),
            "REHEARSAL_ARTIFACTS": str(self.folder.resolve() / f"artifacts-{self.run_id}"),
        }

    def _run_facts(self, sent: Sent) -> str:
        """By which act makes GitHub's own variables."""
        facts = {
            "GITHUB_REPOSITORY": self.wiring.target.credential("GITHUB_REPOSITORY"),
            "GITHUB_REF": sent.ref,
            "GITHUB_RUN_ID": str(self.run_id),
            "GITHUB_RUN_ATTEMPT": str(self.attempt),
            "SHA_REF": self.happening.head,
        }
        return "".join(f"{name}={value}\n" for name, value in facts.items())

    def _facts(self, sent: Sent, reviewer: str, patience: float) -> dict[str, Any]:
        """What sandbox/actions/begin.py needs to know."""
        target = self.wiring.target
        pull = {"pull": self.happening.number} if sent.name == "pull_request" else {"event": sent.name, "ref": sent.ref}
        return {
            "source": str(self.session.root.resolve()),
            "links": [".venv", "node_modules", f"{self.wiring.loaded.inventory.app.path}/node_modules"],
            "sha": self.happening.head,
            "github": self._github,
            "token": target.credential("GITHUB_TOKEN"),
            "repository": target.credential("GITHUB_REPOSITORY"),
            "run": self.run_id,
            "environments": job_environments(self._sources()),
            "reviewer": reviewer,
            "patience": patience,
            "job": {**pull, "sha": self.happening.head, "workflow": self.file.stem, "run_id": self.run_id},
        }

    def _write(self, name: str, content: object) -> Path:
        from deployer.adapters.files import write_private

        path = self.folder / name
        write_private(path, content if isinstance(content, str) else json.dumps(content, indent=1))
        return path


def job_environments(files: list[Path]) -> dict[str, str]:
    """The GitHub environment of each job that names one, by the job's id; read line by line, as YAML is not needed."""
    found: dict[str, str] = {}
    for file in files:
        job = ""
        for line in file.read_text(encoding="utf-8").splitlines():
            if named := re.fullmatch(r"  ([\w-]+):", line):
                job = named[1]
            if value := re.fullmatch(r"    environment: (\S.*)", line):
                found[job] = value[1].strip()
    return found
