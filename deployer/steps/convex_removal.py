"""Takes an environment off its Convex deployment.

The deployment itself belongs to the Convex project and stays, with its tables' data: a deploy key cannot delete it, and
data is not what deploy made. Variables that deploy set are removed, and functions by pushing a project that has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployer.adapters.convex import ConvexCli
from deployer.adapters.files import link_folder, make_folder, write_private
from deployer.engine.change import Action, Change
from deployer.engine.step import BaseStep, Context
from deployer.errors import Unverified
from deployer.steps.convex import BACKEND, Backend, ConvexBackend
from deployer.steps.release_record import ReleaseRecord


@dataclass(frozen=True, kw_only=True)
class ConvexBackendFound(ConvexBackend):
    """The deployment if there is one; unlike deploy, nobody makes a preview in order to take it down."""

    def diff(self, context: Context, facts: Backend | None) -> Sequence[Change]:
        """Looking changes nothing."""
        return ()

    def known(self, facts: Backend | None, changes: Sequence[Change]) -> Mapping[str, object]:
        """The deployment, or None."""
        return {BACKEND: facts}


@dataclass(frozen=True, kw_only=True)
class FunctionsWithdrawn(BaseStep[bool]):
    """No functions, schema or HTTP routes on the deployment."""

    cli: Callable[[], ConvexCli]
    # Where the project without functions is put.
    folder: Path

    def observe(self, context: Context) -> bool:
        """Whether any module is live."""
        backend: Backend | None = context.value(BACKEND)
        return backend is not None and backend.deployment.holds_functions()

    def diff(self, context: Context, facts: bool) -> Sequence[Change]:
        """One change, if there is something."""
        return (Change(action=Action.DELETE, address="convex:functions", summary="all functions"),) if facts else ()

    def apply(self, context: Context, facts: bool, changes: Sequence[Change]) -> Mapping[str, object]:
        """Push a project without functions, then look."""
        backend: Backend = context.value(BACKEND)
        write_private(self.folder / "package.json", '{"private": true, "dependencies": {"convex": "*"}}\n')
        make_folder(self.folder / "convex" / "_generated")
        cli = self.cli()
        link_folder(self.folder / "node_modules", cli.packages)
        cli.deploy(
            self.folder,
            functions="convex",
            key=backend.push_key,
            message="environment removed",
            preview=backend.preview,
        )
        if backend.deployment.holds_functions():
            raise Unverified("convex deploy ended well, but functions are still live", place=backend.url)
        return {}


@dataclass(frozen=True, kw_only=True)
class VariablesRemoved(BaseStep[Sequence[str]]):
    """None of the variables that deploy set."""

    record: ReleaseRecord

    def observe(self, context: Context) -> Sequence[str]:
        """Names of those that are set."""
        backend: Backend | None = context.value(BACKEND)
        if backend is None:
            return ()
        # Deploy records a name before it sets it. What only the inventory names may have been set by anybody.
        ours = set(self.record.section("convex_variables").get("names", ()))
        return sorted(ours & backend.deployment.variables().keys())

    def diff(self, context: Context, facts: Sequence[str]) -> Sequence[Change]:
        """One change per variable."""
        return tuple(Change(action=Action.DELETE, address=f"convex:{name}", summary="variable") for name in facts)

    def apply(self, context: Context, facts: Sequence[str], changes: Sequence[Change]) -> Mapping[str, object]:
        """Remove them in one request."""
        backend: Backend = context.value(BACKEND)
        backend.deployment.update_variables(dict.fromkeys(facts))
        return {}
