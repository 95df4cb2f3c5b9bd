"""What answers of Convex and Cloudflare mean where one status means several things; and what a repr never shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.adapters.cloudflare import CloudflareApi, custom_domain
from deployer.adapters.convex import ConvexControl
from deployer.adapters.http import Http
from deployer.adapters.process import Command, Completed
from deployer.adapters.redact import Redactor
from deployer.adapters.wrangler import Upload
from deployer.errors import CredentialsRefused, ServiceFailed
from tests.support.loopback import Answer, Loopback, loopback

ASK = "POST /api/deployment/authorize_preview"


@pytest.mark.parametrize("status", [400, 404])
def test_a_preview_that_is_not_there(status: int) -> None:
    """Only the word for it means absence."""
    absent = Answer(status, {"code": "DeploymentNotFound", "message": "There is no preview."})
    with loopback(routes={ASK: absent}) as convex:
        assert ConvexControl(Http(Redactor()), convex.url).preview("key", team="t", project="p", name="pr-1") is None


@pytest.mark.parametrize("code", ["BadJsonBody", "ProjectNotFound", None])
@pytest.mark.parametrize("status", [400, 404])
def test_another_refusal_is_no_absence(status: int, code: str | None) -> None:
    """A wrong team or project must not let destroy say that nothing is there."""
    with loopback(routes={ASK: Answer(status, {"code": code, "message": "what it says"})}) as convex:
        with pytest.raises(ServiceFailed, match="refuses the question") as caught:
            ConvexControl(Http(Redactor()), convex.url).preview("key", team="t", project="p", name="pr-1")
        assert "what it says" in caught.value.details[0]


def api(server: Loopback) -> CloudflareApi:
    """An account `acc`."""
    return CloudflareApi(Http(Redactor()), server.url, "acc", lambda: "token")


REFUSED = Answer(401, {"success": False, "errors": [{"code": 1000, "message": "Invalid API Token"}]})


def test_a_token_of_the_account_is_as_good_as_one_of_a_person() -> None:
    """It is unknown where tokens of people are verified."""
    good = Answer(200, {"success": True, "result": {"status": "active"}})
    with loopback(routes={"GET /user/tokens/verify": REFUSED, "GET /accounts/acc/tokens/verify": good}) as server:
        assert api(server).token_status() == "active"
    with loopback(routes={"GET /user/tokens/verify": good}) as server:
        assert api(server).token_status() == "active"
        assert len(server.asked) == 1


def test_a_token_that_nobody_knows_is_refused() -> None:
    """Both places have said no."""
    routes = {"GET /user/tokens/verify": REFUSED, "GET /accounts/acc/tokens/verify": REFUSED}
    with loopback(routes=routes) as server, pytest.raises(CredentialsRefused):
        api(server).token_status()


def test_a_host_is_found_by_its_whole_name() -> None:
    """Also when the service answers with more than was asked for."""
    domains = [{"id": "1", "hostname": "www.dev.example.com", "service": "a"}]
    with loopback(Answer(200, {"success": True, "result": domains})) as server:
        assert custom_domain(api(server), "dev.example.com") is None
        found = custom_domain(api(server), "www.dev.example.com")
        assert found is not None
        assert (found.id, found.service) == ("1", "a")


def test_what_is_handed_to_programs_is_not_in_a_repr() -> None:
    """Test output and debuggers print objects before any masking."""
    here = Path()
    things = (
        Command(argv=["x"], title="x", cwd=here, environment={"T": "canary"}, log=here, timeout=1, stdin=b"canary"),
        Completed(returncode=0, stdout="canary", last_lines=(), seconds=0),
        Upload(config=here, tag="t", message="m", secrets={"A": "canary"}),
        Http(Redactor(), environment={"HTTPS_PROXY": "http://user:canary@proxy"}),
    )
    for thing in things:
        assert "canary" not in repr(thing)
