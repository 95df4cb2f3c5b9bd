"""Keys of people for tests, made by the real tools at test time."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from deployer.adapters.process import Processes
from deployer.adapters.redact import Redactor
from deployer.adapters.signing import GpgSigning, SshSigning

NAMESPACE = "vibechecc-plan"
PLAIN = {"PATH": os.environ["PATH"], "LANG": "C"}


def ssh_key(folder: Path, name: str, *, passphrase: str = "", kind: str = "ed25519") -> Path:
    """Make a key pair; returns the private one's path, `.pub` is beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", f"{name} of a test", "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def public(path: Path) -> str:
    """The public half of a key, as it is written into an inventory."""
    return path.with_name(f"{path.name}.pub").read_text().strip()


def ssh_signing(work: Path, *, namespace: str = NAMESPACE, **environment: str) -> SshSigning:
    """The adapter with nothing of the tester's own environment."""
    home = {"HOME": str(work)}
    return SshSigning(
        processes=Processes(Redactor()),
        environment={**PLAIN, **home, **environment},
        logs=work / "logs",
        namespace=namespace,
    )


@contextlib.contextmanager
def ssh_agent(*keys: Path) -> Iterator[str]:
    """An agent that holds these keys; yields its socket."""
    folder = Path(tempfile.mkdtemp(prefix="agent-"))
    socket = str(folder / "s")
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not Path(socket).exists():
            assert agent.poll() is None
        environment = {**PLAIN, "SSH_AUTH_SOCK": socket}
        subprocess.run(["ssh-add", "-q", *map(str, keys)], env=environment, check=True, capture_output=True)
        yield socket
    finally:
        agent.kill()
        agent.wait()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class GpgHome:
    """A person's key ring. Its path is short, since its agent's sockets lie in it."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="gpg-")))

    @property
    def environment(self) -> dict[str, str]:
        """Where gpg finds it."""
        return {"GNUPGHOME": str(self.folder)}

    def run(self, *arguments: str, stdin: str = "") -> str:
        """Run gpg on it."""
        command = ["gpg", "--batch", "--quiet", "--yes", *arguments]
        environment = {**PLAIN, **self.environment}
        done = subprocess.run(command, env=environment, input=stdin, check=True, capture_output=True, text=True)
        return done.stdout

    def key(self, name: str) -> str:
        """Make a key without a passphrase; returns its fingerprint."""
        self.run("--passphrase", "", "--quick-gen-key", f"{name} <{name}@example.org>", "ed25519", "sign", "never")
        listing = self.run("--with-colons", "--list-secret-keys", f"{name}@example.org")
        return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))

    def export(self, fingerprint: str, path: Path) -> Path:
        """Write the public key where an inventory can point at it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.run("--armor", "--export", fingerprint))
        return path

    def expire(self, fingerprint: str) -> None:
        """Let a key be good for one more second."""
        self.run("--quick-set-expire", fingerprint, "seconds=1")

    def revoke(self, fingerprint: str) -> None:
        """Revoke a key with the certificate that was made along with it."""
        certificate = (self.folder / "openpgp-revocs.d" / f"{fingerprint}.rev").read_text()
        self.run("--import", stdin=certificate.replace(":-----BEGIN", "-----BEGIN"))


@contextlib.contextmanager
def gpg_home() -> Iterator[GpgHome]:
    """A key ring whose agent ends with it."""
    home = GpgHome()
    try:
        yield home
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home.folder), "--kill", "all"], check=False, capture_output=True)
        shutil.rmtree(home.folder, ignore_errors=True)


def gpg_signing(work: Path, **environment: str) -> GpgSigning:
    """The adapter with nothing of the tester's own environment."""
    return GpgSigning(
        processes=Processes(Redactor()), environment={**PLAIN, "HOME": str(work), **environment}, logs=work / "logs"
    )
