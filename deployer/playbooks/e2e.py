"""Runs the application's end-to-end tests against an environment, once that is proven to serve what was deployed.

Tests that run too early test the release before. Which release it has to be says the ledger, or whoever calls.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.errors import ConfigError, SecretMissing, Unverified
from deployer.playbooks.credentials import require_credentials, values_of
from deployer.steps.ledger_runs import last_runs
from deployer.steps.proof import Proof

if TYPE_CHECKING:
    from deployer.inventory.model import EndToEnd
    from deployer.playbooks.wiring import Wiring

_LOOKED_AT = 20


def recorded_release(wiring: Wiring) -> str:
    """The digest of the Worker that was live when the last run ended, as the ledger has it."""
    from deployer.playbooks.recording import ledger_of

    require_credentials(wiring, references={})
    for run in reversed(last_runs(ledger_of(wiring), _LOOKED_AT)):
        digest = _digest(run.document())
        if digest:
            return digest
        if run.closed is not None:
            break
    raise Unverified(
        f"the ledger knows no release of `{wiring.environment.name}` that is live",
        place=wiring.target.public_url(wiring.environment.host),
        hint=f"deploy it first: {wiring.named.command('deploy' if wiring.environment.number is None else 'pr.up')}",
    )


def _digest(document: Mapping[str, Any]) -> str | None:
    worker = document.get("worker")
    digest = worker.get("digest") if isinstance(worker, Mapping) else None
    return digest if isinstance(digest, str) else None


def run_e2e(wiring: Wiring, *, release: str, out: Path, say: Callable[[str], None]) -> str:
    """Wait for the release, run the tests, leave everything in `out`; returns the address that was tested."""
    wishes = wiring.loaded.inventory.app.e2e
    if wishes is None:
        raise ConfigError(
            "the application has no end-to-end tests",
            place=f"{wiring.loaded.file}, table [app]",
            hint='say how they run: e2e = { command = ["npm", "run", "e2e"] }',
        )
    bypass = _bypass(wiring, wishes)
    url = wiring.target.public_url(wiring.environment.host)
    base, headers = wiring.target.reach(wiring.environment.host)
    proof = Proof(
        name="proof",
        http=wiring.http,
        base=base,
        headers={**headers, **bypass},
        url=url,
        health=wiring.loaded.inventory.app.health,
        seconds=float(wiring.environment.limits.proof_seconds),
    )
    say(f"waiting until {url} serves release {release[:12]}")
    proof.wait(release, stop=wiring.stop.requested, say=say)
    folder = out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    extra = {wishes.url_variable: url, wishes.report_variable: str(folder)}
    if bypass:
        extra[wishes.headers_variable] = json.dumps(bypass)
    if browser := wiring.target.process_environment.get("CHROMIUM_PATH"):
        extra["CHROMIUM_PATH"] = browser
    wiring.application.run_tests(wishes.command, extra, say)
    return url


def _bypass(wiring: Wiring, wishes: EndToEnd) -> dict[str, str]:
    """The headers that pass an access protection; their values are masked from here on."""
    values: dict[str, str] = {}
    for header, value in values_of(wiring, wishes.bypass).items():
        reference = wishes.bypass[header]
        if value:
            wiring.redactor.add(value)
            values[header] = value
        elif reference.required:
            raise SecretMissing(
                f"the header {header}, which passes the access protection, has no value",
                place=str(reference),
                hint="store it there, or take it out of app.e2e.bypass",
            )
    return values
