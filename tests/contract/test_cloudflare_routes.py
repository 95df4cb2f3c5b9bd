"""The stand-in knows every request that the official provider was recorded with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cloudflare import ACCOUNT, ZONE, Api

RECORDINGS = sorted((Path(__file__).parent / "recordings").glob("*.json"))
# Stand-ins of the recordings' own: two accounts, and one zone.
_ACCOUNT_START, _ACCOUNT_LENGTH = "/accounts/acc0", len("/accounts/") + 32
_ZONE_START, _ZONE_LENGTH = "/zones/20e", len("/zones/") + 32


def _requests(recording: Path) -> set[tuple[str, str]]:
    steps = json.loads(recording.read_bytes())["steps"]
    return {(e["request"]["method"], e["request"]["path"]) for step in steps for e in step.get("exchanges", [])}


def _ours(path: str) -> str:
    if path.startswith(_ACCOUNT_START):
        return f"/accounts/{ACCOUNT}" + path[_ACCOUNT_LENGTH:]
    return f"/zones/{ZONE}" + path[_ZONE_LENGTH:] if path.startswith(_ZONE_START) else path


@pytest.mark.parametrize("recording", RECORDINGS, ids=[path.stem for path in RECORDINGS])
def test_recorded_requests_are_known(recording: Path, tmp_path: Path) -> None:
    """No request of the official provider is unknown; what it asks for may be missing, or its body."""
    api = Api(tmp_path)
    unknown = [request for request in sorted(_requests(recording)) if api.call(request[0], _ours(request[1])).unknown]
    assert not unknown


def test_there_are_recordings() -> None:
    """The check above is not empty."""
    assert len(RECORDINGS) > 50
