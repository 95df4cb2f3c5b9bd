"""Convex in tests: a sandbox with two deployments, pushes without the CLI, the CLI itself, Convex's own clients."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from sandbox import node
from tests.support.sandbox import Running, running_sandbox
from tests.support.terraform import REPOSITORY

DEVELOPMENT = "brisk-otter-482"
PRODUCTION = "polished-heron-217"
SEED = {
    "schema": 1,
    "account": {"id": "023e105f4ecef8ad9ca31a8372d0c353", "name": "vibechecc"},
    "zones": ["vibechecc.app"],
    "secrets": [],
    "environment": [],
    "convex": {
        "team": "vibechecc",
        "project": "vibechecc",
        "deployments": [
            {"name": DEVELOPMENT, "type": "dev", "deploy_key": {"env": "CONVEX_DEPLOY_KEY_DEVELOPMENT"}},
            {"name": PRODUCTION, "type": "prod", "deploy_key": {"env": "CONVEX_DEPLOY_KEY_PRODUCTION"}},
        ],
        "preview_keys": [{"env": "CONVEX_PREVIEW_DEPLOY_KEY"}],
    },
}
_FIXTURE = REPOSITORY / "tests/contract/sandbox/convex"
_TIMEOUT = 60

# Modules as `convex deploy` sends them are self-contained; this stands for the library that they carry.
PRELUDE = """
const define = (kind, visibility, handler, args = { type: "any" }) => Object.assign(() => {}, {
  [`is${kind}`]: true, [`is${visibility}`]: true, _handler: handler,
  exportArgs: () => JSON.stringify(args), exportReturns: () => "null",
});
const query = (handler, args) => define("Query", "Public", handler, args);
const mutation = (handler, args) => define("Mutation", "Public", handler, args);
const action = (handler, args) => define("Action", "Public", handler, args);
const internalMutation = (handler, args) => define("Mutation", "Internal", handler, args);
"""
MESSAGES = """
export const list = query((ctx) => ctx.db.query("messages").collect());
export const count = query(async (ctx) => (await ctx.db.query("messages").collect()).length);
export const send = mutation((ctx, { body }) => ctx.db.insert("messages", { body }));
export const env = query((ctx, { name }) => process.env[name] ?? null);
export const secret = internalMutation(async (ctx) => ctx.db.insert("messages", { body: "internal" }));
"""


class Convex:
    """A running sandbox, seen by somebody who works with Convex."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.control = running.url("convex")

    @property
    def team_token(self) -> str:
        """The Management API's token."""
        return self.running.environment["CONVEX_TEAM_TOKEN"]

    @property
    def preview_key(self) -> str:
        """The project's key for previews."""
        return self.running.environment["CONVEX_PREVIEW_DEPLOY_KEY"]

    def key(self, name: str = DEVELOPMENT) -> str:
        """A seeded deploy key."""
        suffix = "PRODUCTION" if name == PRODUCTION else "DEVELOPMENT"
        return self.running.environment[f"CONVEX_DEPLOY_KEY_{suffix}"]

    def deployment(self, name: str = DEVELOPMENT) -> Client:
        """A seeded deployment."""
        key = self.key(name)
        answer = httpx.post(f"{self.control}/api/deployment/url_for_key", json={"deployKey": key})
        return Client(str(answer.raise_for_status().json()), key)

    def management(self, method: str, path: str, *, token: str | None = None, **options: Any) -> httpx.Response:
        """One call of the Management API."""
        headers = {"Authorization": f"Bearer {self.team_token if token is None else token}"}
        return httpx.request(method, f"{self.control}/v1{path}", headers=headers, **options)

    def claim(self, name: str, *, reuse: bool = True) -> dict[str, Any]:
        """Claim a preview deployment as the CLI does."""
        project = {"kind": "teamAndProjectSlugs", "teamSlug": "vibechecc", "projectSlug": "vibechecc"}
        answer = httpx.post(
            f"{self.control}/api/claim_preview_deployment",
            json={"projectSelection": project, "identifier": name, "reuse": reuse},
            headers={"Authorization": f"Bearer {self.preview_key}"},
        )
        return dict(answer.raise_for_status().json())

    def cli(
        self,
        folder: Path,
        *arguments: str,
        key: str,
        stdin: str = "",
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run the real CLI with a deploy key."""
        done = subprocess.run(
            self._command(*arguments),
            cwd=folder,
            env=self._environment(folder, key),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done

    def follow(self, folder: Path, *arguments: str, key: str, until: str) -> str:
        """What a command of the CLI that never ends prints until `until` is in it."""
        running = subprocess.Popen(
            self._command(*arguments),
            cwd=folder,
            env=self._environment(folder, key),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        limit = threading.Timer(_TIMEOUT, running.kill)
        limit.start()
        printed = ""
        try:
            assert running.stdout is not None
            for line in running.stdout:
                printed += line
                if until in line:
                    break
        finally:
            limit.cancel()
            running.kill()
            running.communicate()
        return printed

    def _command(self, *arguments: str) -> list[str]:
        return [str(node.binary()), str(REPOSITORY / "node_modules/convex/bin/main.js"), *arguments]

    def _environment(self, folder: Path, key: str) -> dict[str, str]:
        home = folder.parent / "home"
        home.mkdir(exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "CI": "true",
            "NO_COLOR": "1",
            "CONVEX_DEPLOY_KEY": key,
            "CONVEX_PROVISION_HOST": self.control,
            "CONVEX_VERSION_API_ORIGIN": self.control,
        }


class Client:
    """One deployment over HTTP."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        self.headers = {"Authorization": f"Convex {key}"}

    def get(self, path: str, **options: Any) -> httpx.Response:
        """A GET with the key."""
        return httpx.get(f"{self.url}{path}", headers=self.headers, timeout=_TIMEOUT, **options)

    def post(self, path: str, value: Any = None, **options: Any) -> httpx.Response:
        """A POST with the key."""
        return httpx.post(f"{self.url}{path}", json=value, headers=self.headers, timeout=_TIMEOUT, **options)

    def call(self, kind: str, path: str, args: Any = None, **more: Any) -> dict[str, Any]:
        """A function call as a browser's: without the key."""
        body = {"path": path, "args": args or {}, "format": "json", **more}
        return dict(httpx.post(f"{self.url}/api/{kind}", json=body, timeout=_TIMEOUT).raise_for_status().json())

    def value(self, kind: str, path: str, args: Any = None) -> Any:
        """The value of a call that must succeed."""
        answer = self.call(kind, path, args)
        assert answer["status"] == "success", answer
        return answer["value"]

    def variables(self, **values: str | None) -> httpx.Response:
        """Change environment variables."""
        changes = [{"name": name, "value": value} for name, value in values.items()]
        return self.post("/api/v1/update_environment_variables", {"changes": changes})

    def hashes(self) -> dict[str, str]:
        """What is live: hashes by path."""
        answer = self.post("/api/get_config_hashes", {"version": "1.48.0", "adminKey": self.key}).raise_for_status()
        return {module["path"]: module["hash"] for module in answer.json()["moduleHashes"]}

    def start_push(self, modules: Mapping[str, str], *, dry: bool = False, **definition: Any) -> httpx.Response:
        """The second step of a push, with small modules instead of the CLI's bundles."""
        changed = [_module(path, f"{PRELUDE}{source}") for path, source in modules.items()]
        schema = definition.pop("schema", None)
        application = {
            "definition": None,
            "dependencies": [],
            "schema": _module("schema.js", schema_source(schema)) if schema else None,
            "changedModules": changed,
            "unchangedModuleHashes": [],
            "udfServerVersion": "1.48.0",
            **definition,
        }
        body = {
            "adminKey": self.key,
            "dryRun": dry,
            "functions": "convex/",
            "appDefinition": application,
            "componentDefinitions": [],
            "nodeDependencies": [],
        }
        return self.post("/api/deploy2/start_push", body)

    def wait_for_schema(self, started: Mapping[str, Any], *, dry: bool = False) -> dict[str, Any]:
        """The third step."""
        body = {"adminKey": self.key, "schemaChange": started["schemaChange"], "timeoutMs": 10000, "dryRun": dry}
        return dict(self.post("/api/deploy2/wait_for_schema", body).raise_for_status().json())

    def finish_push(
        self, started: Mapping[str, Any], *, message: str | None = None, dry: bool = False
    ) -> httpx.Response:
        """The last step."""
        body = {"adminKey": self.key, "startPush": started, "dryRun": dry, "message": message}
        return self.post("/api/deploy2/finish_push", body)

    def push(self, modules: Mapping[str, str], *, message: str | None = None, **definition: Any) -> dict[str, Any]:
        """A whole push that must succeed."""
        started = self.start_push(modules, **definition).raise_for_status().json()
        assert self.wait_for_schema(started) == {"type": "complete"}
        return dict(self.finish_push(started, message=message).raise_for_status().json())

    def javascript(self, steps: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Let Convex's own JavaScript clients do steps (`javascript_client.mjs`); the answers in order."""
        done = subprocess.run(
            [node.binary(), str(_FIXTURE / "javascript_client.mjs"), self.url],
            input=json.dumps(list(steps)),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
        )
        assert done.returncode == 0, done.stderr
        return list(json.loads(done.stdout))

    @contextmanager
    def watching(self, path: str, args: Mapping[str, Any] | None = None) -> Iterator[Watch]:
        """Watch a query with the browser client, in a process of its own."""
        argv = [node.binary(), str(_FIXTURE / "live_query.mjs"), self.url, path, json.dumps(args or {})]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield Watch(process)
            finally:
                process.kill()


class Watch:
    """The updates of one live query."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def next(self) -> Any:
        """The next value that differs from the last; a failed query is an error."""
        assert self._process.stdout is not None
        timer = threading.Timer(_TIMEOUT, self._process.kill)
        timer.start()
        try:
            update = json.loads(self._process.stdout.readline())
        finally:
            timer.cancel()
        assert "error" not in update, update
        return update["value"]


def schema_source(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """A schema module: tables with their fields' validators (`{"body": {"type": "string"}}`)."""
    exported = [
        {
            "tableName": name,
            "indexes": [],
            "searchIndexes": [],
            "vectorIndexes": [],
            "documentType": {
                "type": "object",
                "value": {field: {"fieldType": kind, "optional": False} for field, kind in fields.items()},
            },
        }
        for name, fields in tables.items()
    ]
    return f"""
    const tables = {json.dumps(exported)};
    export default {{
      schemaValidation: true,
      tables: Object.fromEntries(tables.map((table) => [table.tableName, {{ export: () => table }}])),
      export: () => JSON.stringify({{ tables, schemaValidation: true }}),
    }};
    """


@contextmanager
def convex_sandbox(folder: Path) -> Iterator[Convex]:
    """Convex alone, seeded."""
    with running_sandbox(folder, only=("convex",), seed=SEED) as running:
        yield Convex(running)


def application(folder: Path) -> Path:
    """A copy of the small application of `tests/contract/sandbox/convex/app`, as a person has it in a checkout."""
    target = folder / "app"
    (target / "convex").mkdir(parents=True)
    for source in (_FIXTURE / "app").glob("*.ts"):
        (target / "convex" / source.name).write_text(source.read_text())
    (target / "package.json").write_text(json.dumps({"name": "app", "private": True, "dependencies": {"convex": "*"}}))
    (target / "node_modules").symlink_to(REPOSITORY / "node_modules")
    return target


def _module(path: str, source: str) -> dict[str, str]:
    return {"path": path, "source": source, "environment": "isolate"}
