"""Operating a deployment with the real CLI: variables, runs, data, backups, logs, function specification."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.support.convex import DEVELOPMENT, MESSAGES, PRODUCTION, Client, Convex


@pytest.fixture(scope="module")
def deployment(convex: Convex, app: Path) -> Client:
    """The development deployment with the small application and two messages."""
    convex.cli(app, "deploy", key=convex.key())
    found = convex.deployment()
    for body in ("one", "two"):
        found.value("mutation", "messages:send", {"author": "a", "body": body})
    return found


def test_env_commands(convex: Convex, app: Path, deployment: Client) -> None:
    """`env set`, bulk `env set` from standard input, `get`, `list` and `remove` do what they say."""
    key = convex.key()
    convex.cli(app, "env", "set", "COLOR", "red", key=key)
    differing = convex.cli(app, "env", "set", key=key, stdin="COLOR=blue\nSIZE='two words'\n", check=False)
    assert differing.returncode == 1
    assert deployment.get("/api/v1/list_environment_variables").json() == {"environmentVariables": {"COLOR": "red"}}

    convex.cli(app, "env", "set", "--force", key=key, stdin="COLOR=blue\nSIZE='two words'\n")
    assert convex.cli(app, "env", "get", "SIZE", key=key).stdout == "two words\n"
    listed = convex.cli(app, "env", "list", "--include-values", key=key).stdout.splitlines()
    assert sorted(listed) == ["COLOR=blue", "SIZE=two words"]
    convex.cli(app, "env", "remove", "SIZE", key=key)
    assert convex.cli(app, "env", "get", "SIZE", key=key).stdout == ""


def test_variables_by_http(convex: Convex) -> None:
    """The HTTP API changes all or nothing, refuses bad names and large values, and logs what really changed."""
    deployment = convex.deployment(PRODUCTION)
    deployment.push({"messages.js": MESSAGES})
    assert deployment.variables(A="1", B="2").status_code == 200
    refused = deployment.post(
        "/api/v1/update_environment_variables",
        {"changes": [{"name": "A", "value": None}, {"name": "9B", "value": "x"}]},
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "EnvironmentVariableNameInvalid")
    assert deployment.variables(A="x" * 9000).json()["code"] == "EnvironmentVariableValueTooLarge"
    assert deployment.variables(CONVEX_SITE_URL="x").json()["code"] == "EnvVarNameForbidden"
    assert deployment.variables(A="1").status_code == 200
    assert deployment.get("/api/v1/list_environment_variables").json()["environmentVariables"] == {"A": "1", "B": "2"}
    assert deployment.value("query", "messages:env", {"name": "B"}) == "2"
    events = deployment.get("/api/v1/list_audit_log_events", params={"from": 0}).json()["items"]
    changes = [
        (event["action"], event["metadata"]["variable_name"]) for event in events if "variable" in event["action"]
    ]
    assert changes == [("create_environment_variable", "A"), ("create_environment_variable", "B")]


def test_run(convex: Convex, app: Path, deployment: Client) -> None:
    """`run` calls public and internal functions, as somebody if asked, and fails with the function's error."""
    key = convex.key()
    assert float(convex.cli(app, "run", "messages:count", key=key).stdout) == deployment.value(
        "query", "messages:count"
    )
    convex.cli(app, "run", "messages:sendNow", '{"body": "by hand"}', key=key)
    assert deployment.value("query", "messages:byAuthor", {"author": "scheduler"})[-1]["body"] == "by hand"
    identity = convex.cli(app, "run", "messages:whoami", "--identity", '{"name": "Ann"}', key=key)
    assert json.loads(identity.stdout) == "Ann"
    failed = convex.cli(app, "run", "messages:fail", key=key, check=False)
    assert failed.returncode == 1
    assert "kaboom" in failed.stderr
    missing = convex.cli(app, "run", "messages:nothing", key=key, check=False)
    assert "messages:count" in missing.stderr.replace("• ", "")
    inline = "return (await ctx.db.query('messages').first()).body"
    assert json.loads(convex.cli(app, "run", "--inline-query", inline, key=key).stdout) == "one"


def test_export_and_import(convex: Convex, app: Path, deployment: Client, tmp_path: Path) -> None:
    """An export holds documents and files; imported again it brings back what was changed, ids included."""
    key = convex.key()
    address = deployment.value("action", "messages:keepFile", {"text": "in the backup"})
    before = deployment.value("query", "messages:byAuthor", {"author": "a"})
    archive = tmp_path / "snapshot.zip"
    convex.cli(app, "export", "--path", str(archive), "--include-file-storage", key=key)
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        lines = opened.read("messages/documents.jsonl").decode().splitlines()
    assert [one["body"] for one in map(json.loads, lines)][:2] == ["one", "two"]

    deployment.value("mutation", "messages:send", {"author": "a", "body": "three"})
    convex.cli(app, "import", "--replace-all", "-y", str(archive), key=key)
    assert deployment.value("query", "messages:byAuthor", {"author": "a"}) == before
    assert httpx.get(address).text == "in the backup"


def test_import_needs_empty_tables(convex: Convex, app: Path, deployment: Client, tmp_path: Path) -> None:
    """Without a mode an import into a table with documents is refused; `--append` adds."""
    key = convex.key()
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"author": "import", "body": "x"}\n')
    refused = convex.cli(app, "import", "--table", "messages", str(rows), key=key, check=False)
    assert refused.returncode == 1
    assert "Data already exists in table `messages`" in refused.stderr
    convex.cli(app, "import", "--append", "--table", "messages", str(rows), key=key)
    assert len(deployment.value("query", "messages:byAuthor", {"author": "import"})) == 1
    rows.write_text('{"author": "import"}\n')
    unfit = convex.cli(app, "import", "--append", "--table", "messages", str(rows), key=key, check=False)
    assert "missing the required field `body`" in unfit.stderr


def test_data_and_function_spec(convex: Convex, app: Path, deployment: Client) -> None:
    """`data` lists tables and documents; `function-spec` names every function with its arguments, and HTTP actions."""
    key = convex.key()
    assert convex.cli(app, "data", key=key).stdout.split() == ["messages"]
    rows = convex.cli(app, "data", "messages", "--format", "jsonl", "--order", "asc", "--limit", "1", key=key).stdout
    assert '"body": "one"' in rows
    specification = json.loads(convex.cli(app, "function-spec", key=key).stdout)
    assert specification["url"] == deployment.url
    functions = {one.get("identifier"): one for one in specification["functions"]}
    assert functions["messages.js:send"]["functionType"] == "Mutation"
    assert set(functions["messages.js:send"]["args"]["value"]) == {"author", "body"}
    assert functions["messages.js:sendNow"]["visibility"] == {"kind": "internal"}
    assert {"functionType": "HttpAction", "method": "GET", "path": "/count"} in specification["functions"]


def test_logs(convex: Convex, app: Path, deployment: Client) -> None:
    """`logs` prints what ran, with its console lines."""
    deployment.value("mutation", "messages:send", {"author": "log", "body": "seen in the log"})
    expected = "'seen in the log'"
    assert expected in convex.follow(app, "logs", "--history", "5", key=convex.key(), until=expected)


def test_deployment_says_what_it_is(convex: Convex, deployment: Client) -> None:
    """The unauthenticated health paths and the identity that guards a deploy."""
    assert httpx.get(f"{deployment.url}/version").status_code == 200
    assert httpx.get(f"{deployment.url}/instance_name").text == DEVELOPMENT
    info = deployment.get("/api/v1/deployment_info").json()
    assert (info["kind"], info["deploymentType"], info["projectSlug"]) == ("cloud", "dev", "vibechecc")
    assert convex.deployment(PRODUCTION).get("/api/v1/deployment_info").json()["deploymentType"] == "prod"


def test_unknown_paths_are_refused_and_marked(convex: Convex, deployment: Client) -> None:
    """What the stand-in does not know is a 404 that names the path, and the request log marks it."""
    answer = deployment.get("/api/v1/get_current_usage")
    assert (answer.status_code, answer.json()["code"]) == (404, "SandboxUnknownPath")
    unknown = [entry for entry in convex.running.requests() if entry["unknown"]]
    assert [(entry["service"], entry["path"]) for entry in unknown] == [
        ("convex-deployment", "/api/v1/get_current_usage")
    ]
