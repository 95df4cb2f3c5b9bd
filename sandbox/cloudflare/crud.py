"""Serves the plain resources: collections of objects and single settings objects, each described by a row.

A row says path, fields with defaults, checks, what must be unique and how absence is told. Keys that a row does not
name are kept and echoed after the known ones, as the real API does with what is newer than this table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.cloudflare.answers import Answer, Refusal, nothing, ok, page
from sandbox.cloudflare.call import Call, Route
from sandbox.cloudflare.checks import Check
from sandbox.cloudflare.values import hex_id
from sandbox.tables import Body


class _Absent:
    """A field that is left out of the object."""


ABSENT = _Absent()


@dataclass(frozen=True)
class Change:
    """One create or update while it is carried out: `old` is the object before, `id` and `time` the new one's."""

    call: Call
    scope: str
    id: str
    time: str
    body: Body
    old: Body | None


@dataclass(frozen=True)
class Field:
    """A field of an object, in the order of its answer: computed by `server`, else from the body, else the default."""

    name: str
    default: Any = ABSENT
    server: Callable[[Change], Any] | None = None

    def value(self, change: Change) -> Any:
        """What the object holds."""
        if self.server is not None:
            return self.server(change)
        given = change.body.get(self.name)
        if given is not None:
            return given
        return self.default(change) if callable(self.default) else self.default


def echo(*names: str) -> tuple[Field, ...]:
    """Fields that are there when the client sent them."""
    return tuple(Field(name) for name in names)


def identity(change: Change) -> str:
    """The server's choice for `id`."""
    return change.id


def created(change: Change) -> str:
    """The time of the first write."""
    return str(change.old["created_on"]) if change.old and "created_on" in change.old else change.time


def modified(change: Change) -> str:
    """The time of this write."""
    return change.time


def kept(name: str, otherwise: Callable[[Change], Any]) -> Field:
    """A field that the server chooses once."""

    def server(change: Change) -> Any:
        return change.old[name] if change.old and name in change.old else otherwise(change)

    return Field(name, server=server)


@dataclass(frozen=True)
class Unique:
    """Field values that no second object of the scope may have."""

    fields: tuple[str, ...]
    status: int
    code: int
    message: str


@dataclass(frozen=True)
class Collection:
    """A kind of object under a path, created by POST, replaced by PUT, removed by DELETE."""

    kind: str
    path: str  # of the collection; its first parameter is the scope
    missing: tuple[int, str]  # code and message of the 404
    fields: Sequence[Field]
    checks: Sequence[Check] = ()
    verify: Callable[[Change], None] | None = None  # rules that need the state
    unique: Sequence[Unique] = ()
    new_id: Callable[[], str] = hex_id
    id_field: str = "id"
    hidden: tuple[str, ...] = ()  # in the answer to the request that made the value, never later
    update: str | None = "PUT"  # PATCH keeps what the body does not name
    filters: tuple[str, ...] = ()
    paged: bool = True
    per_page: int = 20
    answer_created: Callable[[Body], Any] = lambda body: body
    answer_deleted: Callable[[str], Any] | None = lambda identifier: {"id": identifier}
    before_delete: Callable[[Call, str, Body], None] | None = None
    created_status: int = 200

    def routes(self) -> list[Route]:
        """What this row answers."""
        one = f"{self.path}/<identifier>"
        routes = [
            Route("GET", self.path, self.listing),
            Route("POST", self.path, self.create),
            Route("GET", one, self.read),
            Route("DELETE", one, self.remove),
        ]
        return [*routes, Route(self.update, one, self.change)] if self.update else routes

    def find(self, call: Call, scope: str, identifier: str) -> Body:
        """The object, or the 404 of its kind."""
        found = call.state.get(self.kind, scope, identifier)
        if found is None:
            raise Refusal(404, *self.missing)
        return found

    def listing(self, call: Call, **path: str) -> Answer:
        """GET of the collection."""
        wanted = {name: call.query[name] for name in self.filters if call.query.get(name)}
        items = [
            self.shown(item)
            for item in call.state.all(self.kind, _scope(call, path))
            if all(str(item.get(name)) == value for name, value in wanted.items())
        ]
        return page(items, call.query, per_page=self.per_page) if self.paged else ok(items)

    def create(self, call: Call, **path: str) -> Answer:
        """POST to the collection."""
        made = self.store(call, _scope(call, path), self.new_id(), call.object(), None)
        return ok(self.answer_created(made), status=self.created_status)

    def read(self, call: Call, identifier: str, **path: str) -> Answer:
        """GET of one object."""
        return ok(self.shown(self.find(call, _scope(call, path), identifier)))

    def change(self, call: Call, identifier: str, **path: str) -> Answer:
        """PUT or PATCH of one object."""
        scope = _scope(call, path)
        old = self.find(call, scope, identifier)
        body = call.object()
        if call.request.method == "PATCH":
            body = {**old, **body}
        made = self.store(call, scope, identifier, body, old)
        return ok(self.answer_created({k: v for k, v in made.items() if k not in self.hidden or old.get(k) != v}))

    def remove(self, call: Call, identifier: str, **path: str) -> Answer:
        """DELETE of one object."""
        scope = _scope(call, path)
        old = self.find(call, scope, identifier)
        if self.before_delete:
            self.before_delete(call, scope, old)
        call.state.delete(self.kind, scope, identifier)
        return nothing() if self.answer_deleted is None else ok(self.answer_deleted(identifier))

    def shown(self, body: Body) -> dict[str, Any]:
        """The object without what is told only once."""
        return {key: value for key, value in body.items() if key not in self.hidden}

    def store(self, call: Call, scope: str, identifier: str, body: Body, old: Body | None) -> dict[str, Any]:
        """Check, complete and keep an object."""
        for check in self.checks:
            check(body)
        change = Change(call, scope, identifier, call.time, body, old)
        if self.verify:
            self.verify(change)
        for rule in self.unique:
            self._refuse_twin(change, rule)
        made = compose(self.fields, change, self.id_field)
        call.state.put(self.kind, scope, identifier, made)
        return made

    def _refuse_twin(self, change: Change, rule: Unique) -> None:
        wanted = [change.body.get(name) for name in rule.fields]
        for other in change.call.state.all(self.kind, change.scope):
            if other[self.id_field] != change.id and [other.get(name) for name in rule.fields] == wanted:
                raise Refusal(rule.status, rule.code, rule.message.format(*wanted))


def compose(fields: Sequence[Field], change: Change, *server_keys: str) -> dict[str, Any]:
    """The complete object: known fields in their order, then what else the client sent (its nulls mean absence)."""
    made: dict[str, Any] = {}
    for entry in fields:
        value = entry.value(change)
        if value is not ABSENT:
            made[entry.name] = value
    known = {entry.name for entry in fields} | set(server_keys)
    made.update({key: value for key, value in change.body.items() if key not in known and value is not None})
    return made


@dataclass(frozen=True)
class Singleton:
    """One object that is always there: a setting of a zone. Its defaults are shown until somebody writes."""

    kind: str
    path: str
    fields: Sequence[Field]
    checks: Sequence[Check] = ()
    write: tuple[str, ...] = ("PATCH",)  # PATCH merges objects; PUT and POST replace
    delete: Callable[[Body], Any] | None = None  # answers DELETE, which restores the defaults; None: no such request
    delete_empty: bool = False  # DELETE answers 204
    merge: bool = False  # POST and PUT merge as well
    after: Callable[[Change], None] | None = field(default=None)

    def routes(self) -> list[Route]:
        """What this row answers."""
        routes = [Route("GET", self.path, self.read)]
        routes += [Route(method, self.path, self.change) for method in self.write]
        if self.delete or self.delete_empty:
            routes.append(Route("DELETE", self.path, self.remove))
        return routes

    def read(self, call: Call, **path: str) -> Answer:
        """GET."""
        return ok(self.current(call, _scope(call, path)))

    def change(self, call: Call, **path: str) -> Answer:
        """PATCH, PUT or POST."""
        scope = _scope(call, path)
        body = call.object()
        for check in self.checks:
            check(body)
        old = self.current(call, scope)
        if call.request.method == "PATCH" or self.merge:
            body = merged(old, body)
        made = compose(self.fields, Change(call, scope, self.kind, call.time, body, old))
        call.state.put(self.kind, scope, self.kind, made)
        return ok(made)

    def remove(self, call: Call, **path: str) -> Answer:
        """DELETE."""
        scope = _scope(call, path)
        old = self.current(call, scope)
        call.state.delete(self.kind, scope, self.kind)
        return ok(self.delete(old)) if self.delete else nothing()

    def current(self, call: Call, scope: str) -> Body:
        """What is kept, or the defaults."""
        kept_body = call.state.get(self.kind, scope, self.kind)
        return kept_body or compose(self.fields, Change(call, scope, self.kind, call.time, {}, None))


def merged(old: Body, new: Mapping[str, Any]) -> dict[str, Any]:
    """`new` over `old`, objects inside objects too: clients send only what changed."""
    result = dict(old)
    for key, value in new.items():
        before = result.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            result[key] = merged(before, value)
        else:
            result[key] = value
    return result


def _scope(call: Call, path: Mapping[str, str]) -> str:
    return next(iter(path.values()), call.account_id)
