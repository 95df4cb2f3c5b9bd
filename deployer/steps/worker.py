"""What runs: uploads the Worker with its assets and secrets, if what is live is not this release.

A release is known by the digest of everything that goes into it. Wrangler annotates the version with it, so that one
look at Cloudflare tells whether there is anything to do, and the assets carry it, so that the live host proves it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deployer.adapters.cloudflare import CloudflareApi, LiveVersion
from deployer.adapters.files import digest_of, write_private
from deployer.adapters.wrangler import Upload, Wrangler
from deployer.engine.change import Action, Change, Unknown, text_diff, unknowns_in
from deployer.engine.step import BaseStep, Context
from deployer.errors import Unverified, UsageError
from deployer.steps.app import BUILD, Build
from deployer.steps.application import RELEASE_DOCUMENT, Application
from deployer.steps.release_record import ReleaseRecord
from deployer.steps.secrets import VALUE, Secrets

RELEASE = "worker.release"
_SCHEMA = 1


@dataclass(frozen=True)
class WorkerFacts:
    """The wanted release (digest None: parts of it are not known yet), and what is live."""

    digest: str | None
    config: str
    live: LiveVersion | None
    secret_names: frozenset[str]
    recorded: Mapping[str, Any]
    fingerprints: Mapping[str, str] = field(repr=False)
    # The release without what only earlier steps will tell, so that it is the same before and after them.
    meaning: str = ""
    names: str = ""
    sources: str = ""

    @property
    def retired(self) -> frozenset[str]:
        """Secrets that an earlier deploy pushed and the inventory no longer names."""
        pushed = frozenset(self.recorded.get("secrets", {}))
        return (pushed & self.secret_names) - self.fingerprints.keys()

    @property
    def recorded_as_live(self) -> bool:
        """Whether the record tells of the version that is live: a run that was killed after its upload wrote none."""
        return self.live is not None and self.recorded.get("version") == self.live.id

    @property
    def current(self) -> bool:
        """Whether exactly this release is live."""
        return self.live is not None and self.live.tag == self.digest and not self.retired


@dataclass(frozen=True, kw_only=True)
class WorkerRelease(BaseStep[WorkerFacts]):
    """The Worker's code, assets, variables, bindings and secrets; provides `worker.release`, its digest."""

    worker: str
    environment: str
    application: Application
    # Wrangler's configuration for these Terraform outputs; the same with names in place of them.
    render: Callable[[Mapping[str, Any]], str]
    render_names: Callable[[], str]
    outputs: tuple[str, ...]
    cloudflare: CloudflareApi
    wrangler: Callable[[], Wrangler]
    record: ReleaseRecord
    # Keeps the outputs in the work folder, where `inv render` finds them.
    remember: Callable[[Mapping[str, Any]], None]

    def observe(self, context: Context) -> WorkerFacts:
        """Work out the release's digest and look at what is live."""
        secrets: Secrets = context.value(VALUE)
        build: Build | None = context.known_value(BUILD)
        outputs = self._outputs(context)
        fingerprints = secrets.fingerprints(secrets.table("worker.secrets"))
        unsure = [name for name, value in outputs.items() if isinstance(value, Unknown)]
        config = "" if unsure else self.render(_as_text(outputs))
        digest = None
        if build is not None and not any(unknowns_in(outputs)):
            digest = digest_of(
                {
                    "schema": _SCHEMA,
                    "environment": self.environment,
                    "build": build.digest,
                    "config": config,
                    "secrets": fingerprints,
                }
            )
        live = self.cloudflare.live_version(self.worker)
        names, sources = self.render_names(), self.application.digest({})
        return WorkerFacts(
            digest=digest,
            config=config,
            live=live,
            meaning=self._meaning(names, sources, fingerprints),
            names=names,
            sources=sources,
            secret_names=self.cloudflare.secret_names(self.worker),
            recorded=self.record.section("worker"),
            fingerprints=fingerprints,
        )

    def _meaning(self, names: str, sources: str, fingerprints: Mapping[str, str]) -> str:
        release = {"environment": self.environment, "sources": sources, "config": names}
        return digest_of({**release, "secrets": dict(fingerprints)})

    def diff(self, context: Context, facts: WorkerFacts) -> Sequence[Change]:
        """The upload, and what it does to each secret."""
        if facts.current and facts.recorded_as_live:
            return ()
        if facts.current:
            # Nothing that runs is changed, so nobody has to review it.
            what = "record of the release that a run which was cut off has deployed"
            return (Change(action=Action.RUN, address=f"record:{self.worker}", summary=what, local=True),)
        action = Action.CREATE if facts.live is None else Action.UPDATE
        summary = "upload and deploy"
        if facts.live is not None and facts.live.tag is None:
            summary += " (what is live was not deployed from here)"
        upload = Change(
            action=action,
            address=f"worker:{self.worker}",
            summary=summary,
            meaning=facts.meaning,
            over=facts.live.id if facts.live else "",
            detail="\n".join(self._details(facts)),
        )
        return (upload, *self._secret_changes(facts))

    def _details(self, facts: WorkerFacts) -> Iterator[str]:
        """What differs from the last release: its sources in short, its configuration line by line."""
        before = facts.recorded.get("sources")
        if before is None:
            yield f"+ sources: {facts.sources[:12]}"
        elif before != facts.sources:
            yield f"~ sources: {before[:12]} -> {facts.sources[:12]}"
        known = facts.recorded.get("config")
        if known is not None and known != facts.names:
            yield text_diff(known, facts.names, name="wrangler.json")

    def _secret_changes(self, facts: WorkerFacts) -> list[Change]:
        recorded = facts.recorded.get("secrets", {})
        changes = []
        for name in sorted({*facts.fingerprints, *facts.retired}):
            if name in facts.retired:
                action = Action.DELETE
            elif name not in facts.secret_names:
                action = Action.CREATE
            elif recorded.get(name) != facts.fingerprints[name]:
                action = Action.UPDATE
            else:
                continue
            meaning = facts.fingerprints.get(name, "absent")
            changes.append(
                Change(action=action, address=f"worker:{self.worker}/{name}", summary="secret", meaning=meaning)
            )
        return changes

    def known(self, facts: WorkerFacts, changes: Sequence[Change]) -> Mapping[str, object]:
        """The digest that is live."""
        return {} if changes else {RELEASE: facts.digest}

    def apply(self, context: Context, facts: WorkerFacts, changes: Sequence[Change]) -> Mapping[str, object]:
        """Upload it, then ask Cloudflare what is live."""
        secrets: Secrets = context.value(VALUE)
        build: Build = context.value(BUILD)
        if facts.digest is None:
            source = next(unknowns_in(self._outputs(context))).source
            raise UsageError(
                f"step `{self.name}` needs outputs of step `{source}`, which is not selected and has changes to apply",
                hint="run once without `--tags` and `--skip-tags`",
            )
        if facts.current:
            assert facts.live is not None
            self._record(facts, build, version=facts.live.id, commit=self.application.commit())
            return {RELEASE: facts.digest}
        if not self.application.has_build(build.digest):
            # The build that is live would do, but it is on another machine; only its configuration has changed.
            self.application.run_build(build.digest, build.environment, context.say)
        commit = self.application.commit()
        self._write_release_document(facts.digest, commit)
        config = self.application.build / "wrangler.json"
        write_private(config, facts.config)
        self.remember(self._outputs(context))
        for name in sorted(facts.retired):
            # Before the upload: removing one makes a version of its own, which has no annotation.
            self.cloudflare.delete_secret(self.worker, name)
        context.say("wrangler deploy")
        version = self.wrangler().deploy(
            Upload(
                config=config,
                tag=facts.digest,
                message=f"release {facts.digest[:12]}, commit {(commit or 'unknown')[:12]}",
                secrets=secrets.table("worker.secrets"),
            )
        )
        self._check_live(facts.digest, version)
        self._record(facts, build, version=version, commit=commit)
        return {RELEASE: facts.digest}

    def _record(self, facts: WorkerFacts, build: Build, *, version: str, commit: str | None) -> None:
        self.record.write(
            "worker",
            {
                "digest": facts.digest,
                "build": build.digest,
                "version": version,
                "commit": commit,
                "secrets": dict(facts.fingerprints),
                "sources": facts.sources,
                # With names in place of values, so that the next change can be shown line by line.
                "config": facts.names,
            },
        )

    def _outputs(self, context: Context) -> dict[str, Any]:
        return {name.removesuffix(".outputs"): context.value(name) for name in self.outputs}

    def _write_release_document(self, digest: str, commit: str | None) -> None:
        document = {"commit": commit, "digest": digest, "environment": self.environment}
        path = self.application.build / self.application.wishes.assets / RELEASE_DOCUMENT
        write_private(path, json.dumps(document, indent=2, sort_keys=True) + "\n")

    def _check_live(self, digest: str, version: str) -> None:
        live = self.cloudflare.live_version(self.worker)
        if live is None or live.tag != digest:
            raise Unverified(
                f"wrangler deployed version {version}, but {live.id if live else 'nothing'} is live",
                place=f"Worker `{self.worker}`",
                hint="somebody else may be deploying; run the same command again",
            )


def _as_text(value: Any) -> Any:
    """Outputs with "(known after ...)" for what is not known, so that a configuration can be shown."""
    if isinstance(value, Unknown):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return value
