"""A run for an ephemeral environment cannot write what does not bear its number, whatever a step asks for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.adapters.cloudflare import BucketSettings
from deployer.adapters.node import Node
from deployer.adapters.redact import Redactor
from deployer.adapters.target import cloudflare_target
from deployer.adapters.wrangler.cli import Upload
from deployer.engine.stop import Stop
from deployer.errors import GuardRefused
from deployer.inventory.load import LoadedInventory
from deployer.playbooks.guarding import guard_of
from deployer.playbooks.wiring import Wiring
from deployer.review.name_guard import NameGuard
from tests.support.buckets import MemoryBucket
from tests.support.inventory import inventory
from tests.support.loopback import Answer, Loopback, loopback

ACCOUNT = "/accounts/023e105f4ecef8ad9ca31a8372d0c353"
STATE_BUCKET = "vibechecc-terraform-state"
CREDENTIALS = ("CLOUDFLARE_API_TOKEN", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY")


@pytest.fixture
def service() -> Iterator[Loopback]:
    """Whoever is asked says that everything went well, and that each thing is pr-1's."""
    theirs = {"title": "vibechecc-pr-1-cache", "hostname": "pr-1.vibechecc.app", "name": "pr-1.vibechecc.app"}
    with loopback(Answer(200, {"success": True, "result": {**theirs, "pattern": "pr-1.vibechecc.app/*"}})) as service:
        yield service


def wiring(
    folder: Path,
    service: Loopback,
    env: str = "pr-12",
    *,
    settings: tuple[str, ...] = (),
    loaded: LoadedInventory | None = None,
) -> Wiring:
    """The wiring of an environment, with every service at the loopback."""
    found = loaded or inventory(settings=settings)
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(folder), **dict.fromkeys(CREDENTIALS, "made-up-credential")}
    target = cloudflare_target(variables, account_id=found.inventory.project.account_id)
    return Wiring(
        loaded=found,
        environment=found.environment(env),
        target=replace(target, cloudflare_url=service.url, s3_url=service.url, convex_url=service.url),
        folder=folder / "work",
        stop=Stop(),
        redactor=Redactor(),
    )


def guard(env: str, loaded: LoadedInventory | None = None) -> NameGuard:
    """The guard of an ephemeral environment."""
    found = loaded or inventory()
    made = guard_of(found, found.environment(env))
    assert made is not None
    return made


def without_node(run: Wiring) -> None:
    """Nothing is started: neither Node nor the folder of programs is looked for."""
    vars(run).update(node=Node(Path("node"), "24.0.0", None), programs=Path("bin"))


def refused(error: pytest.ExceptionInfo[GuardRefused]) -> None:
    """The error has all that a person needs."""
    assert "nothing was written" in error.value.message
    assert error.value.place
    assert error.value.hint
    assert "`inv config" in error.value.hint


@pytest.mark.parametrize("env", ["production", "development"])
def test_environments_that_are_written_out_have_other_rails(env: str) -> None:
    """They have no guard of this kind."""
    loaded = inventory()
    assert guard_of(loaded, loaded.environment(env)) is None


@pytest.mark.parametrize(
    "worker",
    ["vibechecc-production", "vibechecc-development", "vibechecc-pr-1", "vibechecc-pr-123", "vibechecc", "ab12"],
)
def test_no_worker_of_another_environment_is_touched(tmp_path: Path, service: Loopback, worker: str) -> None:
    """A step that deletes one, or a secret of it, is refused before a request leaves."""
    api = wiring(tmp_path, service).cloudflare
    deeds: tuple[Callable[[], None], ...] = (
        lambda: api.delete_worker(worker),
        lambda: api.delete_secret(worker, "SESSION_SECRET"),
    )
    for deed in deeds:
        with pytest.raises(GuardRefused, match="does not bear the name of `pr-12`") as error:
            deed()
        refused(error)
    assert service.asked == []


def test_its_own_worker_is(tmp_path: Path, service: Loopback) -> None:
    """And reading is free."""
    api = wiring(tmp_path, service).cloudflare
    api.delete_worker("vibechecc-pr-12")
    api.get(f"{ACCOUNT}/workers/workers/vibechecc-production")
    assert [asked.method for asked in service.asked] == ["DELETE", "GET"]


@pytest.mark.parametrize(
    "path",
    [
        f"{ACCOUNT}/storage/kv/namespaces/0f2a",
        f"{ACCOUNT}/workers/domains/0f2a",
        f"{ACCOUNT}/alerting/v3/policies/0f2a",
        "/zones/7/dns_records/0f2a",
        "/zones/7/workers/routes/0f2a?force=true",
    ],
)
def test_what_goes_by_an_id_is_asked_for_its_name(tmp_path: Path, service: Loopback, path: str) -> None:
    """An id says nothing: Cloudflare is asked what bears it, and pr-1's thing is not deleted by pr-12's run."""
    with pytest.raises(GuardRefused, match="pr-1"):
        wiring(tmp_path, service).cloudflare.delete(path)
    assert [asked.method for asked in service.asked] == ["GET"]
    wiring(tmp_path, service, "pr-1").cloudflare.delete(path)
    assert [asked.method for asked in service.asked[1:]] == ["GET", "DELETE"]


@pytest.mark.parametrize(
    "path",
    ["/zones/7/settings/ssl", f"{ACCOUNT}/queues/7", f"{ACCOUNT}/storage/kv/namespaces", "/zones/7", f"{ACCOUNT}/r2"],
)
def test_what_names_nothing_is_not_changed(tmp_path: Path, service: Loopback, path: str) -> None:
    """A path that the door does not know is not one that it lets pass."""
    with pytest.raises(GuardRefused, match="nothing says whose this thing is"):
        wiring(tmp_path, service).cloudflare.put(path, {"value": "off"})
    assert service.asked == []


def test_buckets_settings_are_those_of_its_own(tmp_path: Path, service: Loopback) -> None:
    """Not even the bucket of the state is set up by such a run."""
    api = wiring(tmp_path, service).cloudflare
    BucketSettings(api, "vibechecc-pr-12-uploads").write_rules("lock", [])
    for bucket in (STATE_BUCKET, "vibechecc-production-uploads"):
        with pytest.raises(GuardRefused):
            BucketSettings(api, bucket).write_rules("lock", [])


@pytest.mark.parametrize(
    "key",
    [
        "terraform/pr-12/site.tfstate",
        "copies/terraform/pr-12/site/5d1f2c3e-00000001-0123456789ab.tfstate",
        "releases/pr-12/current.json",
        "ledger/pr-12/00000001.json",
        "ledger-heads/pr-12.json",
        "leases/pr-12.json",
        "heartbeats/pr-12.json",
        "plans/pr-12-20261101T120000Z-0123456789ab/manifest.json",
    ],
)
def test_shared_keys_are_its_own_below_its_name(key: str) -> None:
    """Of what all share in the bucket of the state it writes its own part, and no other environment does."""
    guard("pr-12").key(STATE_BUCKET, key)
    for other in ("pr-1", "pr-2", "pr-123"):
        with pytest.raises(GuardRefused, match="is not one of") as error:
            guard(other).key(STATE_BUCKET, key)
        refused(error)


@pytest.mark.parametrize(
    "key",
    [
        "terraform/production/site.tfstate",
        "leases/pr-12.json.bak",
        "leases/pr-1.json",
        "leases/",
        "terraform/pr-12",
        "terraform/pr-12/",
        "pr-12",
        "plans/pr-12-eu-20261101T120000Z-0123456789ab/manifest.json",
        "ledger-heads/production.json",
    ],
)
def test_other_keys_are_not(key: str) -> None:
    """What is another environment's, or nobody's by its key, is refused."""
    with pytest.raises(GuardRefused):
        guard("pr-12").key(STATE_BUCKET, key)


@given(st.integers(1, 9_999_999), st.integers(1, 9_999_999))
def test_a_number_is_never_taken_for_another(mine: int, theirs: int) -> None:
    """Whatever two numbers are, one run's doors are closed to the other's names."""
    loaded = inventory()
    if mine == theirs:
        return
    closed, other = guard(f"pr-{mine}", loaded), loaded.environment(f"pr-{theirs}")
    for name in (other.worker.name, other.host, *other.worker.kv.values(), *other.worker.r2.values(), other.name):
        with pytest.raises(GuardRefused):
            closed.thing("thing", name, place="a test")
    with pytest.raises(GuardRefused):
        closed.key(STATE_BUCKET, other.state_key("site"))


def test_a_bucket_in_the_wrong_hands_writes_nothing(tmp_path: Path, service: Loopback) -> None:
    """Objects of another environment's state and bucket are neither written nor removed, and no request leaves."""
    run = wiring(tmp_path, service)
    theirs = run.bucket("vibechecc-production-uploads")
    deeds: tuple[Callable[[], None], ...] = (
        lambda: run.state_bucket.put("terraform/production/site.tfstate", b"{}", replaces=None),
        lambda: run.state_bucket.delete(["leases/pr-12.json", "leases/pr-1.json"]),
        lambda: theirs.delete(["portrait.png"]),
        lambda: theirs.create(location="weur"),
    )
    for deed in deeds:
        with pytest.raises(GuardRefused):
            deed()
    assert service.asked == []


def test_the_bucket_of_the_state_may_be_made() -> None:
    """The first run of all makes it, whoever that is; another bucket only if it is its own."""
    guard("pr-12").shared(STATE_BUCKET)
    guard("pr-12").shared("vibechecc-pr-12-uploads")
    with pytest.raises(GuardRefused):
        guard("pr-12").shared("vibechecc-pr-1-uploads")


def test_a_bucket_in_memory_has_the_same_door() -> None:
    """Tests on it see what a run would."""
    bucket = MemoryBucket(name=STATE_BUCKET, guard=guard("pr-12"))
    bucket.put("leases/pr-12.json", b"{}", replaces=None)
    with pytest.raises(GuardRefused):
        bucket.put("leases/pr-1.json", b"{}", replaces=None)


@pytest.mark.parametrize(
    "setting",
    [
        "worker.name=vibechecc-production",
        'worker.kv={ CACHE = "vibechecc-production-cache" }',
        'worker.r2={ UPLOADS = "vibechecc-pr-1-uploads" }',
    ],
)
def test_terraform_is_not_started_with_other_names(tmp_path: Path, service: Loopback, setting: str) -> None:
    """A flag that points a pull request's run at production's things is refused before there is a plan."""
    with pytest.raises(GuardRefused, match="does not bear the name of `pr-12`") as error:
        wiring(tmp_path, service, settings=(setting,)).stack("site")
    refused(error)


def test_a_pull_request_does_not_have_the_zone(tmp_path: Path, service: Loopback) -> None:
    """What all hosts share is not planned for it, whatever `--set stacks` says."""
    run = wiring(tmp_path, service)
    assert run.guard is not None
    with pytest.raises(GuardRefused, match="belongs to all environments"):
        run.guard.inputs("zone", backend='key = "terraform/pr-12/zone.tfstate"', variables="{}")
    for backend in ('key = "terraform/production/site.tfstate"', "region = 1"):
        with pytest.raises(GuardRefused):
            run.guard.inputs("site", backend=backend, variables="{}")
    for stack in run.environment.stacks:
        run.guard.inputs(stack, backend=run.render_backend(stack), variables=run.render_variables(stack))


@pytest.mark.parametrize(
    "config",
    [
        {"name": "vibechecc-production"},
        {"name": "vibechecc-pr-12", "r2_buckets": [{"binding": "UPLOADS", "bucket_name": "vibechecc-pr-1-uploads"}]},
        {},
    ],
)
def test_wrangler_deploys_its_own_worker(tmp_path: Path, service: Loopback, config: dict[str, object]) -> None:
    """By the configuration that Wrangler would read: nothing is started for another's."""
    path = tmp_path / "wrangler.json"
    path.write_text(json.dumps(config))
    run = wiring(tmp_path, service)
    without_node(run)
    with pytest.raises(GuardRefused):
        run.wrangler().deploy(Upload(config=path, tag="", message="", secrets={}))


def test_convex_is_pushed_to_its_own_preview_only(tmp_path: Path, service: Loopback) -> None:
    """By name and by the kind of key: with a production key the CLI would push to production."""
    run = wiring(tmp_path, service)
    without_node(run)
    cli = run.convex_cli()
    preview, production = "preview:vibechecc:vibechecc|secret", "prod:polished-heron-217|secret"
    for key, name in ((production, "pr-12"), (preview, "pr-1"), (preview, None), (preview, "production")):
        with pytest.raises(GuardRefused):
            cli.deploy(tmp_path, functions="convex", key=key, message="", preview=name)
    with pytest.raises(GuardRefused):
        run.convex_control.claim_preview(preview, team="vibechecc", project="vibechecc", name="pr-1")
    for key in (production, "dev:brisk-otter-482|secret"):
        with pytest.raises(GuardRefused, match="not for an ephemeral environment"):
            run.convex_deployment(service.url, key).update_variables({"SITE_URL": "https://example.com"})
    run.convex_deployment(service.url, "preview:calm-otter-12|secret").update_variables({})
    assert [asked.path for asked in service.asked] == ["/api/v1/update_environment_variables"]


def test_a_written_out_environment_that_is_called_like_an_instance_is_not_its(
    tmp_path: Path, service: Loopback
) -> None:
    """Names of things may collide where names of environments may not: whoever is written out has them."""
    staging = (
        '[environments.staging]\nkind = "development"\nhost = "pr-13.vibechecc.app"\n'
        'worker = { name = "vibechecc-pr-12", kv = { CACHE = "vibechecc-pr-12-cache" }, r2 = {} }\n'
        'convex = { deployment = "calm-otter-12", deploy_key = { env = "KEY" } }\n'
    )
    loaded = inventory(("[environments.development]", f"{staging}[environments.development]"))
    run = wiring(tmp_path, service, loaded=loaded)
    with pytest.raises(GuardRefused, match="another environment's"):
        run.cloudflare.delete_worker("vibechecc-pr-12")
    with pytest.raises(GuardRefused):
        run.stack("site")
