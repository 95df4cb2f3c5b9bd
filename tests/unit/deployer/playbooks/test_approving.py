"""Which key signs when none is named, whose it is, and what doctor says of approvers."""

from __future__ import annotations

import os
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.adapters.redact import Redactor
from deployer.adapters.target import cloudflare_target
from deployer.engine.stop import Stop
from deployer.errors import GuardRefused, UsageError
from deployer.inventory.load import parse
from deployer.playbooks.approving import chosen_key, place_of_number, require_person, signatures_of
from deployer.playbooks.doctor import examine
from deployer.playbooks.wiring import Wiring
from deployer.review.risk import Risk
from tests.support.inventory import line_of, replaced, text
from tests.support.plans import plan_view
from tests.support.signing import GpgHome, gpg_home, public, ssh_key


def wiring(home: Path, *approvers: str, environment: str = "production", **variables: str) -> Wiring:
    """A checkout in `home`/checkout that lists these tables of approvers, seen by somebody whose home it is."""
    root = home / "checkout"
    root.mkdir(exist_ok=True)
    if not (root / ".git").exists():
        git(root, "init", "-q")
        git(root, "config", "user.email", "Mira.K@example.org")
    changed = replaced(("[app]", "\n".join([*approvers, "[app]"])))
    loaded = parse(changed, root=root)
    process = {"PATH": os.environ["PATH"], "HOME": str(home), **variables}
    return Wiring(
        loaded=loaded,
        environment=loaded.environment(environment),
        target=cloudflare_target(process, account_id=loaded.inventory.project.account_id),
        folder=home / "work",
        stop=Stop(),
        redactor=Redactor(),
    )


def git(folder: Path, *arguments: str) -> None:
    """Real git, of nobody."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, env=environment)


def listed(name: str, key: Path) -> str:
    """A table of the inventory."""
    return f'[project.approvers.{name}]\nssh = ["{public(key)}"]\n'


def owner(made: Wiring, wish: str = "") -> str | None:
    """Whose key signs."""
    return chosen_key(made, signatures_of(made), wish).owner


def test_the_usual_key_signs(tmp_path: Path) -> None:
    """The one in ~/.ssh, if git knows none."""
    key = ssh_key(tmp_path / ".ssh", "id_ed25519")
    assert owner(wiring(tmp_path, listed("mira", key))) == "mira"
    assert owner(wiring(tmp_path)) is None


def test_gits_signing_key_goes_first(tmp_path: Path) -> None:
    """As a file, below home or not, or as the key itself."""
    usual, own = ssh_key(tmp_path / ".ssh", "id_ed25519"), ssh_key(tmp_path / "keys", "own")
    made = wiring(tmp_path, listed("usual", usual), listed("own", own))
    git(made.root, "config", "gpg.format", "ssh")
    for value in (str(own), "~/keys/own.pub", public(own), f"key::{public(own)}"):
        git(made.root, "config", "user.signingkey", value)
        assert owner(made) == "own", value
    git(made.root, "config", "user.signingkey", "~/keys/gone.pub")
    with pytest.raises(UsageError, match="no SSH public key"):
        owner(made)


def test_a_key_that_is_named_goes_before_all(tmp_path: Path) -> None:
    """Either half; a path that leads nowhere is none of gpg's."""
    ssh_key(tmp_path / ".ssh", "id_ed25519")
    named = ssh_key(tmp_path / "keys", "named")
    made = wiring(tmp_path, listed("named", named))
    for wish in (str(named), f"{named}.pub", "~/keys/named"):
        assert owner(made, wish) == "named"
    for wish in (str(tmp_path / "keys" / "gone"), "gone.pub"):
        with pytest.raises(UsageError, match="no SSH public key"):
            owner(made, wish)


@pytest.fixture(scope="module")
def ring() -> Iterator[GpgHome]:
    """Give a key ring of a person."""
    with gpg_home() as home:
        yield home


def test_an_openpgp_key_is_gits_usual_form(ring: GpgHome, tmp_path: Path) -> None:
    """Also named on the command line; its owner is told by the fingerprint."""
    fingerprint = ring.key("ada")
    table = f'[project.approvers.ada]\ngpg = {{ fingerprint = "{fingerprint}", file = "keys/ada.asc" }}\n'
    made = wiring(tmp_path, table, **ring.environment)
    assert owner(made, "ada@example.org") == "ada"
    git(made.root, "config", "user.signingkey", fingerprint[-16:])
    assert owner(made) == "ada"


def test_where_there_is_no_key_it_is_said_how_to_get_one(tmp_path: Path) -> None:
    """With every place that was looked at."""
    with pytest.raises(UsageError, match="no key to sign with") as caught:
        owner(wiring(tmp_path))
    assert "user.signingkey" in str(caught.value.place)
    assert str(tmp_path / ".ssh") in str(caught.value.place)
    assert "ssh-keygen -t ed25519" in str(caught.value.hint)


def test_an_unlisted_key_is_refused_with_the_lines_that_list_it(tmp_path: Path) -> None:
    """They are the inventory's own words: written there, the same key is listed."""
    key = ssh_key(tmp_path / ".ssh", "id_ed25519")
    made = wiring(tmp_path)
    with pytest.raises(GuardRefused, match="none of those that the inventory lists") as caught:
        require_person(made, chosen_key(made, signatures_of(made), ""), claimed="")
    lines = "\n".join(caught.value.details)

    assert tomllib.loads(lines)["project"]["approvers"]["mira-k"]["emails"] == ["Mira.K@example.org"]
    again = wiring(tmp_path, lines)
    assert require_person(again, chosen_key(again, signatures_of(again), ""), claimed="mira-k") == "mira-k"
    assert public(key).startswith(again.loaded.inventory.project.approvers["mira-k"].ssh[0])


def test_another_key_of_a_listed_person_joins_the_first(tmp_path: Path) -> None:
    """The lines keep what is listed."""
    first, second = ssh_key(tmp_path / "keys", "first"), ssh_key(tmp_path / ".ssh", "id_ed25519")
    made = wiring(tmp_path, listed("mira", first))
    with pytest.raises(GuardRefused) as caught:
        require_person(made, chosen_key(made, signatures_of(made), ""), claimed="mira")
    keys = tomllib.loads("\n".join(caught.value.details))["project"]["approvers"]["mira"]["ssh"]
    assert keys == [public(first), public(second).rpartition(" id_")[0]]
    assert "sign with a key of mira" in str(caught.value.hint)


def test_an_unlisted_openpgp_key_needs_a_file_too(ring: GpgHome, tmp_path: Path) -> None:
    """The command that writes it stands before the lines."""
    fingerprint = ring.key("new")
    made = wiring(tmp_path, **ring.environment)
    with pytest.raises(GuardRefused) as caught:
        require_person(made, chosen_key(made, signatures_of(made), fingerprint), claimed="new")
    command, *lines = caught.value.details
    assert command == f"gpg --armor --export {fingerprint} > keys/new.asc"
    assert wiring(tmp_path, "\n".join(lines)).loaded.inventory.project.approvers["new"].gpg is not None


def test_nobody_is_somebody_else(tmp_path: Path) -> None:
    """The key says who signs."""
    made = wiring(tmp_path, listed("mira", ssh_key(tmp_path / ".ssh", "id_ed25519")))
    key = chosen_key(made, signatures_of(made), "")
    with pytest.raises(GuardRefused, match="the key is `mira`'s, not `tom`'s"):
        require_person(made, key, claimed="tom")


def test_the_number_of_approvals_has_a_place(tmp_path: Path) -> None:
    """The line of the inventory that asks for them."""
    made = wiring(tmp_path)
    line = line_of(text(), "approvals = { additive")
    manifest = plan_view().manifest.model_copy(update={"risk": Risk.DESTROY})
    assert place_of_number(made, manifest) == f"environments.toml:{line}"


def test_doctor_says_when_too_few_could_approve(tmp_path: Path) -> None:
    """Two are needed for production; a file that is not there cannot vouch."""

    def said(made: Wiring, subject: str) -> tuple[bool, str] | None:
        found = [each for each in examine(made) if each.subject == subject]
        return (found[0].ok, found[0].text) if found else None

    one, two = (listed(name, ssh_key(tmp_path / "keys", name)) for name in ("one", "two"))
    gpg = f'[project.approvers.ada]\ngpg = {{ fingerprint = "{"A" * 40}", file = "keys/ada.asc" }}\n'
    needed = "needed for the most dangerous plans"
    assert said(wiring(tmp_path), "approvers") == (False, f"0 listed, 2 {needed}")
    assert said(wiring(tmp_path, one), "approvers") == (False, f"1 listed, 2 {needed}")
    enough = said(wiring(tmp_path, one, two), "approvers")
    assert enough == (True, f"2 listed, 2 {needed}; a plan that one of them makes needs somebody else's besides")
    assert said(wiring(tmp_path, one, two, gpg), "approvers") == (True, f"3 listed, 2 {needed}")
    assert said(wiring(tmp_path, one, two, gpg), "approver ada") == (False, "keys/ada.asc is not there")
    assert said(wiring(tmp_path, one, two, environment="development"), "approvers") is None
    assert said(wiring(tmp_path, one), "ssh-keygen") is not None
