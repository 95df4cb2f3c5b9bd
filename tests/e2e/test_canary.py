"""No secret value leaves by a way that was not meant for it: output, files, state, plans, arguments, request logs."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from tests.support.e2e_canary import Canary, Process, Watch, forms
from tests.support.e2e_clone import Clone
from tests.support.e2e_world import World

HOST = "dev.vibechecc.app"
STATE_BUCKET = "vibechecc-terraform-state"
# What JSON, URLs, shells and Terraform escape, over two lines.
AWKWARD = 'a"b\\c/d+e&f<g>h%i ${j} \u00e4\u20ac'
# Where the stand-ins keep what they were given, as the services do.
STORES = ("vault.json", "connection.json", "cloudflare", "convex", "secretsmanager", "edge")
# Variables in which a tool is handed its own credential, and nothing else.
HANDED = {
    "terraform": {"CLOUDFLARE_API_TOKEN", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY"},
    "wrangler": {"CLOUDFLARE_API_TOKEN"},
    "convex": {"CONVEX_DEPLOY_KEY_DEVELOPMENT"},
    "build": set(),
}


@dataclass(frozen=True)
class Story:
    """What was done before the search, and what was seen of it."""

    canary: Canary
    processes: set[Process]


@pytest.fixture(scope="module")
def story(clone: Clone, world: World) -> Story:
    """Everything that a person may do with an environment, well and badly, with awkward secrets, while watched."""
    clone.inv("sandbox.up")
    _make_awkward(world)
    canary = Canary(_values(clone))
    with Watch() as watch:
        clone.inv("deploy", "--env", "dev", "--sandbox", "--check", "--diff")
        clone.inv("--debug", "deploy", "--env", "dev", "--sandbox", "--diff")
        clone.deploy("dev", "--diff")
        _fail_in_every_way(clone)
        for words in (["outputs"], ["render"], ["render", "--write"], ["config"], ["open", "--print"]):
            flags = [] if words == ["config"] else ["--sandbox"]
            clone.inv(*words, "--env", "dev", *flags)
            clone.inv(*words, "--env", "dev", *flags, "--json")
        for task in ("doctor", "envs"):
            clone.inv(task, *(["--env", "dev", "--sandbox"] if task == "doctor" else []), ok=None)
        for task in ("status", "requests", "coverage", "up"):
            clone.inv(f"sandbox.{task}")
            clone.inv(f"sandbox.{task}", "--json")
        world.get(HOST, "/")
        _review(clone)
        clone.inv("destroy", "--env", "dev", "--sandbox", "--check", "--diff", "--json")
        clone.deploy("dev")
    return Story(canary, watch.seen)


def test_the_search_finds_what_is_there(clone: Clone, story: Story) -> None:
    """The search itself works: it finds every value in the vault, in all forms, and has seen every tool at work."""
    vault = clone.sandbox_home / "vault.json"
    assert story.canary.found_in(json.dumps(list(story.canary.values.values()))) == set(story.canary.values)
    assert len(story.canary.found_in(vault.read_bytes())) >= 8
    assert {"terraform", "wrangler", "convex", "build"} <= {process.program for process in story.processes}
    assert all(len(forms(value)) >= 4 for value in story.canary.values.values())


def test_no_output_holds_a_secret(clone: Clone, story: Story) -> None:
    """Neither stream of any command, plain, with --diff, --json or --debug, well or failed, holds one."""
    leaks = {" ".join(ran.argv): story.canary.found_in(ran.out + ran.err) for ran in clone.history}
    assert len(leaks) > 20
    assert {ran.code for ran in clone.history} >= {0, 5}
    # The Convex CLI repeats what a function threw, so that there was something to mask.
    assert any("***" in ran.out for ran in clone.history if ran.code == 5)
    assert {command: names for command, names in leaks.items() if names} == {}


def test_no_file_holds_a_secret(clone: Clone, story: Story) -> None:
    """No file of the checkout (work folder, build, plans), of the home or of the temporary folder holds one."""
    assert (clone.work("development") / "logs" / "wrangler-deploy.log").is_file()
    assert (clone.root / "example" / "dist").is_dir()
    assert story.canary.found_below(clone.folder, but=["sandbox", "checkout/.git"]) == {}


def test_no_saved_plan_holds_a_secret(clone: Clone, story: Story) -> None:
    """A plan that Terraform saved, unpacked, holds none; neither does any file of a bundle."""
    plans = [*clone.work("development").rglob("*.tfplan"), *(clone.root / "plan").rglob("*.tfplan")]
    assert len(plans) >= 4
    assert story.canary.found_below(clone.root / "plan") == {}
    for plan in plans:
        assert story.canary.found_below(plan.parent) == {}


def test_no_state_or_record_holds_a_secret(world: World, story: Story) -> None:
    """No object of the state bucket holds one: states, their copies, the release record, plans, the ledger."""
    objects = world.objects(STATE_BUCKET)
    assert {key.partition("/")[0] for key in objects} >= {"terraform", "releases", "copies", "ledger", "plans"}
    assert {key: story.canary.found_in(body) for key, body in objects.items() if story.canary.found_in(body)} == {}


def test_no_log_of_the_sandbox_holds_a_secret(clone: Clone, story: Story) -> None:
    """The stand-ins store what they are given; their logs and everything else of the sandbox holds none."""
    assert any((clone.sandbox_home / "requests").iterdir())
    assert story.canary.found_below(clone.sandbox_home, but=STORES) == {}


def test_no_argument_of_a_program_holds_a_secret(clone: Clone, story: Story) -> None:
    """No process of the machine, and nothing that our programs started, had one among its arguments."""
    seen = {process.argv for process in story.processes} | {
        tuple(argv) for ran in clone.history for argv in ran.started
    }
    assert {argv[:2]: names for argv in seen if (names := story.canary.found_in("\0".join(argv)))} == {}


def test_no_program_is_handed_more_than_its_own_credential(story: Story) -> None:
    """A tool's environment holds the credential that it needs; the build's holds none; no secret is in any."""
    excess = set()
    for process in story.processes:
        names = story.canary.found_in(process.environment)
        allowed = HANDED.get(process.program, set().union(*HANDED.values()))
        excess |= {(process.program, name) for name in names - allowed}
    assert excess == set()


def _review(clone: Clone) -> None:
    """A plan in all its forms, kept in a folder and in the bucket, applied; history and states looked at."""
    on_dev = ("--env", "dev", "--sandbox")
    change = ("--set", "worker.logs.sampling_rate=0.5", "--set", "convex.variables.MODE=reviewed")
    clone.inv("plan", *on_dev, *change, "--out", "plan", "--store", "--diff", ok=10)
    clone.inv("plan", *on_dev, *change, "--json", ok=10)
    clone.inv("apply", "--plan", "plan", "--sandbox", "--diff", "--json")
    clone.inv("apply", "--plan", "plan", "--sandbox", "--json", ok=6)
    clone.inv("history", *on_dev, "--verify")
    clone.inv("history", *on_dev, "--json")
    for task in ("copies", "list", "show"):
        clone.inv(f"state.{task}", *on_dev)
        clone.inv(f"state.{task}", *on_dev, "--json")


def _make_awkward(world: World) -> None:
    """Give every secret of the environment a value that every tool has to escape."""
    manager = world.secrets_manager
    for identifier in ("vibechecc/development/worker", "vibechecc/development/convex"):
        document = world.secret(identifier)
        awkward = {key: f"{AWKWARD} {value}\nsecond line {value[::-1]}" for key, value in document.items()}
        manager.put_secret_value(SecretId=identifier, SecretString=json.dumps(awkward))


def _values(clone: Clone) -> dict[str, str]:
    """Every secret of the sandbox: what it invented, and what is in its Secrets Manager now."""
    world = World(clone)
    credentials = clone.credentials
    # A deploy key begins with the deployment's public name.
    values = {
        name: value.rpartition("|")[2]
        for name, value in credentials.items()
        if name.endswith(("_TOKEN", "_SECRET_ACCESS_KEY")) or "DEPLOY_KEY" in name
    }
    for entry in world.secrets_manager.list_secrets()["SecretList"]:
        values |= {f"{entry['Name']}#{key}": value for key, value in world.secret(entry["Name"]).items()}
    assert len(values) >= 8
    return values


def _fail_in_every_way(clone: Clone) -> None:
    """A build that prints its environment, functions that print theirs, services that refuse: each ends badly."""
    inventory, functions = clone.root / "environments.toml", clone.root / "example" / "convex" / "leak.ts"
    text = inventory.read_text()
    hostile = """build = ["node", "-e", "console.error(JSON.stringify(process.env)); process.exit(3)"]"""
    inventory.write_text(text.replace('build = ["npm", "run", "build"]', hostile))
    assert inventory.read_text() != text
    clone.deploy("dev", ok=5)
    inventory.write_text(text)

    shown = "`${process.env.MODERATION_TOKEN} ${btoa(encodeURIComponent(String(process.env.VIBE_SIGNING_KEY)))}`"
    functions.write_text(f"throw new Error({shown})\nexport const nothing = 1\n")
    clone.deploy("dev", ok=5)
    functions.unlink()

    for fault in (
        ["--service", "cloudflare", "--path", "*/workers/scripts/*", "--status", "403", "--count", "50"],
        ["--service", "convex-deployment", "--path", "*environment_variables*", "--status", "500", "--count", "50"],
        ["--service", "secretsmanager", "--status", "403", "--count", "50"],
    ):
        clone.inv("sandbox.fault", *fault)
        clone.deploy("dev", "--set", "worker.variables.FAULT=yes", ok=None)
        clone.inv("sandbox.fault", "--clear")
