"""A plan before the inventory's rules: which stop it, and which only warn.

The rules themselves are in `deployer/review`; here they meet what Terraform says of its plans.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from deployer.adapters.terraform import planned_resources
from deployer.engine.change import Change
from deployer.errors import GuardRefused, PolicyViolated
from deployer.inventory.load import LoadedInventory
from deployer.inventory.model import Environment
from deployer.inventory.origin import Origin, closest
from deployer.inventory.positions import KeyPath
from deployer.review.naming import naming_of
from deployer.review.policy import PlannedResource, check_policy
from deployer.review.protection import RULE, check_protected
from deployer.review.view import Finding
from deployer.words import Named


def resources_of(shown: Mapping[str, Mapping[str, Any]]) -> tuple[PlannedResource, ...]:
    """The resources in the plans of these stacks; `shown` is what `terraform show -json` said of each."""
    return tuple(
        PlannedResource(
            stack=stack,
            address=resource.address,
            type=resource.type,
            action=resource.word,
            values=resource.values,
            unknown=resource.unknown,
            hidden=resource.hidden,
        )
        for stack, plan in shown.items()
        for resource in planned_resources(plan)
    )


def find_violations(
    loaded: LoadedInventory,
    environment: Environment,
    *,
    shown: Mapping[str, Mapping[str, Any]],
    changes: Sequence[Change],
) -> tuple[Finding, ...]:
    """Every rule of the inventory that a plan breaks, protection included; errors first."""
    naming = naming_of(loaded, environment)
    # Once for all rules: it is worked out anew each time.
    origins = loaded.effective(environment.name).origins
    protected = _place(loaded, origins, "guards", "never_destroy")
    places = {rule: _place(loaded, origins, "policy", rule, "reason") for rule in environment.policy}
    return (
        *check_protected(environment.guards.never_destroy, changes, place=protected, former=_former(shown)),
        *check_policy(environment.policy, resources_of(shown), changes, naming=naming, places=places),
    )


def _former(shown: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Addresses from before of what gets another one."""
    return {
        f"{stack}:{resource['address']}": f"{stack}:{resource['previous_address']}"
        for stack, plan in shown.items()
        for resource in plan.get("resource_changes", ())
        if resource.get("previous_address")
    }


def place_of(loaded: LoadedInventory, environment: Environment, *path: str) -> str:
    """Where in the inventory a value of an environment stands."""
    return _place(loaded, loaded.effective(environment.name).origins, *path)


def _place(loaded: LoadedInventory, origins: Mapping[KeyPath, Origin], *path: str) -> str:
    origin = closest(origins, path)
    return origin.place if origin is not None else loaded.file


def refuse_violations(findings: Iterable[Finding], *, named: Named) -> None:
    """One error for all findings that stop a plan; what is protected comes first, since nobody can approve it."""
    errors = [finding for finding in findings if finding.severity == "error"]
    protected = [finding for finding in errors if finding.rule == RULE]
    if protected:
        things = "a protected resource" if len(protected) == 1 else f"{len(protected)} protected resources"
        raise GuardRefused(
            f"the plan would destroy {things} of `{named.environment}`",
            place=protected[0].place,
            details=[finding.message for finding in protected],
            points=[(finding.message, finding.place) for finding in protected],
            hint="nobody can approve that; if it must be, change guards.never_destroy where it stands, then plan again",
        )
    if errors:
        rules = len({finding.rule for finding in errors})
        raise PolicyViolated(
            f"the plan breaks {'a rule' if rules == 1 else f'{rules} rules'} of the policy of `{named.environment}`",
            place=errors[0].place,
            details=list(finding_lines(errors)),
            points=[(f"{each.rule}: {each.message} ({each.where}): {each.reason}", each.place) for each in errors],
            hint=f"mend what is planned, or change the rule where it stands; {named.command('policy', '--list')}",
        )


def finding_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """Each finding in two lines: what and where, then why the rule is there and where it stands."""
    for finding in findings:
        yield f"{finding.rule}: {finding.message} ({finding.where})"
        yield f"  {finding.reason} ({finding.place})"
