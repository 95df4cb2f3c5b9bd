"""What the tasks `ci.*` do: between an event of GitHub Actions and the tasks that people call as well.

Each works on a laptop too: without an event it takes what its flags say, and without Actions it only prints.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployer.errors import ConfigError, StepFailed, UsageError

if TYPE_CHECKING:
    from deployer.adapters.actions import Actions, Event
    from deployer.adapters.sources import Sources
    from deployer.cli.session import Session
    from deployer.playbooks.affected import Affected
    from deployer.playbooks.previewing import Pull

_SKIPPED: Final = "skipped"
_GOOD: Final = ("success", _SKIPPED)


def actions_of(session: Session) -> Actions:
    """The job that runs us, if one does."""
    from deployer.adapters.actions import Actions

    return Actions(variables=session.variables, redact=session.redactor.text)


def repository(session: Session) -> Sources:
    """The checkout, as git sees it."""
    from deployer.adapters.environ import inherited
    from deployer.adapters.process import Processes
    from deployer.adapters.sources import Sources

    return Sources(
        session.root,
        (),
        Processes(session.redactor, stop=session.stop.requested, hurried=session.stop.hurried),
        inherited(session.variables),
        session.work("log", "git.log"),
    )


def show_affected(session: Session, *, base: str) -> int:
    """Say which environments a change can affect: to a person, and to the jobs that are started for each."""
    from deployer.playbooks.affected import names
    from deployer.report.markdown import table

    actions = actions_of(session)
    event = actions.event()
    found = affected_by(session, event, base=base)
    if event is not None and event.name == "workflow_dispatch":
        # Somebody has chosen both the environment and the workflow.
        everything = names(found)
        lists = dict.fromkeys(("plan", "apply", "convex", "worker"), everything)
    else:
        lists = {
            "plan": names(found),
            "apply": names(found, by_plan=True),
            "convex": names(found, by_plan=False, part="convex"),
            "worker": names(found, by_plan=False, part="worker"),
        }
    if event is not None and event.untrusted:
        session.sink.talk("note: it comes from a fork, or from a bot that gets no secrets: nothing is planned for it")
        lists = {name: [] for name in lists}
    for name, values in lists.items():
        actions.output(name, json.dumps(values))
    rows = [(each.environment, part, each.because[part]) for each in found for part in each.parts]
    header = ("environment", "part", "because of")
    actions.summary(f"### What the change can affect\n\n{table(header, rows) if rows else 'Nothing.'}")
    if session.json:
        session.answer({"affected": [_entry(each) for each in found], **lists})
    elif rows:
        session.table(header, rows)
    else:
        session.sink.data("it affects no environment")
    return 0


def affected_by(session: Session, event: Event | None, *, base: str) -> tuple[Affected, ...]:
    """What the change of the event can affect; of a change that cannot be told, everything."""
    from deployer.playbooks.affected import affected, named

    loaded = session.inventory()
    if event is not None and event.inputs.get("environment"):
        return named(loaded, event.inputs["environment"])
    paths = changed_paths(session, event, base=base)
    if paths is None:
        session.sink.talk("note: what has changed cannot be told, so everything counts as changed")
        paths = (loaded.file,)
    return affected(loaded, paths)


def changed_paths(session: Session, event: Event | None, *, base: str) -> tuple[str, ...] | None:
    """The files of the change: of the event, else since it left `base`. None if that cannot be told."""
    sources = repository(session)
    if base or event is None:
        return sources.changed(base or "origin/main")
    if event.name == "push":
        return sources.changed(event.base, head=event.head or "HEAD", apart=False) if event.base else None
    if event.name == "workflow_dispatch":
        return sources.changed("HEAD~1")
    return sources.changed(event.base) if event.base else None


def _entry(each: Affected) -> Mapping[str, object]:
    return {"environment": each.environment, "by_plan": each.by_plan, "because": dict(each.because)}


def decide_preview(session: Session, *, sandbox: bool, number: str) -> int:
    """Say whether the event gives a pull request its environment, for which commit, and why."""
    from deployer.adapters.actions import Event
    from deployer.playbooks.previewing import asks, decide

    actions, loaded = actions_of(session), session.inventory()
    event = actions.event()
    if number:
        if not re.fullmatch(r"[1-9][0-9]{0,8}", number):
            raise UsageError(f"`{number}` is no number of a pull request", hint="e.g. --number 12")
        event = Event(name="workflow_dispatch", number=int(number))
    if event is None:
        raise UsageError("there is no event to decide by", hint="`--number 12` asks for one by hand")
    previews = loaded.inventory.ci.previews
    # A pull request's own event says everything; a comment does not say whether it is on a fork's.
    unsaid = event.head is None and asks(event, previews) is None
    pull = _pull(session, event.number, sandbox=sandbox) if unsaid and event.number else None
    decision = decide(event, previews, pull)
    environment = preview_name(session, decision.number) if decision.number else ""
    told = {
        "wanted": "true" if decision.wanted else "false",
        "number": str(decision.number or ""),
        "environment": environment,
        "commit": decision.commit or "",
    }
    for name, value in told.items():
        actions.output(name, value)
    if not decision.wanted and event.name == "workflow_dispatch":
        # A person has named it: that nothing happens must not look like success.
        raise UsageError(f"pull request {event.number} gets no environment: {decision.why}")
    session.sink.talk(f"{'an environment' if decision.wanted else 'no environment'}: {decision.why}")
    if session.json:
        session.answer({**told, "wanted": decision.wanted, "why": decision.why})
    else:
        for name, value in told.items():
            session.sink.data(f"{name} = {value}")
    return 0


def _pull(session: Session, number: int, *, sandbox: bool) -> Pull | None:
    from deployer.adapters.actions import BOTS_WITHOUT_SECRETS
    from deployer.cli.subject import open_run
    from deployer.playbooks.github_wiring import require_hub
    from deployer.playbooks.previewing import Pull

    wiring = open_run(session, env=session.inventory().sample_name(), sandbox=sandbox)
    found = require_hub(
        wiring, purpose="says which commit the pull request has, and whether it comes from a fork"
    ).pull(number)
    if found is None:
        return None
    bot = found.author in BOTS_WITHOUT_SECRETS
    return Pull(number=found.number, open=found.open, fork=found.fork, commit=found.head_sha, bot=bot)


def preview_name(session: Session, number: int) -> str:
    """The environment of a pull request: the first template's."""
    from deployer.inventory.names import NUMBER

    loaded = session.inventory()
    entry = next((entry for entry in loaded.entries if NUMBER in entry), None)
    if entry is None:
        raise ConfigError("the inventory has no template for pull requests", place=loaded.file)
    return loaded.environment(entry.replace(NUMBER, str(number))).name


@dataclass(frozen=True, kw_only=True)
class _Job:
    name: str
    result: str
    outputs: Mapping[str, str]


def judge(session: Session, *, may_skip: str, when: str) -> int:
    """One verdict over the jobs of a workflow: all went well, and those that were skipped were so on purpose."""
    allowed = {word.strip() for word in may_skip.split(",") if word.strip()}
    jobs = _jobs(session.variables.get("NEEDS", ""))
    unknown = allowed - {job.name for job in jobs}
    if unknown:
        raise UsageError(f"--may-skip names no job: {', '.join(sorted(unknown))}", hint="the gate must need them")
    if when and not _holds(when, jobs):
        # Nobody has decided that they are not needed: a condition that is wrong must not pass for a decision.
        allowed = set()
    bad = [job for job in jobs if job.result not in _GOOD or (job.result == _SKIPPED and job.name not in allowed)]
    if session.json:
        session.answer({"jobs": {job.name: job.result for job in jobs}}, outcome="failed" if bad else "ok")
    else:
        session.table(("job", "result"), [(job.name, job.result) for job in jobs])
    if bad:
        raise StepFailed(
            f"{len(bad)} of {len(jobs)} jobs did not go well: {', '.join(job.name for job in bad)}",
            details=[f"{job.name}: {job.result}" for job in bad],
            hint="the job's log has the cause; its name is the task or session to run here",
        )
    return 0


def _holds(when: str, jobs: Sequence[_Job]) -> bool:
    found = re.fullmatch(r"([\w-]+)\.([\w-]+)=(.*)", when)
    job = next((job for job in jobs if found and job.name == found[1]), None)
    if found is None or job is None:
        raise UsageError(f"`--when {when}` names no output of a job", hint="e.g. --when ci-preview.wanted=false")
    return job.outputs.get(found[2]) == found[3]


def _jobs(text: str) -> list[_Job]:
    hint = "the workflow gives it: NEEDS: ${{ toJSON(needs) }}"
    try:
        needs = json.loads(text)
        jobs = [
            _Job(name=name, result=str(need["result"]), outputs=dict(need.get("outputs") or {}))
            for name, need in needs.items()
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ConfigError("NEEDS does not hold the results of the jobs", place="NEEDS", hint=hint) from None
    if not jobs:
        raise ConfigError("NEEDS names no job: nothing went well because nothing ran", place="NEEDS", hint=hint)
    return jobs
