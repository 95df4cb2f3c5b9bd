"""`convex deploy` with the real CLI, and what the deploy API promises to those who watch it."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.support.convex import DEVELOPMENT, MESSAGES, PRODUCTION, Convex
from tests.support.terraform import REPOSITORY

COMPILER = REPOSITORY / "example/node_modules/typescript"


def test_first_and_repeated_deploy(convex: Convex, app: Path) -> None:
    """The first deploy makes the functions answer; repeated without change it leaves the hashes as they were."""
    deployment = convex.deployment()
    assert deployment.hashes() == {}

    convex.cli(app, "deploy", "--message", "the first", key=convex.key())
    assert {"messages.js", "http.js", "schema.js"} <= set(deployment.hashes())
    assert deployment.value("query", "messages:count") == 0

    # The first deploy wrote convex/_generated, which is bundled too.
    convex.cli(app, "deploy", key=convex.key())
    second = deployment.hashes()
    convex.cli(app, "deploy", key=convex.key())
    assert deployment.hashes() == second

    events = deployment.get("/api/v1/list_audit_log_events", params={"from": 0}).json()["items"]
    pushes = [event for event in events if event["action"].startswith("push_config")]
    assert [push["metadata"]["message"] for push in pushes] == ["the first", None, None]


def test_foreign_push_changes_the_hashes(convex: Convex, app: Path) -> None:
    """Who remembers the hashes sees that somebody else has pushed, down to the module."""
    deployment = convex.deployment()
    convex.cli(app, "deploy", key=convex.key())
    before = deployment.hashes()

    source = app / "convex/messages.ts"
    kept = source.read_text()
    source.write_text(kept.replace("kaboom", "kabum"))
    convex.cli(app, "deploy", key=convex.key())
    changed = {path for path, digest in deployment.hashes().items() if before.get(path) != digest}
    assert changed == {"messages.js"}

    source.write_text(kept)
    convex.cli(app, "deploy", key=convex.key())
    assert deployment.hashes() == before


def test_dry_run_changes_nothing(convex: Convex, app: Path) -> None:
    """`--dry-run` succeeds, nothing is live afterwards, and the request log has no mutating request."""
    deployment = convex.deployment(PRODUCTION)
    convex.running.control("POST", "/reset")
    done = convex.cli(app, "deploy", "--dry-run", key=convex.key(PRODUCTION))
    assert "Would have deployed" in done.stderr
    assert deployment.hashes() == {}
    assert [entry for entry in convex.running.requests() if entry["mutating"]] == []
    assert [entry for entry in convex.running.requests() if entry["unknown"]] == []


@pytest.mark.skipif(not COMPILER.exists(), reason="TypeScript comes with the example: `npm ci` in example/")
def test_type_error_never_goes_live(convex: Convex, app: Path) -> None:
    """The compiler runs between start and finish: what does not typecheck is not live."""
    deployment = convex.deployment(PRODUCTION)
    convex.running.control("POST", "/reset")
    broken = app / "convex/broken.ts"
    broken.write_text("export const wrong: number = 'text';\n")
    (app / "convex/tsconfig.json").write_text(
        json.dumps(
            {
                "compilerOptions": {
                    "strict": True,
                    "noEmit": True,
                    "skipLibCheck": True,
                    "moduleResolution": "Bundler",
                    "module": "ESNext",
                    "target": "ESNext",
                    "lib": ["ESNext", "dom"],
                    "types": [],
                },
                "include": ["./broken.ts"],
            }
        )
    )
    modules = app / "node_modules"
    modules.unlink()
    modules.symlink_to(REPOSITORY / "example/node_modules")
    try:
        done = convex.cli(app, "deploy", "--typecheck", "enable", key=convex.key(PRODUCTION), check=False)
    finally:
        broken.unlink()
        (app / "convex/tsconfig.json").unlink()
        modules.unlink()
        modules.symlink_to(REPOSITORY / "node_modules")
    assert done.returncode == 1
    assert "is not assignable to type 'number'" in done.stdout + done.stderr
    assert deployment.hashes() == {}


def test_schema_that_documents_do_not_fit(convex: Convex, app: Path) -> None:
    """A schema that existing documents break fails the deploy with the document, and the old code stays live."""
    deployment = convex.deployment()
    convex.cli(app, "deploy", key=convex.key())
    before = deployment.hashes()
    deployment.value("mutation", "messages:send", {"author": "a", "body": "kept"})

    schema = app / "convex/schema.ts"
    kept = schema.read_text()
    schema.write_text(kept.replace("body: v.string()", "body: v.number()"))
    try:
        done = convex.cli(app, "deploy", "--codegen", "disable", key=convex.key(), check=False)
    finally:
        schema.write_text(kept)
    assert done.returncode == 1
    assert "Schema validation failed." in done.stderr
    assert 'in table "messages" does not match the schema' in done.stderr
    assert "Path: .body" in done.stderr
    assert deployment.hashes() == before
    assert [one["body"] for one in deployment.value("query", "messages:byAuthor", {"author": "a"})] == ["kept"]


def test_module_that_cannot_be_loaded(convex: Convex, app: Path) -> None:
    """Code that throws when it is loaded is refused with the module and the reason; it never goes live."""
    deployment = convex.deployment()
    before = deployment.hashes()
    broken = app / "convex/broken.ts"
    broken.write_text("export const one = 1;\nthrow new Error('not today');\n")
    try:
        done = convex.cli(app, "deploy", key=convex.key(), check=False)
    finally:
        broken.unlink()
    assert done.returncode == 1
    assert "InvalidModules" in done.stderr
    assert "Failed to analyze broken.js: Uncaught Error: not today" in done.stderr
    assert deployment.hashes() == before


def test_declared_variables_must_be_set(convex: Convex, app: Path) -> None:
    """A variable that convex.config.ts requires must exist before the push finishes; the CLI names it."""
    config = app / "convex/convex.config.ts"
    config.write_text(
        'import { defineApp } from "convex/server";\nimport { v } from "convex/values";\n'
        "export default defineApp({ env: { NEEDED_HERE: v.string() } });\n"
    )
    try:
        refused = convex.cli(app, "deploy", key=convex.key(), check=False)
        convex.deployment().variables(NEEDED_HERE="x").raise_for_status()
        convex.cli(app, "deploy", key=convex.key())
    finally:
        config.unlink()
    assert refused.returncode == 1
    assert "NEEDED_HERE" in refused.stderr


def test_application_without_functions(convex: Convex, app: Path) -> None:
    """Pushing nothing takes all functions away and keeps the documents; the definition that is always sent remains."""
    deployment, key = convex.deployment(PRODUCTION), convex.key(PRODUCTION)
    deployment.push({"messages.js": MESSAGES})
    deployment.value("mutation", "messages:send", {"body": "kept"})
    nothing = app.parent / "nothing"
    (nothing / "convex").mkdir(parents=True)
    (nothing / "package.json").write_text((app / "package.json").read_text())
    (nothing / "node_modules").symlink_to(REPOSITORY / "node_modules")
    convex.cli(nothing, "deploy", "--codegen", "disable", key=key)
    assert set(deployment.hashes()) == {"convex.config.js"}
    assert deployment.call("query", "messages:count")["status"] == "error"
    deployment.push({"messages.js": MESSAGES})
    assert [one["body"] for one in deployment.value("query", "messages:list")] == ["kept"]
    convex.running.control("POST", "/reset")


def test_unchanged_module_must_be_there(convex: Convex) -> None:
    """A push that leaves out a module as unchanged is refused when the deployment has another one or none."""
    deployment = convex.deployment(PRODUCTION)
    deployment.push({"messages.js": MESSAGES})
    digest = deployment.hashes()["messages.js"]
    for path, sha256, code in (
        ("messages.js", "0" * 64, "ExistingModuleHashConflict"),
        ("other.js", digest, "MissingExistingModule"),
    ):
        claim = [{"path": path, "environment": "isolate", "sha256": sha256}]
        refused = deployment.start_push({}, unchangedModuleHashes=claim)
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    claim = [{"path": "messages.js", "environment": "isolate", "sha256": digest}]
    deployment.push({}, unchangedModuleHashes=claim)
    assert deployment.hashes() == {"messages.js": digest}
    assert isinstance(deployment.value("query", "messages:count"), float)
    convex.running.control("POST", "/reset")


def test_wrong_keys(convex: Convex, app: Path) -> None:
    """A key with a wrong secret, of a deleted deployment, or of another deployment gets in nowhere."""
    wrong = f"dev:{DEVELOPMENT}|not-the-secret"
    done = convex.cli(app, "deploy", key=wrong, check=False)
    assert done.returncode == 1
    assert "401" in done.stderr

    deployment = convex.deployment()
    other = {"Authorization": f"Convex {convex.key(PRODUCTION)}"}
    assert httpx.get(f"{deployment.url}/api/v1/list_environment_variables", headers=other).status_code == 401
    assert httpx.get(f"{deployment.url}/api/v1/list_environment_variables").status_code == 401


def test_environment_change_during_a_push(convex: Convex) -> None:
    """A variable that changes between start and finish makes the push fail as a race; nothing goes live."""
    deployment = convex.deployment()
    before = deployment.hashes()
    started = deployment.start_push({"race.js": MESSAGES}).raise_for_status().json()
    deployment.variables(CHANGED_MEANWHILE="1").raise_for_status()
    finished = deployment.finish_push(started)
    assert (finished.status_code, finished.json()["code"]) == (400, "RaceDetected")
    assert deployment.hashes() == before


def test_two_pushes_at_a_time(convex: Convex) -> None:
    """Of two pushes that overlap the later wins; the other is told."""
    deployment = convex.deployment(PRODUCTION)
    fields = {"messages": {"body": {"type": "any"}}}
    first = deployment.start_push({"messages.js": MESSAGES}).raise_for_status().json()
    second = deployment.start_push({"messages.js": f"{MESSAGES}\n// more"}, schema=fields).raise_for_status().json()
    assert deployment.wait_for_schema(first) == {"type": "raceDetected"}
    assert deployment.wait_for_schema(second) == {"type": "complete"}
    assert deployment.finish_push(second).status_code == 200
    assert deployment.finish_push(first).json()["code"] == "RaceDetected"


def test_components_are_refused(convex: Convex) -> None:
    """An application with components is refused clearly; nothing pretends to run it."""
    refused = convex.deployment().start_push(
        {"messages.js": MESSAGES}, dependencies=["../node_modules/x/convex.config.js"]
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "SandboxNoComponents")


def test_auth_configuration_is_taken_over(convex: Convex) -> None:
    """Providers of auth.config.js are accepted; a variable that they need and that is missing is named."""
    deployment = convex.deployment()
    source = "export default { providers: [{ domain: process.env.ISSUER_HERE, applicationID: 'app' }] };"
    missing = deployment.start_push({"messages.js": MESSAGES, "auth.config.js": source})
    assert missing.json()["code"] == "AuthConfigMissingEnvironmentVariable"
    assert "ISSUER_HERE" in missing.json()["message"]

    deployment.variables(ISSUER_HERE="https://issuer.example").raise_for_status()
    started = deployment.start_push({"messages.js": MESSAGES, "auth.config.js": source}).raise_for_status().json()
    assert started["appAuth"] == [{"domain": "https://issuer.example", "applicationID": "app"}]
