"""How GitHub's REST API is asked: headers, pages, its own forms of a rate limit, and what a refusal means.

GitHub says 403 both for "slow down" and for "you may not", and 404 for what a token may not see. They are told apart
here, as far as the answers let one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from deployer.adapters.http import Http, NotFound, Response, retry_after, said_by
from deployer.errors import CredentialsRefused, NotPermitted, ServiceFailed

if TYPE_CHECKING:
    import datetime as dt

SERVICE: Final = "GitHub"
PAGE: Final = 100
_MOST_PAGES: Final = 100
_VERSION: Final = "2022-11-28"
# GitHub's secondary limits name no time; its documentation asks for a minute at least.
_UNTOLD_WAIT: Final = 60.0
_SLOW_DOWN: Final = re.compile(r"rate limit|abuse detection", re.IGNORECASE)

T = TypeVar("T")


@dataclass(frozen=True)
class Calls:
    """Asks for one repository. `base` is `https://api.github.com`, or what stands for it."""

    http: Http
    base: str
    token: str = field(repr=False)
    repository: str

    def get(self, path: str, *, accept: Collection[int] = ()) -> Response:
        """One GET below the repository, or below the service if `path` begins with `//`."""
        return self.send("GET", path, accept=accept)

    def send(
        self,
        method: str,
        path: str,
        *,
        data: object = None,
        accept: Collection[int] = (),
        repeatable: bool | None = None,
    ) -> Response:
        """One request. What is in `accept` is an answer, save for a refusal because of a rate limit."""
        url = f"{self.base}{path[1:]}" if path.startswith("//") else f"{self.base}/repos/{self.repository}{path}"
        # The refusals that mean something of their own here come back as answers.
        answer = self.http.request(
            method,
            url,
            service=SERVICE,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": _VERSION,
            },
            data=data,
            accept={*accept, 401, 403},
            repeatable=repeatable,
            limited=slow_down,
        )
        if answer.status in (401, 403) and answer.status not in accept:
            raise self._refusal(method, answer)
        return answer

    def pages(self, path: str) -> Iterator[Mapping[str, Any]]:
        """Everything in a list, page by page."""
        joint = "&" if "?" in path else "?"
        for page in range(1, _MOST_PAGES + 1):
            answer = self.get(f"{path}{joint}per_page={PAGE}&page={page}")
            found = answer.json()
            if not isinstance(found, list):
                raise ServiceFailed(f"{SERVICE} did not answer with a list", place=f"GET {path}")
            yield from found
            if len(found) < PAGE:
                return
        raise ServiceFailed(f"{SERVICE} lists more than {_MOST_PAGES * PAGE} things", place=f"GET {path}")

    def absent(self, path: str) -> None:
        """Return if the thing at `path` is really not there; raise if it is the repository that cannot be seen."""
        if self.get("", accept={404}).status == 404:
            raise NotFound(
                f"{SERVICE} does not know the repository `{self.repository}`, or the token may not see it",
                place=f"GET {path}",
                hint="check GITHUB_REPOSITORY, or `repository` in [project] of environments.toml, and what the token "
                "may read (docs/guide/credentials.md)",
            )

    def _refusal(self, method: str, answer: Response) -> CredentialsRefused:
        said = said_by(answer)
        details = [f"{SERVICE} said: {said}"] if said else []
        place = f"{method} {answer.url.partition('?')[0]}"
        if answer.status == 401:
            return CredentialsRefused(
                f"{SERVICE} does not accept the token (status 401)",
                place=place,
                hint="GITHUB_TOKEN has expired or is not complete; set another one, then run the same command again",
                details=details,
            )
        needed = header(answer, "x-accepted-github-permissions")
        if needed:
            details.append(f"it takes a token with: {_listed(needed)}")
        details.append(
            "pull requests from forks and from Dependabot get a token that only reads, whatever the workflow"
        )
        return NotPermitted(
            f"{SERVICE} does not let this token {'read' if method == 'GET' else 'write'} this (status 403)",
            place=place,
            hint="give the job this permission in its workflow, or the token, and run the same command again",
            details=details,
        )


def _listed(permissions: str) -> str:
    """`issues=write; pull_requests=write` as people say it: either will do, and what has a comma is needed together."""
    return " or ".join(part.strip().replace(",", " with ") for part in permissions.split(";"))


def slow_down(answer: Response) -> float | None:
    """Seconds that GitHub asks to wait if this is a refusal because of a rate limit; None if it is anything else."""
    if answer.status not in (403, 429):
        return None
    after = retry_after(answer.headers)
    if after is not None:
        return after
    if header(answer, "x-ratelimit-remaining") == "0":
        now, reset = answered_at(answer), header(answer, "x-ratelimit-reset")
        if now is not None and reset.isdigit():
            # Both are GitHub's own clock. A second more: the limit ends with that second.
            return max(0.0, int(reset) - now.timestamp()) + 1.0
        return _UNTOLD_WAIT
    if answer.status == 429 or _SLOW_DOWN.search(said_by(answer)):
        return _UNTOLD_WAIT
    return None


def answered_at(answer: Response) -> dt.datetime | None:
    """When GitHub has answered, by its own clock."""
    try:
        return parsedate_to_datetime(header(answer, "date"))
    except ValueError:
        return None


def header(answer: Response, name: str) -> str:
    """One header, however it is spelled; empty if it is not there."""
    return next((value for known, value in answer.headers.items() if known.lower() == name), "")


def read(answer: Response, make: Callable[[Any], T]) -> T:
    """What an answer says, as a value; a shape that is none of GitHub's is an error of the service."""
    return shaped(answer.json(), make, place=answer.url.partition("?")[0])


def shaped(data: Any, make: Callable[[Any], T], *, place: str) -> T:
    """The same for a part of an answer."""
    try:
        return make(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ServiceFailed(
            f"{SERVICE} answered in a form that is not known here ({type(error).__name__}: {error})",
            place=place,
            details=[json.dumps(data)[:200]],
        ) from None
