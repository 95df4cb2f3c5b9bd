"""What GitHub does before the first step of a job, done by the first step: the stand-in for actions/checkout.

The commit is cloned from the checkout that rehearses. A job that names an environment asks the GitHub stand-in for it,
and waits for its reviewers: at GitHub the job would not have started yet. Then it is given an identity of its own.
Only the standard library: it runs in a folder in which nothing is installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

_PAUSE = 0.3
_SECONDS = 30


def main() -> int:
    """Prepare the job in the current folder; 1 if it may not go on."""
    rehearsal = json.loads(Path(os.environ["REHEARSAL"]).read_text(encoding="utf-8"))
    clone(rehearsal, os.environ.get("REHEARSAL_REF") or rehearsal["sha"])
    environment = environment_of(rehearsal)
    if environment and not admitted(rehearsal, environment):
        return 1
    give_identity(rehearsal, environment)
    return 0


def clone(rehearsal: dict[str, Any], commit: str) -> None:
    """The commit in the current folder, with the packages of the checkout that it comes from."""
    source = Path(rehearsal["source"])
    git("clone", "--quiet", "--shared", "--no-checkout", str(source), ".")
    git("checkout", "--quiet", "--detach", commit)
    for name in rehearsal["links"]:
        target = Path(name)
        if (source / name).exists() and target.parent.is_dir() and not target.exists():
            target.symlink_to((source / name).resolve())
    # Git would show the links as files that nobody knows.
    with Path(".git/info/exclude").open("a", encoding="utf-8") as excluded:
        excluded.writelines(f"/{name}\n" for name in rehearsal["links"])
    print(f"checked out {commit}")


def git(*arguments: str) -> None:
    """Run git or stop."""
    subprocess.run(["git", *arguments], check=True)  # noqa: S607 -- the machine's git


def environment_of(rehearsal: dict[str, Any]) -> str:
    """The GitHub environment that the workflow names for this job; a matrix hands its value on as ENVIRONMENT."""
    named = rehearsal["environments"].get(os.environ.get("GITHUB_JOB", ""), "")
    return str(named).replace("${{ matrix.environment }}", os.environ.get("ENVIRONMENT", ""))


def admitted(rehearsal: dict[str, Any], environment: str) -> bool:
    """Ask for the environment; wait for a review where it needs one. Other jobs of the run may wait for theirs."""
    control = f"runs/{rehearsal['run']}"
    run = f"/repos/{rehearsal['repository']}/actions/runs/{rehearsal['run']}"
    post(rehearsal, control, {"environment": environment})
    deadline = time.monotonic() + rehearsal["patience"]
    reviewer, told = rehearsal["reviewer"], False
    while environment in waiting(rehearsal, run):
        if reviewer:
            post(rehearsal, control, {"review": review_by(reviewer, environment)})
            print(f"{reviewer} has approved {environment}")
            continue
        if time.monotonic() > deadline:
            print(f"::error::nobody has reviewed the deployment to {environment}")
            return False
        if not told:
            print(f"waiting for a review of the deployment to {environment}", flush=True)
            told = True
        time.sleep(_PAUSE)
    if ask(rehearsal, "GET", run)["status"] == "completed":
        print(f"::error::the deployment to {environment} was refused")
        return False
    return True


def waiting(rehearsal: dict[str, Any], run: str) -> list[str]:
    """The environments whose reviewers the run waits for."""
    pending: list[dict[str, Any]] = ask(rehearsal, "GET", f"{run}/pending_deployments")
    return [each["environment"]["name"] for each in pending]


def review_by(person: str, environment: str) -> dict[str, Any]:
    """That somebody lets it pass."""
    return {"user": person, "state": "approved", "environments": [environment]}


def give_identity(rehearsal: dict[str, Any], environment: str) -> None:
    """What a job with `id-token: write` finds in its environment."""
    wish = {**rehearsal["job"], "default": False, **({"environment": environment} if environment else {})}
    made = post(rehearsal, "oidc", wish)
    print(f"::add-mask::{made['token']}")
    with Path(os.environ["GITHUB_ENV"]).open("a", encoding="utf-8") as variables:
        variables.write(f"ACTIONS_ID_TOKEN_REQUEST_URL={made['url']}\nACTIONS_ID_TOKEN_REQUEST_TOKEN={made['token']}\n")


def post(rehearsal: dict[str, Any], path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Tell the GitHub stand-in what people or GitHub itself would do."""
    answer: dict[str, Any] = ask(rehearsal, "POST", f"/__sandbox/{path}", body)
    return answer


def ask(rehearsal: dict[str, Any], method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One request to the stand-in, on this machine."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(rehearsal["github"] + path, data=data, method=method)  # noqa: S310 -- loopback
    request.add_header("Content-Type", "application/json")
    request.add_header("User-Agent", "rehearsal")
    if method == "GET":
        request.add_header("Authorization", f"Bearer {rehearsal['token']}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_SECONDS) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        print(f"::error::the GitHub stand-in refuses {method} {path}: {error.read().decode(errors='replace')}")
        raise SystemExit(1) from None


if __name__ == "__main__":
    sys.exit(main())
