"""The cascade, the origins, placeholders, names."""

from __future__ import annotations

import time
from typing import Any

import pytest

from deployer.errors import ConfigError, UsageError
from deployer.inventory.base import SecretRef
from deployer.inventory.load import parse
from tests.support.inventory import ROOT, inventory, line_of, text


def test_later_layers_win_and_every_value_knows_its_layer() -> None:
    """Defaults < kind < environment < --set, down to single keys of nested tables."""
    loaded = inventory(
        ('host = "{zone}"', 'host = "{zone}"\nworker = { logs = { sampling_rate = 0.5 } }'),
        settings=["limits.tool_seconds=5"],
    )
    effective = loaded.effective("prod")
    environment, origins = effective.environment, effective.origins

    assert environment.worker.logs.sampling_rate == 0.5
    assert origins[("worker", "logs", "sampling_rate")].layer == "environment"
    assert origins[("worker", "logs", "enabled")].layer == "kind"
    assert origins[("worker", "compatibility_date")].layer == "defaults"
    assert environment.limits.tool_seconds == 5
    assert str(origins[("limits", "tool_seconds")]) == "--set"
    assert origins[("zone", "dnssec")].layer == "kind"


def test_an_origin_names_file_line_and_table() -> None:
    """The line is the one on which the value stands."""
    origin = inventory().effective("dev").origins[("worker", "kv", "CACHE")]

    assert str(origin) == f"environments.toml:{line_of(text(), 'CACHE =')} [defaults.worker.kv]"


def test_every_value_has_an_origin() -> None:
    """No value of no environment is without one."""
    from deployer.inventory.cascade import leaves
    from deployer.inventory.origin import closest

    loaded = inventory()
    for name in ("production", "development", "pr-3"):
        effective = loaded.effective(name)
        for path, _ in leaves(effective.environment.model_dump()):
            assert closest(effective.origins, path) is not None, path


def test_lists_and_secret_references_are_taken_whole() -> None:
    """An `env` reference replaces an `aws` one instead of mixing with it; a list replaces a list."""
    loaded = inventory(
        (
            'host = "dev.{zone}"',
            'host = "dev.{zone}"\nworker.secrets.SESSION_SECRET = { env = "MINE" }\nworker.compatibility_flags = []',
        )
    )
    worker = loaded.environment("dev").worker

    assert worker.secrets["SESSION_SECRET"] == SecretRef(env="MINE")
    assert worker.secrets["VIBE_SIGNING_KEY"].aws == "vibechecc/development/worker"
    assert worker.compatibility_flags == ()


@pytest.mark.parametrize(
    ("setting", "path", "value"),
    [
        ("worker.logs.enabled=false", ("worker", "logs", "enabled"), False),
        ("worker.logs.sampling_rate=0.25", ("worker", "logs", "sampling_rate"), 0.25),
        ("worker.variables.NEW=1", ("worker", "variables", "NEW"), "1"),
        ('worker.variables."SITE_URL"=x{environment}', ("worker", "variables", "SITE_URL"), "xdevelopment"),
        ("worker.compatibility_date=2027-01-01", ("worker", "compatibility_date"), "2027-01-01"),
        ('worker.compatibility_flags=["a"]', ("worker", "compatibility_flags"), ("a",)),
        (
            'convex.secrets.MODERATION_TOKEN={ env = "T" }',
            ("convex", "secrets", "MODERATION_TOKEN"),
            SecretRef(env="T"),
        ),
    ],
)
def test_set_changes_one_value(setting: str, path: tuple[str, ...], value: object) -> None:
    """The value is TOML, or plain text where a text stands."""
    found: Any = inventory(settings=[setting]).environment("dev")
    for part in path:
        found = found[part] if isinstance(found, dict) else getattr(found, part)

    assert found == value


def test_set_reaches_project_and_app() -> None:
    """Shared tables can be changed as well."""
    loaded = inventory(settings=["app.path=../elsewhere", 'app.build=["make"]'])

    assert loaded.inventory.app.path == "../elsewhere"
    assert loaded.inventory.app.build == ("make",)
    assert str(loaded.origins[("app", "build")]) == "--set"


@pytest.mark.parametrize("setting", ["worker.logs.enabled", "=1", "a b=1", ""])
def test_a_setting_that_is_none_is_a_usage_error(setting: str) -> None:
    """It shows the form."""
    with pytest.raises(UsageError) as caught:
        inventory(settings=[setting])

    assert "key=value" in caught.value.message


def test_set_on_an_unknown_key_suggests_the_nearest() -> None:
    """--set is checked like the file and named as the place."""
    with pytest.raises(ConfigError) as caught:
        inventory(settings=["worker.logs.enable=false"]).environment("dev")

    assert "worker.logs.enable" in caught.value.message
    assert "did you mean `enabled`?" in caught.value.message
    assert caught.value.place == "--set"


def test_number_is_known_to_templates_only() -> None:
    """An environment without a number cannot use it by mistake."""
    with pytest.raises(ConfigError, match=r"unknown placeholder `\{number\}`"):
        inventory(settings=["worker.variables.N={number}"]).environment("dev")


def test_placeholders_of_an_ephemeral_environment() -> None:
    """The number is there, and doubled braces stand for themselves."""
    loaded = inventory(
        settings=["worker.variables.ALL={project} {environment} {host} {zone} {number} {{number}} {a: 1}"]
    )

    assert loaded.environment("pr-12").worker.variables["ALL"] == (
        "vibechecc pr-12 pr-12.vibechecc.app vibechecc.app 12 {number} {a: 1}"
    )


def test_an_unknown_placeholder_names_line_and_nearest() -> None:
    """A misspelt placeholder never reaches a name in the cloud."""
    with pytest.raises(ConfigError) as caught:
        inventory(('"{project}-{environment}-cache"', '"{project}-{enviroment}-cache"'))

    assert "did you mean `{environment}`?" in caught.value.message
    assert caught.value.place == f"environments.toml:{line_of(text(), 'CACHE =')}"


def test_templates_make_environments_by_number() -> None:
    """pr-12 has its own names, host and state keys."""
    environment = inventory().environment("pr-12")

    assert (environment.name, environment.number, environment.kind) == ("pr-12", 12, "ephemeral")
    assert environment.worker.name == "vibechecc-pr-12"
    assert environment.state_key("site") == "terraform/pr-12/site.tfstate"


@pytest.mark.parametrize("name", ["pr-0", "pr-012", "pr-1x", "pr--1", "pr-99999999", "pr-1 ", "pr-{number}"])
def test_numbers_are_checked(name: str) -> None:
    """Only plain positive numbers make an environment."""
    with pytest.raises(UsageError) as caught:
        inventory().environment(name)

    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "meant"), [("prd", "prod"), ("develpment", "development"), ("Production", "production"), ("de", "dev")]
)
def test_an_unknown_environment_suggests_the_nearest(name: str, meant: str) -> None:
    """Names and aliases are considered, and the message lists what there is."""
    with pytest.raises(UsageError) as caught:
        inventory().environment(name)

    assert f"did you mean `{meant}`?" in caught.value.message
    assert "`pr-<number>`" in (caught.value.hint or "")


def test_aliases_mean_their_environment() -> None:
    """`dev` is development."""
    assert inventory().environment("dev").name == "development"


def test_models_are_frozen() -> None:
    """Nobody changes the inventory on the way."""
    environment = inventory().environment("dev")

    with pytest.raises(ValueError, match="frozen"):
        environment.host = "x"


def test_windows_line_ends_do_not_shift_positions() -> None:
    """An editor's line ends change neither values nor lines."""
    loaded = parse(text().replace("\n", "\r\n"), root=ROOT)

    assert str(loaded.effective("dev").origins[("worker", "kv", "CACHE")]).startswith(
        f"environments.toml:{line_of(text(), 'CACHE =')} "
    )


def test_a_thousand_environments_load_in_linear_time() -> None:
    """Ten times as many environments take about ten times as long, not a hundred times."""

    def seconds(count: int) -> float:
        more = "".join(
            f'[environments.extra-{n}]\nkind = "development"\nhost = "extra-{n}.{{zone}}"\n'
            f'convex = {{ deployment = "calm-owl-{n}", deploy_key = {{ env = "KEY_{n}" }} }}\n'
            for n in range(count)
        )
        # Of this process alone: what else the machine does must not count.
        began = time.process_time()
        parse(text() + more, root=ROOT)
        return time.process_time() - began

    seconds(10)
    assert seconds(1000) < 40 * max(seconds(100), 0.01)


def test_an_approver_and_a_freeze_are_read() -> None:
    """A table each, in the inventory like everything else; nothing of them is needed to begin with."""
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDxn5HEPQxSxGL66k1sTPQtlxg8aaaaaaaaaaaaaaaaa mira"
    freeze = '[defaults.freezes.weekend]\nreason = "rest"\ntime_zone = "Europe/Berlin"\ndays = ["sat", "sun"]\n'
    loaded = inventory(
        ("[app]", f'[project.approvers.mira]\nssh = ["{key}"]\nemails = ["mira@example.com"]\n\n[app]'),
        ("[defaults.plan]", f"{freeze}\n[defaults.plan]"),
    )

    assert loaded.inventory.project.approvers["mira"].ssh == (key,)
    assert loaded.environment("production").freezes["weekend"].days == ("sat", "sun")
    assert loaded.environment("production").approvals.destroy == 2
    assert inventory().inventory.project.approvers == {}
