"""Plans to render: a manifest with every field, and changes as the steps make them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from deployer.adapters.terraform.plan import PlannedChange, planned_changes
from deployer.engine.change import Action, Change, text_diff
from deployer.report.plan_words import counts
from deployer.review.manifest import Counts, Manifest, Planner, Project, StackState
from deployer.review.risk import risk_of_all
from deployer.review.view import Finding, PlannedStep, PlanView

NOON = dt.datetime(2026, 3, 11, 12, 0, tzinfo=dt.UTC)
COMMIT = "4f0c2d1e9a7b35c81d6e0f2a4b6c8d9e0f1a2b3c"


def plan_view(
    steps: Sequence[PlannedStep] = (),
    *,
    findings: Sequence[Finding] = (),
    needed: int = 0,
    unchanged: int = 0,
    **manifest: object,
) -> PlanView:
    """A view of these steps with a manifest that fits them."""
    first = PlanView(manifest=manifest_of(**manifest), steps=steps, findings=findings, needed=needed)
    found = Counts(**{action.value: count for action, count in counts(first.pending).items()}, unchanged=unchanged)
    fitting = first.manifest.model_copy(update={"counts": found, "risk": risk_of_all(first.changes)})
    return PlanView(manifest=fitting, steps=steps, findings=findings, needed=needed)


def manifest_of(**changed: object) -> Manifest:
    """A manifest with every field; `changed` are those that matter."""
    values: dict[str, object] = {
        "id": "20260311T120000Z-4f0c2d1e",
        "project": Project(name="vibechecc", account_id="a" * 32, zone="vibechecc.app", state_bucket="states"),
        "environment": "production",
        "kind": "production",
        "target": "cloudflare",
        "commit": COMMIT,
        "dirty": False,
        "created": NOON,
        "expires": NOON + dt.timedelta(days=1),
        "planner": Planner(who="mira@build-7", email="mira@example.org", account="mira"),
        "tools": {"terraform": "1.15.5"},
        "locks": {},
        "inputs": {},
        "stacks": {"site": StackState(saved=True, serial=4, lineage="5c1b")},
        "live": {},
        "secrets": {},
        "digest": "9f" * 32,
        "risk": "none",
        "needed": 0,
        "counts": Counts(),
        "files": {},
    }
    return Manifest.model_validate({**values, **changed})


def step(name: str, *changes: Change) -> PlannedStep:
    """A step with these changes."""
    return PlannedStep(name=name, changes=changes)


def change(action: str, address: str, detail: str = "", *, forces: Iterable[str] = (), summary: str = "") -> Change:
    """A change; creations of resources need no more than an address."""
    return Change(
        action=Action(action), address=address, summary=summary, detail=detail, forces=tuple(forces), meaning="ab" * 32
    )


def resource_changes(*resources: dict[str, object], stack: str = "site") -> tuple[Change, ...]:
    """What a plan's JSON says, as changes of a stack."""

    def one(planned: PlannedChange) -> Change:
        return change(planned.word, f"{stack}:{planned.address}", planned.detail, forces=planned.forces)

    return tuple(one(planned) for planned in planned_changes({"resource_changes": resources}))


def record(
    key: str, before: dict[str, object] | None, after: dict[str, object] | None, *, replaced_by: Sequence[str] = ()
) -> dict[str, object]:
    """A DNS record in a plan's JSON; `replaced_by` are the attributes that force its replacement."""
    actions = ["create"] if before is None else ["delete"] if after is None else ["update"]
    if replaced_by:
        actions = ["delete", "create"]
    return {
        "address": f'module.zone.cloudflare_dns_record.this["{key}"]',
        "mode": "managed",
        "type": "cloudflare_dns_record",
        "change": {
            "actions": actions,
            "before": before,
            "after": after,
            "after_unknown": {"id": True} if after is not None and (before is None or replaced_by) else {},
            "before_sensitive": {},
            "after_sensitive": {},
            "replace_paths": [[name] for name in replaced_by],
        },
    }


def values(name: str, *, content: str = "192.0.2.1", ttl: int = 1, **more: object) -> dict[str, object]:
    """Attributes of a DNS record."""
    return {"name": name, "type": "A", "content": content, "ttl": ttl, "proxied": True, "zone_id": "z" * 32, **more}


def finding(severity: str = "error", *, rule: str = "tls-minimum", where: str = "site:cloudflare_x.this") -> Finding:
    """A violation."""
    return Finding(
        rule=rule,
        severity="error" if severity == "error" else "warning",
        reason="old versions of TLS are broken",
        message="value is 1.0, and must be one of 1.2, 1.3",
        where=where,
        place="environments.toml:44",
    )


def empty() -> PlanView:
    """Nothing to change."""
    return plan_view([step("terraform site"), step("worker")], unchanged=41)


def additive() -> PlanView:
    """An environment that is new: many records of one kind, a bucket, a Worker."""
    records = [record(f"host-{n}", None, values(f"host-{n}.vibechecc.app")) for n in range(14)]
    return plan_view(
        [
            step("state bucket", change("create", "r2:states", summary="bucket of the state")),
            step("terraform site", *resource_changes(*records)),
            step(
                "worker",
                change("create", "worker:vibechecc", summary="upload and deploy"),
                _secret("create", "API_KEY"),
            ),
            step("convex functions", change("run", "convex:functions", summary="push functions (first push)")),
            step("build", Change(action=Action.RUN, address="app:build", summary="npm run build", local=True)),
        ],
        needed=1,
        environment="pr-12",
        kind="ephemeral",
        target="sandbox",
        commit=None,
    )


def mixed() -> PlanView:
    """Everything at once, with values that are long, nested, sensitive, unknown."""
    rules = [{"expression": f'http.host eq "{n}.vibechecc.app"', "enabled": True} for n in range(3)]
    policy = {"com.cloudflare.api.account": "*", "permissions": ["read"]}
    before = values("www.vibechecc.app", comment="The quick brown fox jumps over the lazy dog. " * 4, tags=["a", "b"])
    after = {**before, "comment": str(before["comment"]).replace("lazy", "sleeping"), "ttl": 300}
    wide = {f"tag-{n}": n for n in range(20)}
    return plan_view(
        [
            step(
                "terraform site",
                *resource_changes(
                    record("apex", values("old.vibechecc.app"), values("vibechecc.app"), replaced_by=["name"]),
                    record("gone", values("gone.vibechecc.app"), None),
                    record("www", before, after),
                    record(
                        "list", {"tags": [*wide, "old"], "rules": rules}, {"tags": [*wide, "new"], "rules": rules[1:]}
                    ),
                    record("policy", {"policy": _json(policy)}, {"policy": _json({**policy, "permissions": ["edit"]})}),
                    record("script", {"script": _script("1")}, {"script": _script("2")}),
                ),
                *resource_changes(*(record(f"many-{n}", values("x"), values("x", ttl=60)) for n in range(12))),
            ),
            step(
                "convex variables",
                change(
                    "update",
                    "convex:SITE_URL",
                    text_diff("https://old.vibechecc.app", "https://vibechecc.app", name="SITE_URL"),
                    summary="variable",
                ),
            ),
            step(
                "worker",
                replace(
                    change("update", "worker:vibechecc", _worker_detail(), summary="upload and deploy"), certain=False
                ),
                _secret("update", "API_KEY"),
            ),
            step("convex functions", change("run", "convex:functions", summary="push functions (sources changed)")),
        ],
        findings=[finding("warning", rule="few-updates", where="site:*")],
        needed=2,
        unchanged=23,
        dirty=True,
        settings=("worker.logs.enabled=false",),
    )


def violations() -> PlanView:
    """A plan that may not be applied."""
    return plan_view(
        [step("terraform site", *resource_changes(record("www", None, values("www.vibechecc.app"))))],
        findings=[finding(), finding("warning", rule="names-own", where="site:cloudflare_y.this"), finding()],
        needed=1,
    )


def huge(count: int = 5_000) -> PlanView:
    """As many changes as nobody reads: a tenth dangerous, the others updates and creations, half and half."""
    changes = []
    for n in range(count):
        name = f"host-{n}.vibechecc.app"
        if n % 20 == 0:
            changes.append(record(f"h{n}", values(name), None))
        elif n % 20 == 1:
            changes.append(record(f"h{n}", values("old-" + name), values(name), replaced_by=["name"]))
        elif n % 2:
            changes.append(record(f"h{n}", values(name), values(name, content=f"192.0.2.{n % 250}", ttl=n)))
        else:
            changes.append(record(f"h{n}", None, values(name)))
    return plan_view([step("terraform site", *resource_changes(*changes))], needed=2, unchanged=12)


def _secret(action: str, name: str) -> Change:
    return change(action, f"worker:vibechecc/{name}", summary="secret")


def _json(value: object) -> str:
    return json.dumps(value)


def _script(version: str) -> str:
    return "\n".join(f"const line{n} = {version if n == 5 else n};" for n in range(12))


def _worker_detail() -> str:
    config = '{\n  "main": "index.js",\n  "vars": {\n    "MODE": "%s"\n  }\n}'
    return "~ sources: 0a1b2c3d4e5f -> 6a7b8c9d0e1f\n" + text_diff(config % "old", config % "new", name="wrangler.json")
