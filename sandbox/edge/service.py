"""The edge as a service: one Node process; this side starts it, and empties it on reset."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from sandbox import launch, node
from sandbox.aws import s3
from sandbox.children import Child
from sandbox.edge.controller import Controller
from sandbox.errors import SandboxError
from sandbox.ports import require_free
from sandbox.service import Context, Service

_MAIN = Path(__file__).with_name("main.mjs")
_ROOT = Path(__file__).parents[2]  # the folder whose node_modules has the pinned Wrangler


class EdgeService(Service):
    """Port `edge`, served by Node."""

    name = "edge"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._child: Child | None = None
        self._controller = Controller(context.home, context.url(self.name))

    def start(self) -> None:
        """Start the process."""
        if not (_ROOT / "node_modules" / "wrangler").is_dir():
            raise SandboxError("the edge needs the pinned Wrangler's runtime, and it is not installed", "`./bootstrap`")
        port = self.context.ports.get(self.name)
        require_free(self.name, port)
        access, secret = s3.keys(self.context.vault)
        argv = [node.binary(), str(_MAIN), "--home", str(self.context.home.root), "--port", str(port)]
        argv += ["--control", self.context.url("control"), "--tools", str(_ROOT)]
        argv += ["--python", sys.executable, "--launcher", str(Path(launch.__file__))]
        environment = {**os.environ, "R2_ACCESS_KEY_ID": access, "R2_SECRET_ACCESS_KEY": secret}
        self._child = self.context.spawn(self.name, argv, environment=environment)

    def wait(self) -> None:
        """Until the port answers."""
        if self._child:
            self._child.wait_ready()

    def reset(self) -> None:
        """No sites, nothing stored by Workers."""
        self._controller.clear()

    def coverage(self) -> Iterable[str]:
        """What of the edge is covered."""
        return (
            "hosts: custom domains and routes, most specific first; unknown 530, no route 404",
            "assets: html_handling, not_found_handling, run_worker_first, _headers, _redirects",
            "bindings: text, secret, json, KV, R2, D1, queue, rate limit, Durable Object, service, assets, version",
            "gradual deployments by weight; Cloudflare-Workers-Version-Overrides",
            "WebSockets; uncaught exceptions as 1101; POST /__sandbox/scheduled?worker=NAME&cron=EXPRESSION",
        )


def create(context: Context) -> Service:
    """See `sandbox`."""
    return EdgeService(context)
