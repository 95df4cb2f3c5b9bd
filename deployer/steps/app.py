"""Builds the application with the backend's address, beside Terraform, and only if the build will be uploaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployer.adapters.cloudflare import CloudflareApi
from deployer.engine.change import Action, Change, Unknown
from deployer.engine.step import BaseStep, Context
from deployer.steps.application import Application
from deployer.steps.convex import BACKEND, Backend
from deployer.steps.release_record import ReleaseRecord

BUILD = "app.build"


@dataclass(frozen=True)
class Build:
    """What a build is made from: the digest of its inputs, and the variables it gets."""

    digest: str
    environment: Mapping[str, str]


@dataclass(frozen=True)
class BuildFacts:
    """The wanted build (None: the backend's address is not known yet), and whether something has it already."""

    wanted: Build | None
    built: bool
    # The live Worker was uploaded from exactly this build: nobody needs it here.
    live: bool
    packages: bool


@dataclass(frozen=True, kw_only=True)
class AppBuild(BaseStep[BuildFacts]):
    """The build of the application; provides `app.build`."""

    application: Application
    record: ReleaseRecord
    cloudflare: CloudflareApi
    worker: str

    def observe(self, context: Context) -> BuildFacts:
        """Compare the digest of the inputs with the output that is kept and with what is live."""
        packages = self.application.packages_installed()
        backend: Backend | None = context.known_value(BACKEND)
        if backend is None:
            return BuildFacts(None, built=False, live=False, packages=packages)
        wanted = self._wanted(backend)
        if self.application.has_build(wanted.digest):
            return BuildFacts(wanted, built=True, live=False, packages=packages)
        recorded: Mapping[str, Any] = self.record.section("worker")
        live = False
        if recorded.get("build") == wanted.digest:
            version = self.cloudflare.live_version(self.worker)
            live = version is not None and version.tag is not None and version.tag == recorded.get("digest")
        return BuildFacts(wanted, built=False, live=live, packages=packages)

    def diff(self, context: Context, facts: BuildFacts) -> Sequence[Change]:
        """Installing and building are things that are done."""
        if facts.built or facts.live:
            return ()
        wishes = self.application.wishes
        build = Change(action=Action.RUN, address="app:build", summary=" ".join(wishes.build), local=True)
        if facts.packages:
            return (build,)
        packages = Change(action=Action.RUN, address="app:packages", summary=" ".join(wishes.install), local=True)
        return (packages, build)

    def known(self, facts: BuildFacts, changes: Sequence[Change]) -> Mapping[str, object]:
        """What it is built from is known before it is built."""
        return {BUILD: facts.wanted if facts.wanted is not None else Unknown(self.name)}

    def apply(self, context: Context, facts: BuildFacts, changes: Sequence[Change]) -> Mapping[str, object]:
        """Build it."""
        wanted = facts.wanted or self._wanted(context.value(BACKEND))
        self.application.run_build(wanted.digest, wanted.environment, context.say)
        return {BUILD: wanted}

    def _wanted(self, backend: Backend) -> Build:
        variable = self.application.wishes.convex_url_variable
        environment = {variable: backend.url}
        if variable.endswith("_URL"):
            # The same pair that `convex deploy --cmd` sets.
            environment[f"{variable.removesuffix('_URL')}_SITE_URL"] = backend.site_url
        return Build(self.application.digest(environment), environment)
