"""Where the data sources look. One that the schema knows and this table does not is refused when it is read."""

from __future__ import annotations

from dataclasses import dataclass, field

_ACCOUNT, _ZONE = "accounts/{account_id}", "zones/{zone_id}"


@dataclass(frozen=True, slots=True)
class Source:
    """Where one data source looks; paths are written as in the resources' table."""

    read: str
    find: str | None = None  # the list that `filter` searches
    found_from: str = "id"  # the field of the hit ...
    found_to: str = "id"  # ... that this attribute takes
    id_from: str | None = None
    envelope: bool = True
    items: str | None = None  # a list: the attribute that takes its items
    within: tuple[str, ...] = ()  # where in "result" the items are
    paged: bool = True
    headers: dict[str, str] = field(default_factory=dict)


DATA_SOURCES: dict[str, Source] = {
    "cloudflare_zone": Source("zones/{zone_id}", find="zones", found_to="zone_id", id_from="zone_id"),
    "cloudflare_zones": Source("zones", items="result"),
    "cloudflare_dns_records": Source(f"{_ZONE}/dns_records", items="result"),
}
