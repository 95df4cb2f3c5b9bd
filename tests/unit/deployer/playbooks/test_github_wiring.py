"""Which repository a run may speak to, with which token, and where a token never goes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.adapters.http import Http
from deployer.adapters.redact import Redactor
from deployer.adapters.target import Target, cloudflare_target
from deployer.errors import ConfigError
from deployer.playbooks.github_wiring import github_of, missing, repository_of, why_not_asked
from tests.support.inventory import inventory

LOADED = inventory()
TOKEN = "GITHUB_TOKEN or GH_TOKEN"
REPOSITORY = {"GITHUB_REPOSITORY": "acme/shop"}


def real(**variables: str) -> Target:
    """The real clouds with these variables."""
    return cloudflare_target(variables, account_id="0" * 32)


def rehearsal(**made: str) -> Target:
    """A sandbox that wrote `made` into its connection.json, on a machine whose environment has a real token."""
    process = {"GITHUB_TOKEN": "real", "GITHUB_API_URL": "https://api.github.com", "GITHUB_REPOSITORY": "acme/real"}
    return replace(real(), name="sandbox", place="connection.json", credentials=made, process_environment=process)


def test_a_job_on_github_finds_its_repository() -> None:
    """By what GitHub sets; the token is masked from then on."""
    redactor = Redactor()
    hub = github_of(real(GITHUB_TOKEN="ghs_of-this-job", **REPOSITORY), loaded=LOADED, http=Http(redactor))
    assert hub is not None
    assert (hub.base, hub.repository, hub.token) == ("https://api.github.com", "acme/shop", "ghs_of-this-job")
    assert redactor.text("ghs_of-this-job") == "***"
    assert "ghs_of" not in repr(hub)


def test_the_other_name_of_the_token_is_the_laptops() -> None:
    """As GitHub's own command line takes it; an empty one is none."""
    hub = github_of(real(GITHUB_TOKEN="", GH_TOKEN="gho_laptop", **REPOSITORY), loaded=LOADED, http=Http(Redactor()))
    assert hub is not None
    assert hub.token == "gho_laptop"


def test_without_a_token_there_is_none() -> None:
    """Whoever cannot do without says what is missing."""
    target = real(**REPOSITORY)
    assert github_of(target, loaded=LOADED, http=Http(Redactor())) is None
    error = missing(target, loaded=LOADED, purpose="writes the comment")
    assert "GITHUB_TOKEN  writes the comment (or GH_TOKEN)" in error.details[0]


@pytest.mark.parametrize(
    ("variables", "lacking"),
    [({}, TOKEN), (REPOSITORY, TOKEN), ({"GH_TOKEN": "x"}, "GITHUB_REPOSITORY")],
)
def test_what_is_missing_is_what_is_said(variables: dict[str, str], lacking: str) -> None:
    """A person with a token looks for another one otherwise."""
    project = LOADED.inventory.project.model_copy(update={"repository": None})
    loaded = replace(LOADED, inventory=LOADED.inventory.model_copy(update={"project": project}))
    assert github_of(real(**variables), loaded=loaded, http=Http(Redactor())) is None
    assert why_not_asked(real(**variables), loaded=loaded) == f"GitHub is not asked: no {lacking}"


def test_the_sandbox_uses_only_what_it_wrote_down() -> None:
    """Never the person's token, never the real address, never the real repository."""
    assert github_of(rehearsal(), loaded=LOADED, http=Http(Redactor())) is None
    made = {"GITHUB_TOKEN": "made-up", **REPOSITORY}
    assert github_of(rehearsal(**made), loaded=LOADED, http=Http(Redactor())) is None
    hub = github_of(rehearsal(**made, GITHUB_API_URL="http://127.0.0.1:9000/"), loaded=LOADED, http=Http(Redactor()))
    assert hub is not None
    assert (hub.base, hub.token, hub.repository) == ("http://127.0.0.1:9000", "made-up", "acme/shop")


@pytest.mark.parametrize(
    "target",
    [
        rehearsal(GITHUB_TOKEN="made-up", GITHUB_API_URL="https://api.github.com", **REPOSITORY),
        real(GITHUB_TOKEN="real", GITHUB_API_URL="http://api.github.com", **REPOSITORY),
        real(GITHUB_TOKEN="real", GITHUB_API_URL="nonsense", **REPOSITORY),
    ],
)
def test_a_token_goes_only_where_it_belongs(target: Target) -> None:
    """The sandbox's to this machine, a real one to nobody in plain text."""
    with pytest.raises(ConfigError, match="GitHub's address"):
        github_of(target, loaded=LOADED, http=Http(Redactor()))


@pytest.mark.parametrize("name", ["shop", "acme/shop/x", "acme/../etc", "acme/shop?x", "-acme/shop"])
def test_a_repository_has_an_owner_and_a_name(name: str) -> None:
    """It becomes part of every address."""
    with pytest.raises(ConfigError, match="is no repository on GitHub"):
        repository_of(real(GITHUB_REPOSITORY=name), loaded=LOADED)
