"""The shape of a row of the table, and short ways to write the usual ones.

A call is written `VERB path`. In a path `{zone_id}` stands for the attribute of that name, `{dns_record_id=id}` for the
attribute `id` where the API calls it otherwise, and `{scope}` for `accounts/ID` or `zones/ID`, whichever is set.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Row:
    """Where one resource type lives and what is particular about it."""

    create: str
    read: str | None
    update: str | None
    delete: str | None
    import_id: str | None = None  # as the user writes it: "<zone_id>/<dns_record_id>"
    import_to: tuple[str, ...] = ()  # the attributes that its parts set
    patch: bool = False  # an update sends only what changed
    envelope: bool = True  # the object is under "result"
    id_from: str | None = None  # the attribute that `id` repeats
    stays: bool = False  # a destroy leaves it in the API, and says so
    unread_delete: bool = False  # the answer to a delete may be anything
    headers: dict[str, str] = field(default_factory=dict)  # sent with every request; values may name an attribute
    quirk: str | None = None  # module in quirks/ with what no general rule covers


def collection(path: str, part: str, attribute: str = "id", **more: object) -> Row:
    """Objects under `path`, each at `path/ID`; `part` is what the API calls the id."""
    one = f"{path}/{{{part}}}" if part == attribute else f"{path}/{{{part}={attribute}}}"
    scope = path.split("/", 1)[0]
    if scope == "{scope}":
        lead = "<{accounts|zones}/{account_id|zone_id}>/"
        to: tuple[str, ...] = ("scope",)
    else:
        parents = [piece[1:-1] for piece in path.split("/") if piece.startswith("{")]
        lead, to = "".join(f"<{parent}>/" for parent in parents), tuple(parents)
    row = Row(
        create=f"POST {path}",
        read=f"GET {one}",
        update=f"PUT {one}",
        delete=f"DELETE {one}",
        import_id=f"{lead}<{part}>",
        import_to=(*to, attribute),
    )
    return replace(row, **more)  # type: ignore[arg-type]  # `replace` knows the fields


def setting(path: str, verb: str = "PATCH", key: str = "zone_id", **more: object) -> Row:
    """Something that a zone always has: it is changed, never made, and mostly stays when Terraform lets go of it."""
    row = Row(
        create=f"{verb} {path}",
        read=f"GET {path}",
        update=f"{verb} {path}",
        delete=None,
        import_id=f"<{key}>",
        import_to=(key,),
        patch=verb == "PATCH",
        id_from=key,
        stays=True,
    )
    return replace(row, **more)  # type: ignore[arg-type]  # `replace` knows the fields
