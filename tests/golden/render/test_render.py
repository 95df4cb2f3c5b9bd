"""What the templates make of the inventory, byte for byte.

The files beside this one are the wish; `UPDATE_GOLDEN=1 pytest tests/golden` rewrites them, and their diff is then the
review of what a change of the inventory or of a template means for Terraform and Wrangler.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from deployer.adapters.templates import Templates
from deployer.errors import TemplateError
from deployer.inventory.load import LoadedInventory, load, parse

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
# Ids as Cloudflare would give them; a name stands for itself.
OUTPUTS = {"site": {"kv_ids": {"CACHE": "c" * 32, "FLAGS": "f" * 32}, "worker_name": "from-terraform"}}
CASES = [(environment, "cloudflare") for environment in ("production", "development", "pr-12")] + [
    ("development", "sandbox")
]


def render(
    loaded: LoadedInventory, name: str, target: str, outputs: Mapping[str, Mapping[str, object]]
) -> dict[str, str]:
    """Every file of one environment, by its name."""
    environment = loaded.environment(name)
    templates = Templates(ROOT / "templates")
    values = {
        "inventory": loaded.inventory,
        "environment": environment,
        "target": target,
        "outputs": {**outputs, "site": {"r2_buckets": dict(environment.worker.r2), **outputs["site"]}},
    }
    files = {}
    for stack in environment.stacks:
        files[f"{stack}.tfbackend"] = templates.render("terraform/backend.tfbackend.j2", {**values, "stack": stack})
        files[f"{stack}.tfvars.json"] = templates.render(f"terraform/{stack}.tfvars.json.j2", values)
    files["wrangler.json"] = templates.render("wrangler.json.j2", values)
    return files


@pytest.fixture(scope="module")
def loaded() -> LoadedInventory:
    """Give the real inventory, read once."""
    return load(ROOT)


@pytest.mark.parametrize(("environment", "target"), CASES)
def test_files_are_as_recorded(loaded: LoadedInventory, environment: str, target: str) -> None:
    """Each environment renders to the files in its folder: the same ones, and no others."""
    folder = HERE / f"{environment}.{target}"
    files = render(loaded, environment, target, OUTPUTS)
    if os.environ.get("UPDATE_GOLDEN"):
        folder.mkdir(exist_ok=True)
        for stale in {path.name for path in folder.iterdir()} - files.keys():
            (folder / stale).unlink()
        for name, text in files.items():
            (folder / name).write_text(text)
    assert {path.name: path.read_text() for path in sorted(folder.iterdir())} == files


@pytest.mark.parametrize(("environment", "target"), CASES)
def test_rendering_twice_gives_the_same_bytes(loaded: LoadedInventory, environment: str, target: str) -> None:
    """Nothing depends on the order of a mapping, on the clock or on the machine."""
    again = parse((ROOT / "environments.toml").read_text(), root=ROOT)
    backwards = {"site": {key: _reversed(value) for key, value in reversed(OUTPUTS["site"].items())}}
    assert render(again, environment, target, backwards) == render(loaded, environment, target, OUTPUTS)


def _reversed(value: object) -> object:
    return dict(reversed(value.items())) if isinstance(value, dict) else value


@pytest.mark.parametrize("environment", ["production", "development", "pr-12"])
def test_json_has_sorted_keys_and_a_final_newline(loaded: LoadedInventory, environment: str) -> None:
    """The order of keys is the alphabet's at every level, and the file ends with one newline."""
    for name, text in render(loaded, environment, "cloudflare", OUTPUTS).items():
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
        if name.endswith(".json"):
            data = json.loads(text)
            assert json.dumps(data) == json.dumps(data, sort_keys=True), name


@pytest.mark.parametrize("stack", ["zone", "site", "hosts"])
def test_terraform_gets_exactly_the_variables_it_declares(loaded: LoadedInventory, stack: str) -> None:
    """A tfvars file names every variable of its root and no other; Terraform only warns about unknown ones."""
    declared = re.findall(
        r'^variable "(\w+)"', (ROOT / f"terraform/roots/{stack}/variables.tf").read_text(), re.MULTILINE
    )
    rendered = json.loads(render(loaded, "production", "cloudflare", OUTPUTS)[f"{stack}.tfvars.json"])
    assert sorted(rendered) == sorted(declared)


def test_observability_is_terraforms(loaded: LoadedInventory) -> None:
    """Wrangler is given the tree that the module sets, field by field: both send it, so both must say the same."""
    main = (ROOT / "terraform/modules/worker/main.tf").read_text()
    block = re.search(r"^  observability = {\n(.*?)^  }", main, re.MULTILINE | re.DOTALL)
    assert block
    files = render(loaded, "production", "cloudflare", OUTPUTS)
    logs = json.loads(files["site.tfvars.json"])["logs"]
    words = {"var.logs.enabled": logs["enabled"], "var.logs.sampling_rate": logs["sampling_rate"]}
    assert json.loads(files["wrangler.json"])["observability"] == _hcl_object(block[1], words)


def _hcl_object(text: str, words: Mapping[str, object]) -> dict[str, object]:
    """Read the small part of HCL that the block uses: nested objects of literals and known references."""
    result: dict[str, object] = {}
    inner = re.compile(r"^ {4}(\w+) += {\n(.*?)^ {4}}", re.MULTILINE | re.DOTALL)
    for match in inner.finditer(text):
        result[match[1]] = {key: _value(value, words) for key, value in _pairs(match[2])}
    return result | {key: _value(value, words) for key, value in _pairs(inner.sub("", text))}


def _pairs(text: str) -> list[tuple[str, str]]:
    return re.findall(r"^ +(\w+) += (.+)$", text, re.MULTILINE)


def _value(text: str, words: Mapping[str, object]) -> object:
    return words[text] if text in words else json.loads(text)


def test_wrangler_owns_nothing_of_terraforms(loaded: LoadedInventory) -> None:
    """No routes, no second address, no log push, no named environments: those fields have another owner."""
    config = json.loads(render(loaded, "production", "cloudflare", OUTPUTS)["wrangler.json"])
    assert config["workers_dev"] is False
    assert config["preview_urls"] is False
    assert not {"route", "routes", "env", "logpush", "tail_consumers", "triggers"} & config.keys()


def test_no_secret_reference_reaches_a_file(loaded: LoadedInventory) -> None:
    """Neither the names of secrets nor where they are kept appear: Wrangler gets them apart."""
    for environment in ("production", "development"):
        secrets = loaded.environment(environment).worker.secrets
        text = "".join(render(loaded, environment, "cloudflare", OUTPUTS).values())
        assert secrets
        for name, reference in secrets.items():
            assert name not in text
            assert str(reference.aws) not in text


def test_a_value_cannot_break_out_of_its_place() -> None:
    """Quotes, backslashes and line ends in a value arrive as they are."""
    text = (ROOT / "environments.toml").read_text()
    odd = 'quote " slash \\ line \n brace }} {{ end'
    changed = text.replace('SITE_URL = "https://{host}"', f"ODD = {json.dumps(odd)}", 1)
    assert changed != text
    rendered = render(parse(changed, root=ROOT), "development", "cloudflare", OUTPUTS)
    assert json.loads(rendered["wrangler.json"])["vars"]["ODD"] == odd


def test_an_undefined_name_is_told_with_its_line(loaded: LoadedInventory, tmp_path: Path) -> None:
    """A misspelt name in a template fails, naming template, line and snippet, wherever in a value it stands."""
    source = (ROOT / "templates/terraform/hosts.tfvars.json.j2").read_text()
    (tmp_path / "hosts.j2").write_text(source.replace("environment.host |", "environment.hosst |"))
    values = {"inventory": loaded.inventory, "environment": loaded.environment("development")}
    with pytest.raises(TemplateError, match="hosst") as caught:
        Templates(tmp_path).render("hosts.j2", values)
    line = source.splitlines().index(next(line for line in source.splitlines() if "environment.host " in line)) + 1
    assert caught.value.place == f"{tmp_path / 'hosts.j2'}:{line}"
    assert any("hosst" in detail for detail in caught.value.details)
