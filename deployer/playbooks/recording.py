"""Puts together what a run needs to hold its environment and to be in the ledger.

    lock = environment_lock(wiring, command="inv deploy --env dev", say=print)
    head = lock.wait(patience, stop)             before anything is looked at
    recorder = recorder_of(wiring, head=head, command=..., note=lambda: RunNote(...), playbook=playbook, say=print)
    run(playbook, RunOptions(listeners=[..., recorder], gate=recorder.gate))

Commands that change something without a playbook use `holding`, a context that opens, and closes whatever happens.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from deployer.adapters.cloudflare import CloudflareApi
from deployer.adapters.environ import identity
from deployer.adapters.http import Http
from deployer.adapters.machine import ProcessId, seconds_awake_or_asleep
from deployer.adapters.target import CLOUDFLARE_TOKEN, R2_KEYS
from deployer.engine.playbook import Playbook
from deployer.errors import DeployError, Interrupted
from deployer.playbooks.github_wiring import github_of, why_not_asked
from deployer.playbooks.state_wiring import after_killed
from deployer.playbooks.wiring import Wiring
from deployer.steps.environment_lock import EnvironmentLock
from deployer.steps.github_runs import SYSTEM, GitHubRuns
from deployer.steps.heartbeat import Heartbeat
from deployer.steps.holder import CheckoutNote, Owners
from deployer.steps.ledger import Head, Ledger, RunNote
from deployer.steps.live import Live
from deployer.steps.recorder import FAILED, INTERRUPTED, OK, Recorder
from deployer.steps.state_bucket import STATE_BUCKET

# A service that is down must not keep a run from saying how it ended.
_LOOK_SECONDS = 5.0


def ledger_of(wiring: Wiring) -> Ledger:
    """The ledger of the wiring's environment."""
    for name in R2_KEYS:
        wiring.redactor.add(wiring.target.credentials.get(name, ""))
    return Ledger(wiring.state_bucket, wiring.named)


def can_ask(wiring: Wiring) -> bool:
    """Whether there are credentials for the ledger; if not, the first step says everything that is missing."""
    return all(wiring.target.credentials.get(name) for name in R2_KEYS)


def environment_lock(wiring: Wiring, *, command: str, say: Callable[[str], None]) -> EnvironmentLock:
    """How this run comes to hold the environment."""
    return EnvironmentLock(
        ledger=ledger_of(wiring),
        heartbeat=_heartbeat(wiring),
        owners=owners_of(wiring),
        run=wiring.run_id,
        command=command,
        who=identity(),
        found=lambda: live_of(wiring).observed(),
        recover=lambda: after_killed(wiring, say=say),
        say=say,
        waits=wiring.patience is not None,
    )


def owners_of(wiring: Wiring) -> Owners:
    """Who judges whether others are gone."""
    return Owners(
        heartbeat=_heartbeat(wiring),
        note=CheckoutNote(wiring.folder),
        runs=GitHubRuns(
            hub=lambda: github_of(wiring.target, loaded=wiring.loaded, http=_quick(wiring)),
            why_not=lambda: why_not_asked(wiring.target, loaded=wiring.loaded),
        ),
    )


def recorder_of(
    wiring: Wiring,
    *,
    head: Head,
    command: str,
    note: Callable[[], RunNote] = RunNote,
    playbook: Playbook | None = None,
    say: Callable[[str], None],
    insists: Callable[[], bool] = lambda: False,
) -> Recorder:
    """The record of one run; `head` is from before anything was looked at, `note` is asked for when it opens."""
    live = live_of(wiring)
    steps = playbook.steps if playbook else ()
    makes_bucket = [step.name for step in steps if step.name == STATE_BUCKET]
    return Recorder(
        ledger=ledger_of(wiring),
        heartbeat=_heartbeat(wiring),
        head=head,
        run=wiring.run_id,
        opening=lambda: _opening(wiring, command=command, note=note()),
        live=live.observed,
        note=CheckoutNote(wiring.folder),
        stop=wiring.stop,
        bucket_step=makes_bucket[0] if makes_bucket else None,
        say=say,
        insists=insists,
    )


@contextlib.contextmanager
def holding(wiring: Wiring, *, command: str, patience: float = 0.0, say: Callable[[str], None]) -> Iterator[Recorder]:
    """Hold the environment: opened in the ledger from here to the end of the block. The work folder must be locked."""
    head = environment_lock(wiring, command=command, say=say).wait(patience, wiring.stop.requested)
    recorder = recorder_of(wiring, head=head, command=command, say=say)
    began = seconds_awake_or_asleep()
    recorder.open()
    outcome: tuple[str, str | None] = (FAILED, "internal")
    try:
        yield recorder
        outcome = (OK, None)
    except DeployError as error:
        outcome = (INTERRUPTED if isinstance(error, Interrupted) else FAILED, error.reason)
        raise
    finally:
        recorder.close(outcome[0], reason=outcome[1], seconds=seconds_awake_or_asleep() - began, steps={})
    if recorder.problem is not None:
        raise recorder.problem


def live_of(wiring: Wiring) -> Live:
    """What is there of the environment."""
    environment = wiring.environment
    api = CloudflareApi(
        _quick(wiring),
        wiring.target.cloudflare_url,
        wiring.loaded.inventory.project.account_id,
        lambda: wiring.target.credential(CLOUDFLARE_TOKEN),
    )
    return Live(
        states={stack: wiring.state_file(stack).stamp for stack in environment.stacks},
        record=wiring.record,
        version=lambda: api.live_version(environment.worker.name),
    )


def _quick(wiring: Wiring) -> Http:
    return Http(wiring.redactor, timeout=_LOOK_SECONDS, attempts=1, environment=wiring.target.process_environment)


def _heartbeat(wiring: Wiring) -> Heartbeat:
    return Heartbeat(wiring.state_bucket, wiring.environment.name)


def _opening(wiring: Wiring, *, command: str, note: RunNote) -> Mapping[str, Any]:
    masked = wiring.redactor.text
    reason = None if note.reason is None else masked(note.reason)
    commit, dirty = wiring.checkout.standing()
    return {
        # Whatever a person has typed: it is kept for as long as there is a ledger.
        "command": masked(command),
        "who": identity(),
        "process": ProcessId.own().fields(),
        "target": wiring.target.name,
        "commit": commit,
        "dirty": dirty,
        **replace(note, reason=reason).fields(),
        "ci": ci_of(wiring.target.process_environment),
    }


def ci_of(variables: Mapping[str, str]) -> Mapping[str, str | None] | None:
    """The job that this is, where GitHub runs it."""
    run = variables.get("GITHUB_RUN_ID")
    if not run:
        return None
    server, repository = variables.get("GITHUB_SERVER_URL"), variables.get("GITHUB_REPOSITORY")
    return {
        "system": SYSTEM,
        "repository": repository,
        "run": run,
        "attempt": variables.get("GITHUB_RUN_ATTEMPT"),
        "url": f"{server}/{repository}/actions/runs/{run}" if server and repository else None,
        "account": variables.get("GITHUB_ACTOR"),
    }
