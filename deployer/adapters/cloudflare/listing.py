"""Everything of a kind that the account or the zone has, page by page: what is there, whoever made it.

Nothing is asked thing by thing. What a listing does not say (when a namespace was made) is not known.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from deployer.adapters.cloudflare.api import CloudflareApi
from deployer.errors import ServiceFailed

_PAGE: Final = 100
_LARGE_PAGE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One thing of a listing. `leads_to` is the Worker behind a host."""

    id: str
    name: str
    made: datetime | None = None
    leads_to: str | None = None


def workers(api: CloudflareApi) -> Iterator[Listed]:
    """All Workers, those without a version too."""
    for each in _paged(api, f"/accounts/{api.account}/workers/workers", _PAGE):
        # Deleted by name, which the path of the deletion shows.
        yield Listed(id=each["name"], name=each["name"], made=_moment(each.get("created_on")))


def custom_domains(api: CloudflareApi) -> Iterator[Listed]:
    """All hosts that lead to Workers; one page."""
    for each in _whole(api, f"/accounts/{api.account}/workers/domains"):
        yield Listed(id=each["id"], name=each["hostname"], leads_to=each.get("service"))


def records(api: CloudflareApi, zone: str) -> Iterator[Listed]:
    """All DNS records of a zone but those that come and go with a custom domain."""
    for each in _paged(api, f"/zones/{zone}/dns_records", _LARGE_PAGE):
        if not (each.get("meta") or {}).get("read_only"):
            yield Listed(id=each["id"], name=each["name"], made=_moment(each.get("created_on")))


def routes(api: CloudflareApi, zone: str) -> Iterator[Listed]:
    """All routes of a zone, by their patterns; one page."""
    for each in _whole(api, f"/zones/{zone}/workers/routes"):
        yield Listed(id=each["id"], name=each["pattern"], leads_to=each.get("script"))


def namespaces(api: CloudflareApi) -> Iterator[Listed]:
    """All KV namespaces, by their titles."""
    for each in _paged(api, f"/accounts/{api.account}/storage/kv/namespaces", _PAGE):
        yield Listed(id=each["id"], name=each["title"])


def buckets(api: CloudflareApi) -> Iterator[Listed]:
    """All R2 buckets."""
    path, cursor = f"/accounts/{api.account}/r2/buckets?per_page={_LARGE_PAGE}", ""
    while True:
        found, info = api.listed(f"{path}&cursor={urllib.parse.quote(cursor)}" if cursor else path)
        for each in (found or {}).get("buckets") or []:
            yield Listed(id=each["name"], name=each["name"], made=_moment(each.get("creation_date")))
        following = str(info.get("cursor") or "")
        if not following or following == cursor:
            return
        cursor = following


def notification_policies(api: CloudflareApi) -> Iterator[Listed]:
    """All alerts of the account; one page."""
    for each in _whole(api, f"/accounts/{api.account}/alerting/v3/policies"):
        yield Listed(id=each["id"], name=each["name"], made=_moment(each.get("created")))


def _whole(api: CloudflareApi, path: str) -> list[dict[str, Any]]:
    """A listing that has no pages."""
    return _items(api.listed(path)[0], path)


def _paged(api: CloudflareApi, path: str, size: int) -> Iterator[dict[str, Any]]:
    page = 1
    while True:
        found, info = api.listed(f"{path}?per_page={size}&page={page}")
        items = _items(found, path)
        yield from items
        # Smaller pages than it was asked for are the service's right: it says how many there are, or the last is empty.
        last = info.get("total_pages")
        if not items or (isinstance(last, int) and page >= last):
            return
        page += 1


def _items(found: Any, path: str) -> list[dict[str, Any]]:
    if found is None:
        return []
    if not isinstance(found, list):
        raise ServiceFailed("Cloudflare did not answer with a list", place=path)
    return found


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
