"""What clients upload: the multipart form of scripts and versions, and the newer API's JSON, made into one shape.

Bindings are resolved here: what is inherited or kept comes from the newest version, and what a binding names must
exist.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from sandbox.cloudflare.answers import Refusal
from sandbox.cloudflare.call import Call
from sandbox.cloudflare.workers.assets import open_token
from sandbox.cloudflare.workers.files import Files
from sandbox.service import NoSuchBucketError
from sandbox.tables import Body

_INVALID = 10021
_NAME = re.compile(r"[^\0/\\]{1,255}(/[^\0\\]+)*")
_SECRET_TYPES = ("secret_text", "secret_key")
_SECRET_FIELDS = ("text", "key_base64", "key_jwt", "key_jwk")
_COPIED = ("limits", "placement", "cache_options", "exports", "package_dependencies")


def hidden(bindings: Sequence[Body]) -> list[dict[str, Any]]:
    """Bindings as they are shown: a secret's name and type only."""
    return [
        {
            key: value
            for key, value in binding.items()
            if binding["type"] not in _SECRET_TYPES or key not in _SECRET_FIELDS
        }
        for binding in bindings
    ]


def from_form(call: Call, before: Body | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The version in a multipart upload, and its metadata."""
    metadata = _metadata(call)
    parts = {name: part for name, part in call.request.files.items(multi=True) if name != "metadata"}
    modules = [
        _module(call, name, part.content_type or "application/octet-stream", part.read())
        for name, part in parts.items()
    ]
    return _content(call, metadata, modules, before), metadata


def from_json(call: Call, body: Body, before: Body | None) -> dict[str, Any]:
    """The version in a request of the newer API."""
    modules = []
    for module in body.get("modules") or []:
        try:
            raw = base64.b64decode(str(module.get("content_base64", "")), validate=True)
        except binascii.Error:
            raise Refusal(400, _INVALID, f"the module {module.get('name')} is not base64") from None
        modules.append(_module(call, str(module.get("name", "")), str(module.get("content_type", "")), raw))
    return _content(call, body, modules, before)


def _metadata(call: Call) -> dict[str, Any]:
    text = call.request.form.get("metadata")
    part = call.request.files.get("metadata")
    raw = text if text is not None else part.read().decode() if part else None
    try:
        metadata = json.loads(raw or "")
    except ValueError:
        metadata = None
    if not isinstance(metadata, dict):
        raise Refusal(400, 10004, "the upload has no part `metadata` with a JSON object")
    return metadata


def _module(call: Call, name: str, content_type: str, content: bytes) -> dict[str, Any]:
    if not _NAME.fullmatch(name) or ".." in name.split("/"):
        raise Refusal(400, _INVALID, f"`{name}` is not the name of a module")
    digest = Files(call.world.folder).put_module(content)
    return {"name": name, "content_type": content_type.partition(";")[0].strip(), "file": digest, "size": len(content)}


def _content(call: Call, metadata: Body, modules: list[dict[str, Any]], before: Body | None) -> dict[str, Any]:
    main, body_part = metadata.get("main_module"), metadata.get("body_part")
    assets = _assets(call, metadata, before)
    if not main and not body_part and not assets:
        raise Refusal(400, _INVALID, "the upload names neither `main_module` nor `body_part`, and has no assets")
    entry = main or body_part
    if entry and entry not in [module["name"] for module in modules]:
        raise Refusal(400, _INVALID, f'Uncaught Error: No such module "{entry}".')
    bindings = _bindings(call, metadata, before)
    etag = sha256("".join(module["name"] + module["file"] for module in modules).encode()).hexdigest()
    content: dict[str, Any] = {
        "main_module": main,
        "body_part": body_part,
        "modules": modules,
        "bindings": bindings,
        "compatibility_date": _date(metadata.get("compatibility_date")),
        "compatibility_flags": list(metadata.get("compatibility_flags") or []),
        "usage_model": metadata.get("usage_model") or "standard",
        "assets": assets,
        "handlers": ["fetch"] if entry else [],
        "etag": etag,
        "migration_tag": _migration(metadata.get("migrations"), before),
    }
    content.update({name: metadata[name] for name in _COPIED if metadata.get(name)})
    return content


def _assets(call: Call, metadata: Body, before: Body | None) -> dict[str, Any] | None:
    wanted = metadata.get("assets")
    if wanted and wanted.get("jwt"):
        return {"manifest": open_token(call, str(wanted["jwt"]), "complete"), "config": wanted.get("config") or {}}
    if before and before["assets"] and metadata.get("keep_assets"):
        kept: dict[str, Any] = dict(before["assets"])
        return kept
    return None


def _date(text: Any) -> str:
    if not text:
        return ""
    try:
        wanted = date.fromisoformat(str(text))
    except ValueError:
        raise Refusal(400, _INVALID, f"Invalid compatibility date: {text}") from None
    if wanted > datetime.now(UTC).date():
        raise Refusal(400, _INVALID, f"Can't set compatibility date in the future: {text}")
    return str(text)


def _migration(migrations: Any, before: Body | None) -> str | None:
    current: str | None = before["migration_tag"] if before else None
    if not migrations:
        return current
    if (migrations.get("old_tag") or None) != current:
        raise Refusal(
            412, 10079, f"the migration starts from tag `{migrations.get('old_tag')}`, the Worker has `{current}`"
        )
    return migrations.get("new_tag") or current


def _bindings(call: Call, metadata: Body, before: Body | None) -> list[dict[str, Any]]:
    earlier = {binding["name"]: binding for binding in (before["bindings"] if before else [])}
    strict = call.query.get("bindings_inherit") == "strict"
    made: dict[str, dict[str, Any]] = {}
    for wanted in metadata.get("bindings") or []:
        name = wanted.get("name")
        if not name or not wanted.get("type"):
            raise Refusal(400, _INVALID, "a binding needs `name` and `type`")
        if name in made:
            raise Refusal(
                400, 10053, f"Binding name '{name}' already in use. Please use a different name and try again."
            )
        binding = _inherited(wanted, earlier, strict=strict) if wanted["type"] == "inherit" else dict(wanted)
        if binding is not None:
            _check_target(call, binding)
            made[name] = binding
    for name, binding in earlier.items():
        if binding["type"] in (metadata.get("keep_bindings") or []) and name not in made:
            made[name] = dict(binding)
    return list(made.values())


def _inherited(wanted: Body, earlier: Mapping[str, Body], *, strict: bool) -> dict[str, Any] | None:
    source = earlier.get(str(wanted.get("old_name") or wanted["name"]))
    if source is None:
        if strict:
            raise Refusal(
                400, 10057, f"Binding '{wanted['name']}' cannot be inherited: the newest version has no such binding."
            )
        return None
    return {**source, "name": wanted["name"]}


def _check_target(call: Call, binding: Body) -> None:
    """What a binding names must be there, as the API demands it."""
    kind, name = binding["type"], binding["name"]
    if kind == "secret_text" and not isinstance(binding.get("text"), str):
        raise Refusal(400, _INVALID, f"the secret '{name}' has no text")
    if (
        kind == "kv_namespace"
        and call.state.get("kv_namespaces", call.account_id, str(binding.get("namespace_id"))) is None
    ):
        raise Refusal(400, 10041, f"KV namespace '{binding.get('namespace_id')}' not found.")
    if kind == "r2_bucket":
        try:
            call.world.buckets.get(str(binding.get("bucket_name")))
        except NoSuchBucketError:
            raise Refusal(400, 10085, f"R2 bucket '{binding.get('bucket_name')}' not found.") from None
    if (
        kind == "d1"
        and call.state.get("d1_databases", call.account_id, str(binding.get("id") or binding.get("database_id")))
        is None
    ):
        raise Refusal(400, 10181, f"D1 binding '{name}' references database '{binding.get('id')}' which was not found.")
    if kind == "queue" and not _named(call, "queues", "queue_name", binding.get("queue_name")):
        raise Refusal(400, 11000, f'Queue "{binding.get("queue_name")}" does not exist.')
    if kind == "service" and not _named(call, "workers", "name", binding.get("service")):
        raise Refusal(
            400,
            10143,
            f"Could not resolve service binding '{name}'. Target Worker '{binding.get('service')}' not found.",
        )


def _named(call: Call, kind: str, field: str, value: Any) -> bool:
    return any(item[field] == value for item in call.state.all(kind, call.account_id))
