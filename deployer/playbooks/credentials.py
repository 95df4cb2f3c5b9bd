"""Which credentials a run needs, in one error for all that are missing; and the values of single secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from deployer.adapters.target import AWS_KEYS, CLOUDFLARE_TOKEN, R2_KEYS
from deployer.inventory.base import SecretRef
from deployer.steps.secrets import DEPLOY_KEY, value_at

if TYPE_CHECKING:
    from deployer.playbooks.wiring import Wiring


def require_credentials(wiring: Wiring, *, references: Mapping[str, SecretRef]) -> None:
    """One error for everything that is missing, before anything is started; `references` will be resolved."""
    needed = {
        CLOUDFLARE_TOKEN: "Terraform and Wrangler act with it",
        R2_KEYS[0]: "reads and writes the Terraform state on R2",
        R2_KEYS[1]: "reads and writes the Terraform state on R2",
    }
    key = wiring.environment.convex.deploy_key
    if key.env is not None and DEPLOY_KEY in references:
        needed[key.env] = "pushes to the Convex deployment"
    missing = {name: purpose for name, purpose in needed.items() if not wiring.target.credentials.get(name)}
    if any(reference.aws for reference in references.values()):
        missing |= wiring.target.missing_aws()
    if missing:
        raise wiring.target.missing(missing)
    for name in needed:
        wiring.redactor.add(wiring.target.credentials[name])
    for name in AWS_KEYS:
        wiring.redactor.add(wiring.target.credentials.get(name, ""))


def values_of(wiring: Wiring, references: Mapping[str, SecretRef]) -> dict[str, str | None]:
    """The values of these references, for those who need them outside a run; None for one without."""
    ids = {reference.aws for reference in references.values() if reference.aws is not None}
    stored = wiring.secrets_manager.read(ids) if ids else {}
    return {label: value_at(each, stored, wiring.target.credentials) for label, each in references.items()}
