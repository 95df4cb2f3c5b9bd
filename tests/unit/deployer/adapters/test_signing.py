"""Signing and verifying with the real ssh-keygen and gpg."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.adapters.signing import GpgKeyFile, PublicKey, Verified
from deployer.adapters.signing.ssh import public_key_of, usable_key
from deployer.errors import ConfigError, ToolFailed, ToolMissing, UsageError
from tests.support.signing import GpgHome, gpg_home, gpg_signing, public, ssh_agent, ssh_key, ssh_signing
from tests.support.waiting import wait_for

TEXT = '{"plan": "production-1", "approver": "mira"}\n'
UNLISTED = "the key that signed it is none of those that the inventory lists"
CHANGED = "its text was changed after it was signed"


# --- ssh ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_an_ssh_signature_names_its_person(tmp_path: Path, kind: str) -> None:
    """Of all who are listed; a person may have several keys."""
    ssh = ssh_signing(tmp_path)
    mira, tom, other = (ssh_key(tmp_path, name, kind=kind) for name in ("mira", "tom", "other"))
    allowed = {"tom": [public(tom)], "mira": [public(other), public(mira)]}

    assert ssh.verify(TEXT, ssh.sign(TEXT, key=mira), allowed=allowed) == Verified("mira")
    assert ssh.verify(TEXT, ssh.sign(TEXT, key=tom), allowed=allowed) == Verified("tom")


def test_either_half_of_a_key_may_be_named(tmp_path: Path) -> None:
    """The private half is found beside the public one."""
    ssh, key = ssh_signing(tmp_path), ssh_key(tmp_path, "mira")
    signature = ssh.sign(TEXT, key=key.with_name("mira.pub"))

    assert ssh.verify(TEXT, signature, allowed={"mira": [public(key)]}).signer == "mira"
    assert public_key_of(key) == public_key_of(key.with_name("mira.pub")) == PublicKey.of(public(key))


def test_an_agent_signs(tmp_path: Path) -> None:
    """With a public key, in a file or as git's setting has it, while the private half is nowhere else."""
    key = ssh_key(tmp_path, "mira")
    with ssh_agent(key) as socket:
        key.unlink()
        ssh = ssh_signing(tmp_path, SSH_AUTH_SOCK=socket)
        found = PublicKey.of(f"key::{public(key)}")
        assert found is not None
        for half in (key.with_name("mira.pub"), found):
            assert ssh.verify(TEXT, ssh.sign(TEXT, key=half), allowed={"mira": [public(key)]}).signer == "mira"
    with pytest.raises(ToolFailed) as caught:
        ssh_signing(tmp_path).sign(TEXT, key=key.with_name("mira.pub"))
    assert "ssh-add" in str(caught.value.hint)


def test_a_key_with_a_passphrase_needs_the_agent(tmp_path: Path) -> None:
    """Nobody is asked, and the error says what to do."""
    with pytest.raises(ToolFailed, match="could not be signed") as caught:
        ssh_signing(tmp_path).sign(TEXT, key=ssh_key(tmp_path, "mira", passphrase="secret words"))
    assert any("passphrase" in line for line in caught.value.details)


def test_ssh_signatures_that_are_worth_nothing(tmp_path: Path) -> None:
    """Each is refused with its reason, and none is an error of the tool."""
    ssh = ssh_signing(tmp_path)
    mira, eve = ssh_key(tmp_path, "mira"), ssh_key(tmp_path, "eve")
    allowed = {"mira": [public(mira)]}
    good = ssh.sign(TEXT, key=mira)

    def why(signature: str, *, text: str = TEXT) -> str:
        found = ssh.verify(text, signature, allowed=allowed)
        assert found.signer is None
        return found.why

    assert why(ssh.sign(TEXT, key=eve)) == UNLISTED
    assert why(good, text=TEXT + " ") == CHANGED
    assert why(ssh_signing(tmp_path, namespace="git").sign(TEXT, key=mira)) == "it was signed for another purpose"
    lines = good.splitlines()
    for broken in ("", "yes", "\0", good[:100], "\n".join([*lines[:2], lines[1], *lines[3:]])):
        assert why(broken)
    assert ssh.verify(TEXT, good, allowed={}).signer is None


def test_a_key_of_two_people_is_nobodys(tmp_path: Path) -> None:
    """Otherwise one person could be two."""
    ssh, key = ssh_signing(tmp_path), ssh_key(tmp_path, "mira")
    found = ssh.verify(TEXT, ssh.sign(TEXT, key=key), allowed={"mira": [public(key)], "tom": [public(key)]})

    assert found == Verified(None, UNLISTED)


def test_what_stands_behind_a_key_changes_nothing(tmp_path: Path) -> None:
    """A comment cannot become another line or another person of the list."""
    ssh, mira, eve = ssh_signing(tmp_path), ssh_key(tmp_path, "mira"), ssh_key(tmp_path, "eve")
    allowed = {"mira": [f"{public(mira)}\neve {public(eve)}"]}

    assert ssh.verify(TEXT, ssh.sign(TEXT, key=eve), allowed=allowed).signer is None


@pytest.mark.parametrize("line", ["", "ssh-ed25519", "ssh-ed25519 not*base64", "mira ssh-ed25519 AAAA", "dsa AAAA"])
def test_what_is_no_public_key(line: str) -> None:
    """It is told before any program is."""
    assert PublicKey.of(line) is None


def test_a_fingerprint_is_what_openssh_calls_the_key(tmp_path: Path) -> None:
    """So that a person can compare it."""
    import subprocess

    key = ssh_key(tmp_path, "mira")
    listed = subprocess.run(["ssh-keygen", "-l", "-f", str(key)], check=True, capture_output=True, text=True).stdout

    assert usable_key(key).fingerprint == listed.split()[1]


def test_a_file_without_a_key_is_named(tmp_path: Path) -> None:
    """With how to make one."""
    with pytest.raises(UsageError, match="no SSH public key") as caught:
        usable_key(tmp_path / "id_ed25519")
    assert caught.value.place == str(tmp_path / "id_ed25519.pub")


def test_a_missing_program_is_told_with_what_brings_it(tmp_path: Path) -> None:
    """Not as a traceback."""
    with pytest.raises(ToolMissing) as caught:
        ssh_signing(tmp_path, PATH=str(tmp_path)).verify(TEXT, "s", allowed={})
    assert "OpenSSH" in str(caught.value.hint)
    with pytest.raises(ToolMissing) as caught:
        gpg_signing(tmp_path, PATH=str(tmp_path)).verify(TEXT, "s", allowed={})
    assert "GnuPG" in str(caught.value.hint)


# --- gpg ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ring() -> Iterator[GpgHome]:
    """Give a key ring of a person."""
    with gpg_home() as home:
        yield home


@pytest.fixture(scope="module")
def mira(ring: GpgHome) -> str:
    """Give the fingerprint of a key in it."""
    return ring.key("mira")


def test_a_gpg_signature_names_its_person(ring: GpgHome, mira: str, tmp_path: Path) -> None:
    """From the person's own ring; verified with none but the listed files."""
    tom = ring.key("tom")
    own, ours = gpg_signing(tmp_path, **ring.environment), gpg_signing(tmp_path)
    allowed = {
        "mira": GpgKeyFile(mira, ring.export(mira, tmp_path / "mira.asc")),
        "tom": GpgKeyFile(tom, ring.export(tom, tmp_path / "tom.asc")),
    }

    assert own.fingerprint("mira@example.org") == own.fingerprint(mira[-16:]) == mira
    assert ours.verify(TEXT, own.sign(TEXT, fingerprint=mira), allowed=allowed) == Verified("mira")
    assert ours.verify(TEXT, own.sign(TEXT, fingerprint=tom), allowed=allowed) == Verified("tom")


def test_gpg_signatures_that_are_worth_nothing(ring: GpgHome, mira: str, tmp_path: Path) -> None:
    """Each is refused with its reason."""
    own = gpg_signing(tmp_path, **ring.environment)
    good = own.sign(TEXT, fingerprint=mira)
    listed = {"mira": GpgKeyFile(mira, ring.export(mira, tmp_path / "mira.asc"))}

    def why(signature: str, *, text: str = TEXT, allowed: dict[str, GpgKeyFile] = listed) -> str:
        found = own.verify(text, signature, allowed=allowed)
        assert found.signer is None
        return found.why

    assert why(own.sign(TEXT, fingerprint=ring.key("eve"))) == UNLISTED
    assert why(good, text=TEXT + " ") == CHANGED
    assert why(good, allowed={}) == UNLISTED
    # The file may bring what it likes; what is trusted is the fingerprint.
    assert why(good, allowed={"mira": GpgKeyFile("A" * 40, listed["mira"].file)}) == UNLISTED
    for broken in ("", "yes", good[:60]):
        assert why(broken) == "its signature is not valid"


def test_a_revoked_key_signs_for_nobody(ring: GpgHome, tmp_path: Path) -> None:
    """As soon as the listed file says that it was revoked."""
    key = ring.key("leaver")
    own = gpg_signing(tmp_path, **ring.environment)
    signature = own.sign(TEXT, fingerprint=key)
    ring.revoke(key)
    found = own.verify(TEXT, signature, allowed={"leaver": GpgKeyFile(key, ring.export(key, tmp_path / "l.asc"))})

    assert found == Verified(None, "the key that signed it was revoked")


def test_an_expired_key_signs_for_nobody(ring: GpgHome, tmp_path: Path) -> None:
    """Although gpg ends with exit code 0."""
    key = ring.key("late")
    own = gpg_signing(tmp_path, **ring.environment)
    signature = own.sign(TEXT, fingerprint=key)
    ring.expire(key)
    allowed = {"late": GpgKeyFile(key, ring.export(key, tmp_path / "late.asc"))}
    wait_for(lambda: own.verify(TEXT, signature, allowed=allowed).signer is None)

    assert own.verify(TEXT, signature, allowed=allowed) == Verified(None, "the key that signed it has expired")


def test_the_persons_own_ring_is_left_alone(ring: GpgHome, mira: str, tmp_path: Path) -> None:
    """Verifying needs it for nothing, and a key in it vouches for nobody."""
    own = gpg_signing(tmp_path, **ring.environment)
    signature = own.sign(TEXT, fingerprint=mira)
    before = {path: path.stat().st_mtime_ns for path in ring.folder.iterdir() if path.is_file()}
    own.verify(TEXT, signature, allowed={})

    assert {path: path.stat().st_mtime_ns for path in ring.folder.iterdir() if path.is_file()} == before


def test_a_key_file_that_is_none_is_a_mistake_of_the_inventory(tmp_path: Path) -> None:
    """Told with the file, and how to write it."""
    (tmp_path / "mira.asc").write_text("not a key")
    for file in (tmp_path / "mira.asc", tmp_path / "gone.asc"):
        with pytest.raises(ConfigError, match="approver `mira`") as caught:
            gpg_signing(tmp_path).verify(TEXT, "s", allowed={"mira": GpgKeyFile("A" * 40, file)})
        assert caught.value.place == str(file)


def test_a_key_that_is_not_in_the_ring_is_named(ring: GpgHome, tmp_path: Path) -> None:
    """Before anything is signed; so is one that could mean two."""
    own = gpg_signing(tmp_path, **ring.environment)
    with pytest.raises(UsageError, match="no secret key that `nobody@"):
        own.fingerprint("nobody@example.org")
    with pytest.raises(UsageError, match="several secret keys"):
        own.fingerprint("example.org")
