"""The embedded provider is held to recordings of the official one: same requests, plans, states and diagnostics."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.provider.__main__ import reattach
from sandbox.provider.server import Server
from tests.support import recordings
from tests.support.terraform import terraform_argv

DEVIATIONS = {
    each["case"]: each for each in tomllib.loads((Path(__file__).parent / "deviations.toml").read_text())["deviation"]
}


@contextmanager
def attached(environment: dict[str, str]) -> Iterator[str]:
    """Run the provider in this process; gives the value of TF_REATTACH_PROVIDERS."""
    # Not pytest's folder: its path may be longer than a unix socket's may be.
    with tempfile.TemporaryDirectory(prefix="provider-") as folder:
        socket = str(Path(folder) / "socket")
        server = Server(socket, environment)
        try:
            yield reattach(socket, os.getpid())
        finally:
            server.stop(grace=1)


def runner(attach: str, base_url: str, configuration: Path) -> recordings.Runner:
    """How the recorded commands are run here."""
    configuration.touch()
    # The base URL is Terraform's to see as well: some recorded configurations read it.
    settings = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_CLI_CONFIG_FILE": str(configuration)}
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ},
        **settings,
        "TF_REATTACH_PROVIDERS": attach,
        "CLOUDFLARE_BASE_URL": base_url,
    }

    def run(command: str, folder: Path) -> tuple[int, str, str]:
        program, *arguments = shlex.split(command)
        assert program == "terraform"
        done = subprocess.run(
            [*terraform_argv(), *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.mark.parametrize("name", recordings.names())
def test_recording(name: str, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """Each step of the recording goes as recorded, but for the deviations that are listed with their reason."""
    recording = recordings.load(name)
    with (
        recordings.player() as server,
        attached(recordings.environment(recording, server.base)) as attach,
    ):
        faults = recordings.play(recording, server, tmp_path, runner(attach, server.base, tmp_path / "terraform.rc"))
    record_property("recording", "deviates" if faults else "passes")

    listed = DEVIATIONS.get(name, {"steps": []})["steps"]
    unlisted = {step: found for step, found in faults.items() if step not in listed}
    assert unlisted == {}, f"{name} deviates from the official provider"
    assert set(listed) <= faults.keys(), "listed in deviations.toml, but it passes: remove it there"


def test_every_listed_deviation_is_a_recording() -> None:
    """The list names only cases and steps that exist, and says why."""
    for case, deviation in DEVIATIONS.items():
        assert set(deviation["steps"]) <= {step["name"] for step in recordings.load(case)["steps"]}
        assert deviation["reason"].strip()
