"""Tells a pull request how its environment stands: one comment, a deployment, a status of the commit.

Each is kept in place, so that telling it twice changes nothing. A token that may not write, as a fork's, keeps nobody
from anything: what was not told is a note, and the text goes where the caller can put it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deployer.errors import NotPermitted

if TYPE_CHECKING:
    from deployer.adapters.github import Deployment, DeploymentState, GitHub, StatusState
    from deployer.report.environment_report import EnvironmentReport
    from deployer.report.environment_report import State as ReportState

MARKER: Final = "environment"
CONTEXT: Final = "environment of the pull request"
_DEPLOYMENT: Final[dict[str, DeploymentState]] = {
    "coming": "in_progress",
    "up": "success",
    "failed": "failure",
    "removed": "inactive",
}
_STATUS: Final[dict[str, StatusState]] = {"coming": "pending", "up": "success", "failed": "failure"}


@dataclass(kw_only=True)
class Told:
    """What became of it. `notes` say what could not be told, and why."""

    comment: str | None = None
    changed: bool = False
    deployment: str | None = None
    status: StatusState | None = None
    notes: list[str] = field(default_factory=list)

    def fields(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "comment": self.comment,
            "changed": self.changed,
            "deployment": self.deployment,
            "status": self.status,
            "notes": list(self.notes),
        }


def put_comment(hub: GitHub, number: int, *, marker: str, body: str, anew: bool = True) -> Told:
    """Keep one comment up to date; without `anew` only if it is there."""
    told = Told()

    def write() -> None:
        put = hub.put_comment if anew else hub.update_comment
        comment = put(number, marker=marker, body=body)
        if comment is not None:
            told.comment, told.changed = comment.url, comment.changed

    _try(told, "the comment was not written", write)
    return told


def report_environment(
    hub: GitHub, report: EnvironmentReport, *, number: int, sha: str, body: str, say: Callable[[str], None]
) -> Told:
    """Tell pull request `number`, whose newest commit is `sha`, what `report` says; `body` is the rendered comment."""
    told = put_comment(hub, number, marker=MARKER, body=body)

    def deployment() -> None:
        told.changed |= _set_deployment(hub, report, sha)
        told.deployment = _DEPLOYMENT[report.state]

    def status() -> None:
        # Of a removed environment nobody asks any more whether the commit is fine.
        if report.state in _STATUS:
            state: StatusState = "failure" if report.tests == "failed" else _STATUS[report.state]
            told.status = state
            url = report.url if report.state == "up" else report.log_url
            hub.set_status(sha, context=CONTEXT, state=state, description=report.description, url=url)

    _try(told, "the deployment was not told", deployment)
    _try(told, "the commit's status was not set", status)
    for note in told.notes:
        say(f"note: {note}")
    return told


def report_removed(
    hub: GitHub, report: EnvironmentReport, *, number: int, body: str, say: Callable[[str], None]
) -> Told:
    """Bring up to date what was told of an environment that is removed; of one that nobody was told of, nothing is.

    What is left behind may bear any number: there need not be such a pull request.
    """
    told = Told()

    def comment() -> None:
        if hub.pull(number) is not None:
            found = put_comment(hub, number, marker=MARKER, body=body, anew=False)
            told.comment, told.changed = found.comment, found.changed
            told.notes.extend(found.notes)

    def deployment() -> None:
        if _set_deployment(hub, report, ""):
            told.changed, told.deployment = True, _DEPLOYMENT[report.state]

    _try(told, "the comment was not written", comment)
    _try(told, "the deployment was not told", deployment)
    for note in told.notes:
        say(f"note: {note}")
    return told


def _try(told: Told, what: str, deed: Callable[[], None]) -> None:
    try:
        deed()
    except NotPermitted as error:
        needed = [each for each in error.details if each.startswith("it takes")]
        told.notes.append(f"{what}: {'; '.join([error.message, *needed])}")


def _set_deployment(hub: GitHub, report: EnvironmentReport, sha: str) -> bool:
    """Say it of the newest deployment; earlier ones of the environment are inactive. False if nothing was to say."""
    state, found = _DEPLOYMENT[report.state], list(hub.deployments(report.environment))
    changed = False
    current: Deployment | None = None
    if report.state != "removed":
        current = next((each for each in found[:1] if sha in (each.sha, each.ref)), None)
        if current is None:
            current = hub.create_deployment(sha, environment=report.environment, description=report.description)
            changed = True
        elif (
            (last := hub.deployment_status(current.id)) is not None and last.state == state and last.url == _url(report)
        ):
            return _retire(hub, found[1:])
        hub.set_deployment_status(
            current.id, state, url=_url(report), log_url=report.log_url, description=report.description
        )
        changed = True
    # While the new one comes up, the one before it is what people see.
    others = [each for each in found if current is None or each.id != current.id]
    return (_retire(hub, others) if report.state in ("up", "removed") else False) or changed


def _retire(hub: GitHub, deployments: list[Deployment]) -> bool:
    """Make them inactive, the newest first, until one is: GitHub does that by itself for lasting environments only."""
    changed = False
    for each in deployments:
        last = hub.deployment_status(each.id)
        if last is not None and last.state == "inactive":
            break
        hub.set_deployment_status(each.id, "inactive", description="superseded or removed")
        changed = True
    return changed


def _url(report: EnvironmentReport) -> str:
    return report.url if report.state == "up" else ""


def derived_state(*, closed: bool, outcome: str | None) -> ReportState:
    """How it stands when nobody says it: by its lease, and by how the last run in its ledger ended.

    A closed lease that does not say that all is removed is a removal that has not come to its end, whatever the ledger
    has: a removal that was refused before its first change is not in there.
    """
    if closed:
        return "failed"
    return "coming" if outcome in (None, "open") else "up" if outcome == "ok" else "failed"
