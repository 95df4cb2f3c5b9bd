"""One repository on GitHub: what deploys ask of it and tell it.

Reports are kept up to date in place: a comment is found again by a hidden marker in it and by its author, so that
whatever other bots and people write is left alone. What is said there is not known here.
"""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass, field
from typing import Final

from deployer.adapters.github.calls import PAGE, Calls, answered_at, read, shaped
from deployer.adapters.github.values import (
    Comment,
    Deployment,
    DeploymentState,
    DeploymentStatus,
    PullRequest,
    RunReview,
    StatusState,
    WorkflowRun,
)
from deployer.adapters.http import Http
from deployer.adapters.once import once

COMMENT_LIMIT: Final = 65_536
_DESCRIPTION: Final = 140
# Who a workflow's own token writes as. It cannot ask for its own name.
_WORKFLOWS: Final = "github-actions[bot]"
_MARKER: Final = re.compile(r"[a-z0-9 ._/:-]{1,100}")
_FENCE: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})")


@dataclass(frozen=True)
class GitHub:
    """The repository `repository` (owner/name), as `token` may see and change it."""

    http: Http
    base: str
    token: str = field(repr=False)
    repository: str

    @once
    def _calls(self) -> Calls:
        return Calls(self.http, self.base, self.token, self.repository)

    @once
    def login(self) -> str:
        """As whom this token writes."""
        answer = self._calls.get("//user", accept={403})
        return _WORKFLOWS if answer.status == 403 else read(answer, lambda data: str(data["login"]))

    # --- pull requests -------------------------------------------------------------------------------------------

    def pull(self, number: int) -> PullRequest | None:
        """One pull request; None if there is none with this number."""
        path = f"/pulls/{number}"
        answer = self._calls.get(path, accept={404})
        if answer.status == 404:
            self._calls.absent(path)
            return None
        return read(answer, PullRequest.of)

    def open_pulls(self) -> tuple[PullRequest, ...]:
        """All that are open, the oldest first. If this cannot be asked, it is an error, never an empty list."""
        path = "/pulls?state=open&sort=created&direction=asc"
        # A page that shifts while it is read may name one twice.
        found = {pull.number: pull for pull in (shaped(e, PullRequest.of, place=path) for e in self._calls.pages(path))}
        return tuple(found.values())

    # --- comments ------------------------------------------------------------------------------------------------

    def comments(self, number: int, *, marker: str) -> tuple[Comment, ...]:
        """Our own comments with this marker, the oldest first."""
        sign, path = _hidden(marker), f"/issues/{number}/comments"
        found = (shaped(each, Comment.of, place=path) for each in self._calls.pages(path))
        marked = [each for each in found if each.body.startswith(f"{sign}\n")]
        return tuple(each for each in marked if each.author == self.login) if marked else ()

    def put_comment(self, number: int, *, marker: str, body: str) -> Comment:
        """Make the one comment with this marker say `body`: written, updated in place, or left as it is.

        Further ones of ours with the same marker, which two runs at once may have left, are removed.
        """
        there = self.update_comment(number, marker=marker, body=body)
        if there is not None:
            return there
        answer = self._calls.send("POST", f"/issues/{number}/comments", data={"body": _marked(marker, body)})
        return read(answer, lambda data: Comment.of(data, changed=True))

    def update_comment(self, number: int, *, marker: str, body: str) -> Comment | None:
        """The same where there is one already; None, and nothing is written, where there is none."""
        text = _marked(marker, body)
        kept, *others = self.comments(number, marker=marker) or (None,)
        for other in others:
            if other is not None:
                self.delete_comment(other.id)
        if kept is not None and kept.body.strip() == text.strip():
            return kept
        if kept is not None:
            answer = self._calls.send(
                "PATCH", f"/issues/comments/{kept.id}", data={"body": text}, accept={404}, repeatable=True
            )
            if answer.status != 404:
                return read(answer, lambda data: Comment.of(data, changed=True))
            # Somebody has deleted it since it was listed.
        return None

    def delete_comment(self, comment: int) -> None:
        """Remove a comment; one that is gone already is no error."""
        self._calls.send("DELETE", f"/issues/comments/{comment}", accept={404})

    # --- deployments and statuses --------------------------------------------------------------------------------

    def deployments(self, environment: str) -> tuple[Deployment, ...]:
        """All deployments of an environment, the newest first."""
        path = f"/deployments?environment={_quoted(environment)}"
        found = [shaped(each, Deployment.of, place=path) for each in self._calls.pages(path)]
        # Here as well: a filter that is not understood must not make a stranger's deployment ours.
        return tuple(each for each in found if each.environment == environment)

    def deployment_status(self, deployment: int) -> DeploymentStatus | None:
        """What was said last about a deployment; None if nothing was."""
        answer = self._calls.get(f"/deployments/{deployment}/statuses?per_page={PAGE}", accept={404})
        return (
            None if answer.status == 404 else read(answer, lambda data: DeploymentStatus.of(data[0]) if data else None)
        )

    def create_deployment(
        self, ref: str, *, environment: str, description: str = "", transient: bool = True, production: bool = False
    ) -> Deployment:
        """Say that `ref` is being deployed. It waits for no checks, and GitHub merges nothing for it."""
        data = {
            "ref": ref,
            "environment": environment,
            "description": shortened(description),
            "transient_environment": transient,
            "production_environment": production,
            "auto_merge": False,
            "required_contexts": [],
        }
        return read(self._calls.send("POST", "/deployments", data=data), Deployment.of)

    def set_deployment_status(
        self,
        deployment: int,
        state: DeploymentState,
        *,
        url: str = "",
        log_url: str = "",
        description: str = "",
    ) -> None:
        """Say how a deployment stands. A success makes earlier ones of its environment inactive."""
        data = {"state": state, "description": shortened(description), "auto_inactive": state == "success"}
        data |= {name: value for name, value in (("environment_url", url), ("log_url", log_url)) if value}
        self._calls.send("POST", f"/deployments/{deployment}/statuses", data=data)

    def set_status(self, sha: str, *, context: str, state: StatusState, description: str = "", url: str = "") -> None:
        """Say how a commit stands in one respect; the last one said is what counts."""
        data = {"state": state, "context": context, "description": shortened(description)}
        data |= {"target_url": url} if url else {}
        self._calls.send("POST", f"/statuses/{_quoted(sha)}", data=data, repeatable=True)

    # --- runs and those who review them --------------------------------------------------------------------------

    def run(self, run_id: int, *, attempt: int | None = None) -> WorkflowRun | None:
        """A run, or one attempt of it; None if there is none (GitHub forgets runs, and people delete them)."""
        path = f"/actions/runs/{run_id}" + (f"/attempts/{attempt}" if attempt else "")
        answer = self._calls.get(path, accept={404})
        if answer.status == 404:
            self._calls.absent(path)
            return None
        return read(answer, lambda data: WorkflowRun.of(data, answered=answered_at(answer)))

    def approvals(self, run_id: int) -> tuple[RunReview, ...]:
        """What people said when the run waited at environments."""
        answer = self._calls.get(f"/actions/runs/{run_id}/approvals")
        return read(answer, lambda data: tuple(RunReview.of(each) for each in data))


def cut(text: str, *, limit: int) -> str:
    """The text in at most `limit` bytes; whole lines are left out at its end, and counted."""
    if len(text.encode()) <= limit:
        return text
    lines, kept = text.split("\n"), list[str]()
    room = limit - len(_left_out(len(lines), fence="~" * 8, details=9).encode())
    fence, details = "", 0
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            break
        kept.append(line)
        found = _FENCE.match(line)
        if found and not fence:
            fence = found[1]
        elif found and found[1].startswith(fence) and not line.strip(" `~"):
            fence = ""
        if not fence:
            details += line.count("<details>") - line.count("</details>")
    return "\n".join(kept) + _left_out(len(lines) - len(kept), fence=fence, details=details)


def _left_out(lines: int, *, fence: str, details: int) -> str:
    """What ends a text that was cut: whatever is open is closed."""
    closed = (f"\n{fence}" if fence else "") + "\n</details>" * details
    return f"{closed}\n\n{lines} more lines were left out for want of room.\n"


def shortened(text: str) -> str:
    """As much of a description as GitHub takes."""
    return text if len(text) <= _DESCRIPTION else f"{text[: _DESCRIPTION - 3]}..."


def _hidden(marker: str) -> str:
    """The line by which a comment is found again; nobody sees it."""
    if not _MARKER.fullmatch(marker) or "--" in marker:
        raise ValueError(f"`{marker}` cannot be a marker")
    return f"<!-- deployer: {marker} -->"


def _marked(marker: str, body: str) -> str:
    """A comment's whole text, as far as GitHub has room for it."""
    return cut(f"{_hidden(marker)}\n{body}", limit=COMMENT_LIMIT)


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")
