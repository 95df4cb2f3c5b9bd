"""A bundle is read only if every byte is the one that was written; writing it is whole or nothing."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deployer.cli.bundles import open_bundle
from deployer.cli.session import Session
from deployer.errors import LocalDisk, PlanUnusable, UsageError
from deployer.report.plan_document import plan_document
from deployer.review.digest import meaning_of_all
from deployer.review.manifest import APPROVALS, FILE_NAME, Manifest
from deployer.steps.bundle import Bundle, digests_of, forget_expired, read_bundle, require_replaceable, write_bundle
from deployer.steps.bundle_store import PlanStore, is_id
from deployer.steps.secrets import FINGERPRINT_KEY, Secrets
from tests.support.buckets import MemoryBucket
from tests.support.plans import change, plan_view, step

SEAL = Secrets({FINGERPRINT_KEY: "key"}).fingerprint
ID = "production-20260311T120000Z-0123456789ab"


def written(folder: Path, *, files: dict[str, bytes] | None = None) -> Manifest:
    """A bundle with one change and one saved plan."""
    steps = (step("terraform site", change("update", "site:cloudflare_worker.this")),)
    view = plan_view(steps, digest=meaning_of_all(steps), id=ID)
    private = {"private/site.tfplan": b"saved", "private/site.json": b"{}"}
    parts = {"plan.json": json.dumps(plan_document(view)).encode(), **private, **(files or {})}
    manifest = view.manifest.model_copy(update={"files": digests_of(parts)}).sealed(SEAL)
    write_bundle(folder, manifest, parts)
    return manifest


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """The manifest, the changes, and everything closed to others."""
    manifest = written(tmp_path / "plan")
    bundle = read_bundle(tmp_path / "plan")
    assert bundle.manifest == manifest
    assert [each.address for planned in bundle.steps for each in planned.changes] == ["site:cloudflare_worker.this"]
    assert bundle.manifest.broken_seals(SEAL) == ()
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "plan").rglob("*")}
    assert modes == {0o600, 0o700}


def test_no_byte_can_be_changed(tmp_path: Path) -> None:
    """Every byte of every file, one after the other: refused on reading, or by a seal that names what was edited."""
    folder = tmp_path / "plan"
    written(folder)
    for path in (path for path in folder.rglob("*") if path.is_file()):
        body = path.read_bytes()
        for position in range(len(body)):
            path.write_bytes(body[:position] + bytes([body[position] ^ 1]) + body[position + 1 :])
            try:
                found = read_bundle(folder)
            except PlanUnusable:
                continue
            assert found.manifest.broken_seals(SEAL) != (), f"{path.name}, byte {position}"
        path.write_bytes(body)
    read_bundle(folder)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / FILE_NAME).unlink(), "no manifest"),
        (lambda folder: (folder / "private" / "site.tfplan").unlink(), "private/site.tfplan: is missing"),
        (lambda folder: (folder / "private" / "site.tfplan").write_bytes(b"sav"), "private/site.tfplan: was changed"),
        (lambda folder: (folder / "plan.md").write_text("x"), "plan.md: does not belong"),
        (lambda folder: (folder / FILE_NAME).write_text("{"), "cannot be read"),
        (lambda folder: (folder / FILE_NAME).write_text('{"schema": 2}'), "newer"),
        (lambda folder: (folder / FILE_NAME).write_text((folder / FILE_NAME).read_text() + "\n"), "edited"),
        (lambda folder: [(folder / FILE_NAME).unlink(), (folder / FILE_NAME).mkdir()], "no manifest"),
        (lambda folder: [path.unlink() for path in folder.rglob("*") if path.is_file()], "no manifest"),
    ],
)
def test_damage_is_named(tmp_path: Path, damage: Callable[[Path], object], said: str) -> None:
    """One error with what is wrong, where, and what to type."""
    folder = tmp_path / "plan"
    written(folder)
    damage(folder)
    with pytest.raises(PlanUnusable) as caught:
        read_bundle(folder)
    assert said in "\n".join([caught.value.message, *caught.value.details])
    assert "inv plan" in str(caught.value.hint) or "version" in str(caught.value.hint)


def test_an_empty_or_absent_folder_is_no_bundle(tmp_path: Path) -> None:
    """And says so."""
    (tmp_path / "empty").mkdir()
    for name in ("empty", "absent"):
        with pytest.raises(PlanUnusable, match="there is no plan bundle"):
            read_bundle(tmp_path / name)


def test_an_edited_manifest_is_known_by_its_seals(tmp_path: Path) -> None:
    """Somebody who writes it in our form and knows all but the key is found by the key that was edited."""
    folder = tmp_path / "plan"
    manifest = written(folder)
    edited = manifest.model_copy(update={"commit": "f" * 40})
    (folder / FILE_NAME).write_text(edited.text)
    assert read_bundle(folder).manifest.broken_seals(SEAL) == ("commit",)
    another = Secrets({FINGERPRINT_KEY: "other"}).fingerprint
    assert len(manifest.broken_seals(another)) == len(manifest.seals)


def test_a_part_of_another_bundle_does_not_pass(tmp_path: Path) -> None:
    """Seals are bound to the bundle: a value cannot be taken over with its seal."""
    manifest = written(tmp_path / "plan")
    other = manifest.model_copy(update={"id": ID.replace("0", "1"), "commit": "f" * 40}).sealed(SEAL)
    seals = {**manifest.seals, "commit": other.seals["commit"]}
    mixed = manifest.model_copy(update={"commit": other.commit, "seals": seals})
    assert mixed.broken_seals(SEAL) == ("commit",)


def test_changes_that_do_not_fit_the_digest_are_refused(tmp_path: Path) -> None:
    """Also where somebody has brought the digests of the files up to date."""
    folder = tmp_path / "plan"
    manifest = written(folder)
    other = plan_document(plan_view((step("worker", change("delete", "worker:site")),)))
    body = json.dumps(other).encode()
    (folder / "plan.json").write_bytes(body)
    files = {**manifest.files, **digests_of({"plan.json": body})}
    (folder / FILE_NAME).write_text(manifest.model_copy(update={"files": files}).text)
    with pytest.raises(PlanUnusable, match="not those that its manifest"):
        read_bundle(folder)


def test_an_older_bundle_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    """With its approvals, which are void; a folder that holds something else is left alone."""
    folder = tmp_path / "plan"
    written(folder)
    (folder / APPROVALS).mkdir()
    (folder / APPROVALS / "mira.json").write_text("{}")
    written(folder)
    assert not (folder / APPROVALS).exists()
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match=r"something else"):
        written(strange)
    assert (strange / "thesis.txt").read_text() == "years of work"


def test_a_stored_bundle_comes_back_whole(tmp_path: Path) -> None:
    """With its approvals; storing it twice changes nothing."""
    folder = tmp_path / "plan"
    written(folder)
    bundle, store = read_bundle(folder), PlanStore(MemoryBucket())
    store.put(bundle)
    store.put(bundle)
    assert store.add_approval(ID, "mira.json", b"{}")
    assert not store.add_approval(ID, "mira.json", b"[]")
    fetched = store.fetch(ID, tmp_path / "fetched")
    assert fetched.manifest == bundle.manifest
    assert (tmp_path / "fetched" / APPROVALS / "mira.json").read_bytes() == b"{}"


def test_a_stored_bundle_whose_upload_was_cut_off_is_none(tmp_path: Path) -> None:
    """After every number of objects: fetching says that it is not there, and storing again completes it."""
    folder = tmp_path / "plan"
    written(folder)
    bundle = read_bundle(folder)
    for count in range(len(list(bundle.contents()))):
        bucket = _Full(room=[count])
        store = PlanStore(bucket)
        with pytest.raises(RuntimeError):
            store.put(bundle)
        with pytest.raises(PlanUnusable, match="there is no stored plan"):
            store.fetch(ID, tmp_path / f"half-{count}")
        bucket.room[0] = 100
        store.put(bundle)
        assert store.fetch(ID, tmp_path / f"whole-{count}").manifest == bundle.manifest


@dataclass(frozen=True)
class _Full(MemoryBucket):
    """A bucket whose writer dies after some writes; `room` holds how many are left."""

    room: list[int] = field(default_factory=list)

    def try_put(self, key: str, body: bytes, *, replaces: str | None) -> bool:
        """Write, while there is room."""
        if self.room[0] <= 0:
            raise RuntimeError("killed")
        self.room[0] -= 1
        return super().try_put(key, body, replaces=replaces)


@pytest.mark.parametrize(
    "name", ["../../outside.txt", "/outside.txt", "private/../../x", "a\\b", "approvals/mira.json", ""]
)
def test_a_manifest_cannot_name_files_elsewhere(tmp_path: Path, name: str) -> None:
    """Fetching writes files by the names in the manifest, and whoever may write the bucket may have written those."""
    manifest = written(tmp_path / "plan")
    hostile = manifest.model_copy(update={"files": {**manifest.files, name: "0" * 64}})
    bucket = MemoryBucket()
    bucket.try_put(f"plans/{ID}/{FILE_NAME}", hostile.text.encode(), replaces=None)
    bucket.try_put(f"plans/{ID}/{name}", b"hostile", replaces=None)
    with pytest.raises(PlanUnusable, match="cannot be read: files"):
        PlanStore(bucket).fetch(ID, tmp_path / "deep" / "down" / "fetched")
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes() == b"hostile"] == []


def test_times_have_a_zone(tmp_path: Path) -> None:
    """A moment without an offset could be compared with no clock."""
    manifest = written(tmp_path / "plan")
    text = manifest.text.replace("2026-03-11T12:00:00Z", "2026-03-11T12:00:00")
    (tmp_path / "plan" / FILE_NAME).write_text(text)
    with pytest.raises(PlanUnusable, match="created"):
        read_bundle(tmp_path / "plan")


def test_an_interrupted_write_keeps_the_older_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its approvals: the two renames are one step or none."""
    folder = tmp_path / "plan"
    written(folder)
    (folder / APPROVALS).mkdir()
    (folder / APPROVALS / "mira.json").write_text("{}")
    rename, count = Path.rename, iter(range(9))

    def interrupted(self: Path, target: Path) -> Path:
        if next(count) == 1:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        written(folder)
    monkeypatch.undo()
    assert (folder / APPROVALS / "mira.json").is_file()
    read_bundle(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


def test_what_a_killed_writer_has_moved_aside_is_opened(tmp_path: Path) -> None:
    """By whatever `--plan` names it, and with its approvals; what another run is about to replace stays where it is."""
    folder = tmp_path / "plan"
    manifest = written(folder)
    (folder / APPROVALS).mkdir()
    (folder / APPROVALS / "mira.json").write_text("{}")
    dead = subprocess.Popen(["true"])
    dead.wait()
    folder.rename(tmp_path / f".plan.{dead.pid}.old")
    (tmp_path / f".plan.{dead.pid}.part").mkdir()
    bundle = open_bundle(Session(root=tmp_path, command="inv approvals"), plan=str(folder), sandbox=True)

    assert bundle.manifest == manifest
    assert (folder / APPROVALS / "mira.json").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


def test_what_becomes_of_the_folder_later_changes_nothing(tmp_path: Path) -> None:
    """A run may wait for another one between reading a bundle and applying it."""
    written(tmp_path / "plan")
    bundle = read_bundle(tmp_path / "plan")
    shutil.rmtree(tmp_path / "plan")

    assert (bundle.saved_plan("site"), bundle.plan_json("site")) == (b"saved", {})
    assert len(list(bundle.contents())) == 4


def test_runs_of_one_checkout_fetch_the_same_bundle_at_once(tmp_path: Path) -> None:
    """None of them ever sees a part of it."""
    manifest = written(tmp_path / "plan")
    store = PlanStore(MemoryBucket())
    store.put(read_bundle(tmp_path / "plan"))
    assert store.add_approval(ID, "mira.json", b"{}")
    with ThreadPoolExecutor(4) as pool:
        fetched = list(pool.map(lambda _: store.fetch(ID, tmp_path / "fetched"), range(40)))

    assert {each.manifest.id for each in fetched} == {manifest.id}
    assert (tmp_path / "fetched" / APPROVALS / "mira.json").read_bytes() == b"{}"


def test_what_the_store_no_longer_has_does_not_count(tmp_path: Path) -> None:
    """An approval that was withdrawn, or a file of another time."""
    written(tmp_path / "plan")
    store = PlanStore(MemoryBucket())
    store.put(read_bundle(tmp_path / "plan"))
    folder = tmp_path / "fetched"
    for name in (f"{APPROVALS}/mira.json", "private/other.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    store.fetch(ID, folder)

    assert not (folder / APPROVALS / "mira.json").exists()
    assert not (folder / "private" / "other.json").exists()


def test_copies_whose_time_is_over_are_removed(tmp_path: Path) -> None:
    """They hold what a state holds; one that is half there may be somebody's who fetches it just now."""
    manifest = written(tmp_path / "plans" / "one")
    (tmp_path / "plans" / "half" / "private").mkdir(parents=True)
    forget_expired(tmp_path / "plans", now=manifest.expires - dt.timedelta(seconds=1))
    assert (tmp_path / "plans" / "one").is_dir()
    forget_expired(tmp_path / "plans", now=manifest.expires)

    assert [path.name for path in (tmp_path / "plans").iterdir()] == ["half"]
    forget_expired(tmp_path / "none", now=manifest.expires)


def test_a_bundle_takes_nobodys_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither that of the folder in which somebody works, nor one whose name no file can have."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for folder in (".", "..", "x/.."):
        with pytest.raises(UsageError, match="a folder of its own"):
            require_replaceable(Path(folder))
    with pytest.raises(LocalDisk) as caught:
        require_replaceable(Path("x" * 300))
    assert caught.value.hint == "choose a shorter name"
    require_replaceable(Path("plan"))


def test_an_object_that_was_exchanged_in_the_store_is_found(tmp_path: Path) -> None:
    """Its digest is in the manifest."""
    folder = tmp_path / "plan"
    written(folder)
    bucket = MemoryBucket()
    PlanStore(bucket).put(read_bundle(folder))
    bucket.put_json(f"plans/{ID}/private/site.tfplan", "other")
    with pytest.raises(PlanUnusable, match="is not the file that was stored"):
        PlanStore(bucket).fetch(ID, tmp_path / "fetched")


def test_ids_and_folders_are_told_apart() -> None:
    """`--plan` takes both."""
    assert is_id(ID)
    assert not is_id("plan/")
    assert not is_id("production")


def test_a_bundle_lists_its_files_with_the_manifest_last(tmp_path: Path) -> None:
    """So that a copy without it is known to be a part."""
    written(tmp_path / "plan")
    bundle: Bundle = read_bundle(tmp_path / "plan")
    assert [name for name, _ in bundle.contents()] == [
        "plan.json",
        "private/site.json",
        "private/site.tfplan",
        FILE_NAME,
    ]
