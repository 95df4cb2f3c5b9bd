"""What a row about a Terraform resource type says; the rows are in the two modules beside this one.

`first` and `second` are the bodies of the resource `this`; `before` is what it needs; `import_id` may use `{account}`,
`{zone}` and attributes of the resource. `imported`: whether a plan after the import is empty, or an update by the
provider's design, or import is not implemented. `leaves`: tables of the stand-in in which something stays after
destroy, because the provider sends no request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Case:
    """One resource type, or one way to use it."""

    type: str
    first: str
    second: str
    import_id: str = ""
    imported: Literal["clean", "update", "no"] = "clean"
    before: str = ""
    leaves: tuple[str, ...] = ()
    variant: str = ""

    @property
    def id(self) -> str:
        """The test's name."""
        return self.type.removeprefix("cloudflare_") + (f"-{self.variant}" if self.variant else "")


ACCOUNT = "account_id = local.account"
ZONE = "zone_id = local.zone"
SCRIPT = """
resource "cloudflare_workers_script" "web" {
  account_id  = local.account
  script_name = "web"
  main_module = "index.js"
  content     = "export default { fetch() { return new Response('one') } }"
}
"""
WORKER = """
resource "cloudflare_worker" "web" {
  account_id = local.account
  name       = "web"
}
"""
BUCKET = """
resource "cloudflare_r2_bucket" "uploads" {
  account_id = local.account
  name       = "uploads"
}
"""
