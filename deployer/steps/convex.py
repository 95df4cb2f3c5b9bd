"""The Convex side: the deployment, its environment variables, the functions that run on it.

Variables come before functions, because a push is checked against them; nothing else writes them at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deployer.adapters.convex import ConvexCli, ConvexControl, ConvexDeployment, parse_key
from deployer.adapters.convex.keys import check_key
from deployer.adapters.files import digest_of
from deployer.engine.change import Action, Change, text_diff
from deployer.engine.step import BaseStep, Context
from deployer.errors import Unverified
from deployer.inventory.model import Convex, Project
from deployer.steps.application import Application
from deployer.steps.release_record import ReleaseRecord
from deployer.steps.secrets import DEPLOY_KEY, VALUE, Secrets

BACKEND = "convex.backend"


def require_own_key(key: str, convex: Convex, project: Project) -> None:
    """Refuse a deploy key that is not for exactly what the inventory names: with another the CLI deploys elsewhere."""
    place = str(convex.deploy_key)
    check_key(
        parse_key(key, place=place),
        wanted=convex.type,
        deployment=convex.deployment,
        team=project.convex_team,
        project=project.convex_project,
        place=place,
    )


@dataclass(frozen=True)
class Backend:
    """A deployment that can be talked to. `preview` is the name under which the CLI knows a preview."""

    deployment: ConvexDeployment
    site_url: str
    push_key: str = field(repr=False)
    preview: str | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return self.deployment.url


@dataclass(frozen=True, kw_only=True)
class ConvexBackend(BaseStep[Backend | None]):
    """The deployment that the inventory names; a preview is made when it is not there."""

    wishes: Convex
    project: Project
    environment: str
    control: ConvexControl
    # Binds an address and a key to the client of this run.
    connect: Callable[[str, str], ConvexDeployment]

    def observe(self, context: Context) -> Backend | None:
        """Look it up by its key, once the key is known to be the right one."""
        secrets: Secrets = context.value(VALUE)
        key = secrets[DEPLOY_KEY]
        require_own_key(key, self.wishes, self.project)
        team, project = self.project.convex_team, self.project.convex_project
        if self.wishes.type != "preview":
            return self._backend(self.control.url_for_key(key), key, key)
        found = self.control.preview(key, team=team, project=project, name=self.environment)
        return self._backend(found.url, found.key, key) if found else None

    def diff(self, context: Context, facts: Backend | None) -> Sequence[Change]:
        """Only a preview can be missing."""
        if facts is not None:
            return ()
        address = f"convex:preview/{self.environment}"
        meaning = digest_of([self.project.convex_team, self.project.convex_project, self.environment])
        return (Change(action=Action.CREATE, address=address, summary="preview deployment", meaning=meaning),)

    def known(self, facts: Backend | None, changes: Sequence[Change]) -> Mapping[str, object]:
        """The deployment, if it is there."""
        return {} if facts is None else {BACKEND: facts}

    def apply(self, context: Context, facts: Backend | None, changes: Sequence[Change]) -> Mapping[str, object]:
        """Make the preview."""
        key: str = context.value(VALUE)[DEPLOY_KEY]
        team, project = self.project.convex_team, self.project.convex_project
        made = self.control.claim_preview(key, team=team, project=project, name=self.environment)
        return {BACKEND: self._backend(made.url, made.key, key)}

    def _backend(self, url: str, admin_key: str, push_key: str) -> Backend:
        deployment = self.connect(url, admin_key)
        preview = self.environment if self.wishes.type == "preview" else None
        return Backend(deployment, deployment.site_url(), push_key, preview)


@dataclass(frozen=True)
class VariableFacts:
    """What is set now (None: nobody knows yet), and which names earlier deploys have set."""

    current: Mapping[str, str] | None = field(repr=False)
    ours: frozenset[str]
    wanted: Mapping[str, str] = field(repr=False)
    # Keyed fingerprints of the wanted values, by name.
    fingerprints: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class ConvexVariables(BaseStep[VariableFacts]):
    """Environment variables of the functions. One that nobody here ever set is left alone."""

    wishes: Convex
    record: ReleaseRecord

    def observe(self, context: Context) -> VariableFacts:
        """What is set, and what should be."""
        secrets: Secrets = context.value(VALUE)
        backend: Backend | None = context.known_value(BACKEND)
        current = backend.deployment.variables() if backend else None
        wanted = {**self.wishes.variables, **secrets.table("convex.secrets")}
        ours = frozenset(self.record.section("convex_variables").get("names", ()))
        return VariableFacts(current, ours, wanted, secrets.fingerprints(wanted))

    def diff(self, context: Context, facts: VariableFacts) -> Sequence[Change]:
        """One change per variable; values of secrets are never part of it."""
        current = facts.current or {}
        changes = []
        for name in sorted({*facts.wanted, *(facts.ours & current.keys())}):
            before, after = current.get(name), facts.wanted.get(name)
            if before == after:
                continue
            action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
            plain = name in self.wishes.variables
            detail = text_diff(before, after, name=name) if plain else ""
            what = "variable" if plain else "secret" if after is not None else "variable, no longer in the inventory"
            meaning = facts.fingerprints.get(name, "absent")
            changes.append(
                Change(action=action, address=f"convex:{name}", summary=what, detail=detail, meaning=meaning)
            )
        return changes

    def apply(self, context: Context, facts: VariableFacts, changes: Sequence[Change]) -> Mapping[str, object]:
        """Send all of them in one request."""
        backend: Backend = context.value(BACKEND)
        names = [change.address.removeprefix("convex:") for change in changes]
        # Recorded first: a name that was recorded and not set does no harm, one set and not recorded would stay.
        self.record.write("convex_variables", {"names": sorted({*facts.ours, *facts.wanted})})
        backend.deployment.update_variables({name: facts.wanted.get(name) for name in names})
        return {}


@dataclass(frozen=True)
class FunctionFacts:
    """What would be pushed, what was pushed last, what is live (None: nobody knows yet)."""

    sources: str
    recorded: Mapping[str, Any]
    live: str | None

    @property
    def current(self) -> bool:
        """Whether what is live is what the last deploy pushed from these sources."""
        return self.recorded.get("sources") == self.sources and self.recorded.get("modules") == (self.live or "-")


@dataclass(frozen=True, kw_only=True)
class ConvexFunctions(BaseStep[FunctionFacts]):
    """Functions, schema and HTTP routes. Unchanged ones are told without starting the CLI."""

    application: Application
    record: ReleaseRecord
    cli: Callable[[], ConvexCli]

    def observe(self, context: Context) -> FunctionFacts:
        """Digests of the sources and of the live modules."""
        backend: Backend | None = context.known_value(BACKEND)
        live = backend.deployment.modules_digest() if backend else None
        return FunctionFacts(self.application.functions_digest, self.record.section("convex"), live)

    def diff(self, context: Context, facts: FunctionFacts) -> Sequence[Change]:
        """A push is one change."""
        if facts.current:
            return ()
        known = facts.recorded.get("sources")
        why = "first push" if not known else "sources changed" if known != facts.sources else "changed by somebody else"
        # Before the first push nothing of ours can be replaced, and a preview may not even be there yet.
        over = (facts.live or "") if known else ""
        detail = f"~ sources: {known[:12]} -> {facts.sources[:12]}" if known else f"+ sources: {facts.sources[:12]}"
        summary = f"push functions ({why})"
        push = Change(
            action=Action.RUN,
            address="convex:functions",
            summary=summary,
            detail=detail,
            meaning=facts.sources,
            over=over,
        )
        return (push,)

    def apply(self, context: Context, facts: FunctionFacts, changes: Sequence[Change]) -> Mapping[str, object]:
        """Push, then look at what is live."""
        backend: Backend = context.value(BACKEND)
        self.application.ensure_packages(context.say)
        commit = self.application.commit() or "unknown"
        self.cli().deploy(
            self.application.folder,
            functions=self.application.wishes.convex,
            key=backend.push_key,
            message=f"commit {commit[:12]}, sources {facts.sources[:12]}",
            preview=backend.preview,
        )
        if not backend.deployment.holds_functions():
            raise Unverified(
                "convex deploy ended well, but no function is live on the deployment",
                place=backend.url,
                hint=f"does `{self.application.wishes.convex}/` of the application hold functions?",
            )
        modules = backend.deployment.modules_digest()
        self.record.write("convex", {"sources": facts.sources, "modules": modules, "commit": commit})
        return {}
