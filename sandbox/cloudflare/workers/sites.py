"""What the edge should serve: every deployed Worker that something leads to, with its files, bindings and hosts.

Secret values are in here, as they are in the bindings of the real runtime; the file lies in the private home.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.cloudflare.call import World
from sandbox.cloudflare.workers.files import Files
from sandbox.tables import Body


def sites(world: World, account: Body) -> list[dict[str, Any]]:
    """In the order in which the Workers were made; several versions of one Worker carry their share as `weight`."""
    workers = {str(worker["name"]): worker for worker in world.state.all("workers", account["id"])}
    hosts = {name: _hosts(world, account, worker) for name, worker in workers.items()}
    routes = {name: _routes(world, name) for name in workers}
    wanted = {name for name in workers if hosts[name] or routes[name] or workers[name]["schedules"]}
    _add_called(world, workers, wanted)
    made = []
    for name, worker in workers.items():
        if name in wanted:
            for version, weight in _live(world, worker):
                made.append(_site(world, worker, version, weight, hosts[name], routes[name]))
    return made


def _add_called(world: World, workers: Mapping[str, Body], wanted: set[str]) -> None:
    """A Worker that is only called by another one through a service binding has to run as well."""
    queue = list(wanted)
    while queue:
        for version, _ in _live(world, workers[queue.pop()]):
            for binding in version["bindings"]:
                name = str(binding.get("service"))
                if binding["type"] == "service" and name in workers and name not in wanted:
                    wanted.add(name)
                    queue.append(name)


def _live(world: World, worker: Body) -> Iterator[tuple[Body, float]]:
    """The versions of the newest deployment that get traffic."""
    for deployment in world.state.all("deployments", worker["id"])[-1:]:
        for share in deployment["versions"]:
            version = world.state.get("versions", worker["id"], share["version_id"])
            if version is not None and share["percentage"] > 0:
                yield version, share["percentage"]


def _hosts(world: World, account: Body, worker: Body) -> list[str]:
    domains = world.state.all("worker_domains", account["id"])
    hosts = [str(domain["hostname"]) for domain in domains if domain["worker_id"] == worker["id"]]
    if worker["subdomain"]["enabled"]:
        kept = world.state.get("workers_subdomain", account["id"], "subdomain")
        name = kept["subdomain"] if kept else re.sub(r"[^a-z0-9-]+", "-", str(account["name"]).lower()).strip("-")
        hosts.append(f"{worker['name']}.{name}.workers.dev")
    return hosts


def _routes(world: World, name: str) -> list[str]:
    return [str(route["pattern"]) for _, route in world.state.scopes("worker_routes") if route["script"] == name]


def _site(
    world: World, worker: Body, version: Body, weight: float, hosts: list[str], routes: list[str]
) -> dict[str, Any]:
    files = Files(world.folder)
    assets = version["assets"]
    modules = [
        {"name": module["name"], "type": module["content_type"], "path": str(files.module(module["file"]))}
        for module in version["modules"]
    ]
    return {
        "worker": worker["name"],
        "hosts": hosts,
        "routes": routes,
        "version": version["id"],
        "tag": version["annotations"].get("workers/tag", ""),
        "created_on": version["created_on"],
        "weight": weight,
        "modules": modules,
        "main_module": version["main_module"] or version["body_part"],
        "assets_dir": str(files.assets_folder(assets["manifest"])) if assets else None,
        "assets_config": assets["config"] if assets else {},
        "compatibility_date": version["compatibility_date"],
        "compatibility_flags": version["compatibility_flags"],
        "bindings": version["bindings"],
        "crons": [schedule["cron"] for schedule in worker["schedules"]],
    }
