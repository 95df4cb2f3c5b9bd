"""Environments: who has to review a deployment there, how long it waits, and from which branches it may come."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

from sandbox.github import fields
from sandbox.github.answers import Answer, Refusal, invalid, malformed, not_found, nothing, ok
from sandbox.github.call import Call, Route, needs
from sandbox.github.values import node_id, user, user_id
from sandbox.tables import Body

_READ = needs("actions:read")
_ADMIN = needs("administration:write")
_LONGEST_WAIT = 43_200
_MOST_REVIEWERS = 6
_LARGEST_NAME = 255


def find(call: Call, name: str) -> Body:
    """One environment; names do not differ by case."""
    return call.find("environments", name.lower())


def ensure(call: Call, name: str) -> Body:
    """The environment, made without rules if it is not there."""
    found = call.state.get("environments", "-", name.lower())
    return found or store(call, name, {})


def store(call: Call, name: str, wish: Mapping[str, Any]) -> dict[str, Any]:
    """Make or replace the rules. `reviewers` are logins."""
    if not name or len(name) > _LARGEST_NAME:
        raise invalid("Environment", "name")
    old = call.state.get("environments", "-", name.lower())
    environment: dict[str, Any] = {
        "id": old["id"] if old else call.next_id("environment_id", first=1_600_000_001),
        "name": old["name"] if old else name,
        "wait_timer": wish.get("wait_timer") or 0,
        "prevent_self_review": bool(wish.get("prevent_self_review")),
        "reviewers": list(wish.get("reviewers") or []),
        "branch_policy": wish.get("branch_policy"),
        "policies": list(wish.get("policies", old["policies"] if old else [])),
        "created_at": old["created_at"] if old else call.time,
        "updated_at": call.time,
    }
    for login in environment["reviewers"]:
        call.state.put("users", "-", str(user_id(login)), {"login": login})
    call.state.put("environments", "-", name.lower(), environment)
    return environment


def configure(call: Call, name: str, wish: Mapping[str, Any]) -> dict[str, Any]:
    """What a seed or an administrator says: reviewers by login, branches by pattern (none: every branch)."""
    branches = fields.texts(wish, "branches") or []
    said = {
        "wait_timer": fields.number(wish, "wait_timer"),
        "prevent_self_review": fields.flag(wish, "prevent_self_review", default=False),
        "reviewers": fields.texts(wish, "reviewers"),
        "branch_policy": {"protected_branches": False, "custom_branch_policies": True} if branches else None,
        "policies": [_new_policy(call, pattern, "branch") for pattern in branches],
    }
    return store(call, name, said)


def _new_policy(call: Call, pattern: str, kind: str | None) -> dict[str, Any]:
    identifier = call.next_id("policy_id", first=360_001)
    return {"id": identifier, "node_id": node_id("BranchPolicy", identifier), "name": pattern, "type": kind}


def admits(call: Call, environment: Body, branch: str) -> bool:
    """Whether a deployment may come from that branch."""
    policy = environment["branch_policy"]
    if policy is None:
        return True
    if policy["protected_branches"]:
        return bool(branch == call.repository["default_branch"])
    return any(fnmatchcase(branch, each["name"]) for each in environment["policies"])


def short(call: Call, environment: Body) -> dict[str, Any]:
    """As runs and reviews show it."""
    name = quote(environment["name"], safe="")
    return {
        "id": environment["id"],
        "node_id": node_id("Environment", environment["id"]),
        "name": environment["name"],
        "url": f"{call.repository_url}/environments/{name}",
        "html_url": f"{call.repository_page}/deployments/activity_log?environments_filter={name}",
    }


def shown_reviewers(call: Call, environment: Body) -> list[dict[str, Any]]:
    """People, as rules and waiting deployments list them."""
    return [{"type": "User", "reviewer": user(login, call.world.url)} for login in environment["reviewers"]]


def shown(call: Call, environment: Body) -> dict[str, Any]:
    """An environment with its protection rules."""
    identifier = environment["id"]
    rules: list[dict[str, Any]] = []
    if environment["wait_timer"]:
        rules.append({"type": "wait_timer", "wait_timer": environment["wait_timer"]})
    if environment["reviewers"]:
        self_review = environment["prevent_self_review"]
        reviewers = shown_reviewers(call, environment)
        rules.append({"type": "required_reviewers", "prevent_self_review": self_review, "reviewers": reviewers})
    if environment["branch_policy"]:
        rules.append({"type": "branch_policy"})
    numbered = [
        {"id": identifier * 10 + index, "node_id": node_id("Gate", identifier * 10 + index), **rule}
        for index, rule in enumerate(rules)
    ]
    return {
        **short(call, environment),
        "created_at": environment["created_at"],
        "updated_at": environment["updated_at"],
        "can_admins_bypass": True,
        "protection_rules": numbered,
        "deployment_branch_policy": environment["branch_policy"],
    }


def _listing(call: Call) -> Answer:
    found = sorted(call.state.all("environments", "-"), key=lambda each: str(each["name"]))
    return call.page(found, within="environments", shown=lambda each: shown(call, each))


def _read(call: Call, name: str) -> Answer:
    return ok(shown(call, find(call, name)))


def _put(call: Call, name: str) -> Answer:
    body = call.object()
    fields.only(body, ("wait_timer", "prevent_self_review", "reviewers", "deployment_branch_policy"))
    wait = fields.number(body, "wait_timer") or 0
    if not 0 <= wait <= _LONGEST_WAIT:
        raise malformed("wait_timer", f"{wait} is not between 0 and {_LONGEST_WAIT}")
    reviewers = fields.objects(body, "reviewers") or []
    if len(reviewers) > _MOST_REVIEWERS:
        raise invalid("Environment", "reviewers", code="custom", message=f"at most {_MOST_REVIEWERS} reviewers")
    wish = {
        "wait_timer": wait,
        "prevent_self_review": fields.flag(body, "prevent_self_review", default=False),
        "reviewers": [_reviewer(call, reviewer) for reviewer in reviewers],
        "branch_policy": _policy(body),
    }
    return ok(shown(call, store(call, name, wish)))


def _reviewer(call: Call, body: Mapping[str, Any]) -> str:
    if body.get("type") != "User":
        raise invalid("Environment", "reviewers", message="the sandbox knows reviewers of type User only")
    found = call.state.get("users", "-", str(body.get("id")))
    if found is None:
        raise invalid("Environment", "reviewers", message=f"no user has the id {body.get('id')}")
    return str(found["login"])


def _policy(body: Mapping[str, Any]) -> dict[str, bool] | None:
    policy = body.get("deployment_branch_policy")
    if policy is None:
        return None
    if not isinstance(policy, dict) or set(policy) != {"protected_branches", "custom_branch_policies"}:
        raise malformed("deployment_branch_policy", "it needs protected_branches and custom_branch_policies")
    if policy["protected_branches"] == policy["custom_branch_policies"]:
        message = "protected_branches and custom_branch_policies cannot have the same value"
        raise invalid("Environment", "deployment_branch_policy", code="custom", message=message)
    return {name: bool(value) for name, value in policy.items()}


def _remove(call: Call, name: str) -> Answer:
    find(call, name)
    call.state.delete("environments", "-", name.lower())
    return nothing()


def _policies(call: Call, name: str) -> Answer:
    return call.page(find(call, name)["policies"], within="branch_policies")


def _add_policy(call: Call, name: str) -> Answer:
    environment = find(call, name)
    body = call.object()
    fields.only(body, ("name", "type"))
    pattern = fields.required_text(body, "name")
    kind = fields.one_of(body, "type", ("branch", "tag"), default="branch")
    if not (environment["branch_policy"] or {}).get("custom_branch_policies"):
        raise not_found()  # GitHub's words for an environment that takes no patterns
    if any(policy["name"] == pattern for policy in environment["policies"]):
        raise Refusal(303, "The branch policy exists")
    policy = _new_policy(call, pattern, kind)
    changed = {**environment, "policies": [*environment["policies"], policy]}
    call.state.put("environments", "-", name.lower(), changed)
    return ok(policy)


def _remove_policy(call: Call, name: str, identifier: int) -> Answer:
    environment = find(call, name)
    kept = [policy for policy in environment["policies"] if policy["id"] != identifier]
    if len(kept) == len(environment["policies"]):
        raise not_found()
    call.state.put("environments", "-", name.lower(), {**environment, "policies": kept})
    return nothing()


_ONE = "/environments/<path:name>"
_PATTERNS = f"{_ONE}/deployment-branch-policies"
ROUTES = (
    Route("GET", "/environments", _listing, _READ),
    Route("GET", _ONE, _read, _READ),
    Route("PUT", _ONE, _put, _ADMIN),
    Route("DELETE", _ONE, _remove, _ADMIN),
    Route("GET", _PATTERNS, _policies, _READ),
    Route("POST", _PATTERNS, _add_policy, _ADMIN),
    Route("DELETE", f"{_PATTERNS}/<int:identifier>", _remove_policy, _ADMIN),
)
