"""One digest over what all changes of a plan mean: plans that do the same have the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from deployer.review.view import PlannedStep


def meaning_of_all(steps: Iterable[PlannedStep]) -> str:
    """The digest. Order and wording do not count, nor does what stays on this machine."""
    parts = sorted(
        [step.name, change.address, change.meaning] for step in steps for change in step.changes if not change.local
    )
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
