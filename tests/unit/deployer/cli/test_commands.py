"""Tasks that show things, and the answers to a mistyped command line."""

from __future__ import annotations

import ast
import json
from collections import Counter
from pathlib import Path

import pytest

from deployer.cli import flags
from deployer.cli.collection import collection
from tests.support.cli import ROOT, Checkout, FileStep, make_checkout, use_steps
from tests.support.inventory import line_of, text


@pytest.fixture
def checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Checkout:
    """An empty checkout."""
    return make_checkout(tmp_path, capsys)


def test_every_task_and_every_flag_has_help() -> None:
    """A flag without a text cannot be added."""
    tree = collection(ROOT)
    for name in tree.task_names:
        task = tree[name]
        assert task.__doc__, name
        first = task.__doc__.splitlines()[0]
        assert len(first) <= 57, f"{name}: its line in `inv --list` would wrap"
        assert first.endswith("."), name
        for argument in task.get_arguments():
            assert argument.help, f"{name} --{argument.name}"


def test_a_text_of_several_flags_stands_in_one_place() -> None:
    """In flags.py, so that one flag reads the same everywhere."""
    modules = [ast.parse(path.read_text()) for path in (ROOT / "deployer/cli").glob("*_tasks.py")]
    tables = [node for module in modules for node in ast.walk(module) if isinstance(node, ast.Dict)]
    texts = Counter(value.value for table in tables for value in table.values if isinstance(value, ast.Constant))
    shared = {value for value in vars(flags).values() if isinstance(value, str)} | set(flags.RUN.values())

    assert len(texts) > 20
    assert [text for text, count in texts.items() if count > 1 or text in shared] == []


def test_config_shows_value_and_origin(checkout: Checkout) -> None:
    """One line per value; --json with layer, file and line."""
    line = line_of(text(), "CACHE =")

    shown = checkout.inv("config", "--env", "dev", "--key", "worker.kv")
    document = json.loads(checkout.inv("config", "--env", "pr-12", "--json", "--set", "app.path=elsewhere").out)

    assert shown.out == (
        f'worker.kv.CACHE = "vibechecc-development-cache"  # environments.toml:{line} [defaults.worker.kv]\n'
    )
    assert document["values"]["worker.kv.CACHE"] == {
        "value": "vibechecc-pr-12-cache",
        "layer": "defaults",
        "file": "environments.toml",
        "line": line,
        "table": "[defaults.worker.kv]",
    }
    assert document["values"]["app.path"] == {"value": "elsewhere", "layer": "--set"}
    assert document["values"]["worker.secrets.SESSION_SECRET"]["value"] == {
        "aws": "vibechecc/pr-12/worker",
        "key": "SESSION_SECRET",
    }


def test_config_with_an_unknown_key_suggests_one(checkout: Checkout) -> None:
    """Nothing found is never an empty success."""
    ran = checkout.inv("config", "--env", "dev", "--key", "worker.kw")

    assert ran.code == 2
    assert "did you mean `worker.kv" in ran.err


def test_envs_lists_templates_as_such(checkout: Checkout) -> None:
    """The table and the JSON name the same environments."""
    table = checkout.inv("envs")
    document = json.loads(checkout.inv("envs", "--json").out)

    assert [each["name"] for each in document["environments"]] == ["production", "development", "pr-{number}"]
    assert document["environments"][2]["host"] == "pr-{number}.vibechecc.app"
    assert document["environments"][0]["protected"] is True
    assert "production (prod)" in table.out
    assert all(len(line) <= 100 for line in table.out.splitlines())


def test_schema_is_written_and_checked(checkout: Checkout) -> None:
    """--check writes nothing and exits 2 on a difference."""
    missing = checkout.inv("schema", "--check")
    written = checkout.inv("schema")
    same = checkout.inv("schema", "--check")

    assert (missing.code, written.code, same.code) == (2, 0, 0)
    assert (checkout.root / "environments.schema.json").read_text() == (ROOT / "environments.schema.json").read_text()


def test_open_prints_the_address(checkout: Checkout) -> None:
    """--print starts no browser."""
    assert checkout.inv("open", "--env", "pr-7", "--print").out == "https://pr-7.vibechecc.app\n"


@pytest.mark.parametrize("deployed", [False, True])
def test_open_and_outputs_say_when_nothing_is_deployed(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, deployed: bool
) -> None:
    """State without outputs: the next command in place of a browser that would show an error page."""
    opened: list[str] = []

    def open_browser(url: str) -> bool:
        opened.append(url)
        return True

    found = {"site": {"worker_name": "w"} if deployed else {}, "hosts": {}}
    monkeypatch.setattr("deployer.playbooks.outputs.outputs", lambda _: found)
    monkeypatch.setattr("webbrowser.open", open_browser)

    shown, outputs = checkout.inv("open", "--env", "dev"), checkout.inv("outputs", "--env", "dev")

    said = "not deployed yet: `inv deploy --env development`\n"
    assert (shown.code, shown.out) == (0, "https://dev.vibechecc.app\n")
    assert shown.err == ("" if deployed else said)
    assert opened == (["https://dev.vibechecc.app"] if deployed else [])
    assert outputs.code == 0
    assert (outputs.err == said) is not deployed
    assert ("stack `hosts` has no outputs" in outputs.err) is deployed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["confg"], "unknown task `confg`; did you mean `config`?"),
        (["sandbox.requsts"], "unknown task `sandbox.requsts`; did you mean `sandbox.requests`?"),
        (["config", "--evn", "dev"], "unknown flag `--evn`; did you mean `--env`?"),
        (["config", "--evn=dev"], "unknown flag `--evn`; did you mean `--env`?"),
        (["deploy", "--env", "dev", "--no-colour"], "unknown flag `--no-colour`; did you mean `--no-color`?"),
        (["deploy", "--env"], "flag `--env` needs a value"),
        (["--evn", "dev", "deploy"], "unknown flag `--evn` before a task"),
        (["--help", "deplo"], "unknown task `deplo`; did you mean `deploy`?"),
        (["--list", "sandbx"], "unknown collection `sandbx`; did you mean `sandbox`?"),
    ],
)
def test_a_mistyped_command_line_gets_the_nearest_name(checkout: Checkout, arguments: list[str], message: str) -> None:
    """Exit 2, one message, a hint, no traceback."""
    ran = checkout.inv(*arguments)

    assert ran.code == 2
    assert message in ran.err
    assert "hint: " in ran.err


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["deploy", "dev", "--sandbox"], "dev"),
        (["deploy", "-e", "production"], "production"),
        (["pr-12"], "pr-12"),
        (["deploy", "--env", "dev", "--env", "prod"], "prod"),
    ],
)
def test_an_environment_in_place_of_a_task_is_told_its_flag(
    checkout: Checkout, arguments: list[str], name: str
) -> None:
    """A name, an alias or a preview's name: the hint is --env, not the list of tasks."""
    ran = checkout.inv(*arguments)

    assert ran.code == 2
    assert ran.err == f"error: unknown task `{name}`\n\nhint: an environment is given once, as `--env {name}`\n"


def test_an_unknown_task_is_said_as_such_without_a_readable_inventory(checkout: Checkout) -> None:
    """The look into environments.toml never hides what was wrong with the command line."""
    (checkout.root / "environments.toml").write_text("[")

    ran = checkout.inv("deploy", "dev")

    assert ran.code == 2
    assert ran.err.startswith("error: unknown task `dev`")
    assert "--env dev" not in ran.err


@pytest.mark.parametrize(
    ("flag", "meant"), [("--dry-run", "--check"), ("-n", "--check"), ("--only", "--tags"), ("--only=x", "--tags")]
)
def test_flags_of_other_tools_are_answered_with_ours(checkout: Checkout, flag: str, meant: str) -> None:
    """The wish is known, only the word is another one; before the task as well."""
    after, before = checkout.inv("deploy", flag), checkout.inv(flag, "deploy")
    elsewhere = checkout.inv("envs", flag)

    assert (after.code, before.code, elsewhere.code) == (2, 2, 2)
    assert f"unknown flag `{flag.partition('=')[0]}" in after.err
    assert f"did you mean `{meant}`?" in after.err
    assert f"inv TASK {meant}" in before.err
    assert meant not in elsewhere.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--dry", "deploy", "--env", "dev"],
        ["-R", "deploy", "--env", "dev"],
        ["deploy", "--env", "dev", "--dry"],
        ["-R", "destroy", "--env", "dev", "--yes"],
    ],
)
def test_dry_of_invoke_is_refused_and_nothing_runs(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """It would deploy for real: exit 2 before the task, and the hint names --check."""
    use_steps(monkeypatch, [FileStep(name="first", path=checkout.root / "one")])

    ran = checkout.inv(*arguments)

    assert ran.code == 2
    assert "hint: use `--check`" in ran.err
    assert not (checkout.root / "one").exists()
    assert not (checkout.root / ".work").exists()


def test_a_bare_inv_lists_the_tasks(checkout: Checkout) -> None:
    """The same as --list, not the flags of Invoke; those stay with --help."""
    bare, listed, helped = checkout.inv(), checkout.inv("--list"), checkout.inv("--help")

    assert (bare.code, bare.out) == (0, listed.out)
    assert "  deploy " in bare.out
    assert "Core options:" in helped.out


def test_help_and_list_still_exit_0(checkout: Checkout) -> None:
    """The friendlier answers do not swallow the good ones."""
    listed, helped = checkout.inv("--list"), checkout.inv("--help", "deploy")

    assert (listed.code, helped.code) == (0, 0)
    assert "--[no-]color" in helped.out


def test_completion_knows_tasks_and_flags(checkout: Checkout) -> None:
    """What the shell's completion asks for is answered."""
    tasks = checkout.inv("--complete", "--", "inv ")
    completed = checkout.inv("--complete", "--", "inv deploy --")

    assert "sandbox.up" in tasks.out.split()
    assert "--list-steps" in completed.out.split()


def test_a_file_that_cannot_be_written_is_no_mistake_of_ours(checkout: Checkout) -> None:
    """Something else is where our file or folder belongs: exit 1 with the place, not 70 with a log."""
    (checkout.root / "environments.schema.json").mkdir()
    (checkout.root / ".work").write_text("a file")
    (checkout.root / "templates").symlink_to(ROOT / "templates")

    schema = checkout.inv("schema")
    render = checkout.inv("render", "--env", "dev", "--write")

    assert (schema.code, render.code) == (1, 1)
    assert "environments.schema.json" in schema.err
    assert str(checkout.root / ".work") in render.err.replace("\n", "")
    assert "mistake" not in schema.err + render.err


def test_broken_toml_is_one_error(checkout: Checkout) -> None:
    """File, line and column, exit 2, no traceback."""
    (checkout.root / "environments.toml").write_text("[project\n")

    ran = checkout.inv("envs")

    assert ran.code == 2
    assert "error: this is not TOML" in ran.err
    assert "environments.toml:1:" in ran.err


def test_a_closed_pipe_is_no_failure(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """`inv envs | head -1` ends quietly."""
    monkeypatch.setattr("deployer.report.sink.Sink.data", lambda *_: (_ for _ in ()).throw(BrokenPipeError()))

    assert checkout.inv("envs").code == 0


@pytest.mark.parametrize("flag", ["--status", "--count"])
def test_a_fault_with_a_wrong_number_is_one_error(checkout: Checkout, flag: str) -> None:
    """The sandbox names the flag; there is no traceback."""
    (checkout.root / "sandbox").symlink_to(ROOT / "sandbox")
    ran = checkout.inv("sandbox.fault", "--service", "s3", flag, "abc")

    assert ran.code == 2
    assert f"{flag}: `abc` is not a whole number" in ran.err
    assert "Traceback" not in ran.err
