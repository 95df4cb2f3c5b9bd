"""The tree of tasks: what `inv --list` shows.

Imports the task modules, which import Invoke, the boundary and nothing heavy: bodies import what they use.
"""

from __future__ import annotations

from pathlib import Path

from invoke.collection import Collection

from deployer.cli import (
    bucket_tasks,
    ci_tasks,
    history_tasks,
    inventory_tasks,
    lock_tasks,
    parsing,
    plan_tasks,
    pr_tasks,
    report_tasks,
    review_tasks,
    run_tasks,
    sandbox_tasks,
    state_content_tasks,
    state_copy_tasks,
    sweep_tasks,
    tool_tasks,
)


def collection(root: Path) -> Collection:
    """All tasks, for the checkout in `root` (the folder with environments.toml)."""
    parsing.install()
    tree = Collection()
    for module in (run_tasks, plan_tasks, review_tasks, history_tasks, inventory_tasks, tool_tasks):
        for task in module.TASKS:
            tree.add_task(task)
    tree.add_task(ci_tasks.e2e)
    for name, modules in (
        ("ci", (ci_tasks,)),
        ("pr", (pr_tasks, report_tasks, sweep_tasks)),
        ("sandbox", (sandbox_tasks,)),
        ("state", (bucket_tasks, lock_tasks, state_content_tasks, state_copy_tasks)),
    ):
        branch = Collection(name)
        for module in modules:
            for task in module.TASKS:
                branch.add_task(task)
        tree.add_collection(branch)
    tree.configure({"root": str(root)})
    return tree
