"""What holds for every test: no credentials, no colours, no network but loopback."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
from typing import Any

import pytest

from tests.support.foreign import FOREIGN

KEPT = {"TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the contract suite choose the Terraform provider that it holds to the contract."""
    parser.addoption(
        "--provider",
        choices=["embedded", "official"],
        default="embedded",
        help="the Cloudflare provider of the contract tests; official: where Terraform finds it",
    )


def pytest_configure() -> None:
    """Let children feel signals also where the tests run with nohup or as a background job, which ignore some."""
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the credentials and settings of the person who runs the tests."""
    for name in list(os.environ):
        if name.startswith(FOREIGN) and name not in KEPT:
            monkeypatch.delenv(name)
    monkeypatch.setenv("CHECKPOINT_DISABLE", "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave the machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
            raise AssertionError(f"a test tried to reach {address[0]}: only loopback is allowed")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
