"""Tasks that tell a pull request something: pr.report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import SANDBOX
from deployer.cli.pr_tasks import NUMBER, TEMPLATE

if TYPE_CHECKING:
    from deployer.cli.session import Session


@command(
    "pr.report",
    help={
        "number": NUMBER,
        "env": TEMPLATE,
        "sandbox": SANDBOX,
        "state": "coming, up, failed or removed; without it, what its lease and its ledger say",
        "e2e": "how the end-to-end tests ended: passed, failed or skipped",
        "e2e_url": "where their report is",
        "commit": "what was deployed and tested; by default the newest commit of the pull request",
        "print": "only print the comment; GitHub is told nothing",
    },
)
def report(
    session: Session,
    *,
    number: str = "",
    env: str = "",
    sandbox: bool = False,
    state: str = "",
    e2e: str = "",
    e2e_url: str = "",
    commit: str = "",
    print_: bool = False,
    json: bool = False,
    color: bool = True,
) -> int:
    """Tell a pull request how its environment stands.

    One comment that is kept up to date, a deployment and a status of the commit. Told twice, nothing changes; with
    `--commit`, a run that a newer commit has overtaken tells nothing, and never of a commit that it has not tested.
    Where the token may only read (pull requests from forks), that is a note, and the text goes to the step's summary.

      inv pr.report --number 12 --state coming
      inv pr.report --number 12 --state up --e2e passed
      inv pr.report --number 12 --print           what it would say
    """
    from deployer.cli.report_runs import ReportWish, report_pull_request

    wish = ReportWish(
        number=number,
        env=env,
        sandbox=sandbox,
        state=state,
        tests=e2e,
        tests_url=e2e_url,
        commit=commit,
        only_print=print_,
    )
    return report_pull_request(session, wish)


TASKS: Final = (report,)
