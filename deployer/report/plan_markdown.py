"""A plan as Markdown: for a comment on a pull request, and for the summary of a CI step.

Never longer than the limit, counted in bytes of UTF-8; what does not fit is counted, and the whole is linked.
"""

from __future__ import annotations

from typing import Final

from deployer.report.plan_text import plan_lines
from deployer.review.view import PlanView

COMMENT_LIMIT: Final = 65_536
SUMMARY_LIMIT: Final = 1_048_576


def plan_markdown(view: PlanView, *, limit: int = COMMENT_LIMIT, full: str | None = None) -> str:
    """The comment. `full` says where the whole plan is: an address, or its key in the store."""
    lines = "\n".join(plan_lines(view))
    return f"```\n{lines}"[: limit // 4] + "\n```\n"


def plan_summary(view: PlanView, *, limit: int = SUMMARY_LIMIT, full: str | None = None) -> str:
    """The step summary: the same, with the room that a summary has."""
    return plan_markdown(view, limit=limit, full=full)
