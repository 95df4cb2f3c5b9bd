"""Puts a run together: from inventory, target and work folder to the adapters that steps are given.

Nothing is started or asked here; what costs something (finding Node, making clients) waits until a step wants it.
"""

from __future__ import annotations

import secrets as randomness
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.adapters import process_records
from deployer.adapters.aws import AwsAccess
from deployer.adapters.cloudflare import FINDABLE, CloudflareApi, import_id
from deployer.adapters.convex import ConvexCli, ConvexControl, ConvexDeployment
from deployer.adapters.http import Http
from deployer.adapters.node import Node, find_node, package_script, program_folder
from deployer.adapters.once import once
from deployer.adapters.process import Processes
from deployer.adapters.redact import Redactor
from deployer.adapters.secrets import SecretsManager
from deployer.adapters.sources import Sources
from deployer.adapters.state import Bucket, Cipher
from deployer.adapters.target import AWS_KEYS, CLOUDFLARE_TOKEN, R2_KEYS, Target
from deployer.adapters.templates import Templates
from deployer.adapters.terraform import Stack, Terraform, find_terraform
from deployer.adapters.wrangler import Wrangler
from deployer.engine.stop import Stop
from deployer.inventory.base import SecretRef
from deployer.inventory.load import LoadedInventory
from deployer.inventory.model import Environment
from deployer.review.patterns import fits
from deployer.steps.adoption import Adoption, Note
from deployer.steps.application import Application
from deployer.steps.holdings import Holdings
from deployer.steps.missing_secrets import SecretPlaces
from deployer.steps.release_record import ReleaseRecord
from deployer.steps.secrets import DEPLOY_KEY, FINGERPRINT_KEY
from deployer.words import Named

if TYPE_CHECKING:
    from deployer.review.name_guard import NameGuard
    from deployer.steps.state_file import StateFile

_PATH_SEPARATOR = ":"
# How long a Terraform that a killed run left behind may go on to its own end.
_LEFTOVER_PATIENCE = 60.0


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """The adapters of one run on one environment; each is made on first use."""

    loaded: LoadedInventory
    environment: Environment
    target: Target
    folder: Path
    stop: Stop
    redactor: Redactor
    # How long a held lock is waited for, in seconds; None for a command that has no `--lock-timeout`.
    patience: float | None = None
    # By which the ledger knows this run, and others on this machine its programs.
    run_id: str = field(default_factory=lambda: randomness.token_hex(6))
    _recovering: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @once
    def guard(self) -> NameGuard | None:
        """What the run of an ephemeral environment may write, asked at every adapter's door; None for others."""
        from deployer.playbooks.guarding import guard_of

        return guard_of(self.loaded, self.environment)

    # --- shared --------------------------------------------------------------------------------------------------

    @property
    def root(self) -> Path:
        """The checkout."""
        return self.loaded.root

    @property
    def named(self) -> Named:
        """The environment and the target, for commands that a person is told to type."""
        return Named(self.environment.name, self.target.name)

    @property
    def logs(self) -> Path:
        """Where the output of every tool is kept."""
        return self.folder / "logs"

    @property
    def records(self) -> Path:
        """Notes about running tools."""
        return self.folder / "processes"

    @once
    def processes(self) -> Processes:
        """Starts programs."""
        return Processes(
            self.redactor,
            stop=self.stop.requested,
            hurried=self.stop.hurried,
            records=self.records,
            run_id=self.run_id,
        )

    @once
    def http(self) -> Http:
        """Asks services."""
        return Http(
            self.redactor,
            timeout=float(self.environment.limits.http_seconds),
            stop=self.stop.requested,
            environment=self.target.process_environment,
        )

    @once
    def templates(self) -> Templates:
        """The templates of this checkout."""
        return Templates(self.root / "templates", compiled=self.folder / "templates")

    @once
    def node(self) -> Node:
        """The Node that runs the JavaScript tools."""
        environment = self.target.tool_environment()
        return find_node(environment, processes=self.processes, log=self.logs / "node-version.log")

    @once
    def programs(self) -> Path:
        """A folder with `node`, `npm` and `npx`, to go first on PATH."""
        return program_folder(self.node, self.folder / "bin")

    @property
    def _tool_seconds(self) -> float:
        return float(self.environment.limits.tool_seconds)

    def _node_environment(self, *credentials: str) -> dict[str, str]:
        environment = self.target.tool_environment(credentials=credentials)
        path = environment.get("PATH", "")
        return {
            **environment,
            "PATH": f"{self.programs}{_PATH_SEPARATOR}{path}",
            # Compiled once: Wrangler alone is 15 MB of script, and most of its time is reading them.
            "NODE_COMPILE_CACHE": str(self.root / ".work" / "node-compiled"),
        }

    @once
    def _leftovers(self) -> list[process_records.Leftover]:
        found = process_records.end_leftovers(self.records, patience=_LEFTOVER_PATIENCE, patient="terraform")
        # A note of a Terraform whose lock is still there stays: it is the proof by which that may be released.
        stacks = [stack for stack in self.environment.stacks if self.state_file(stack).locked()] if found else []
        proofs = tuple(f"({stack})" for stack in stacks)
        process_records.forget([note for note in found if not (proofs and note.title.endswith(proofs))])
        return found

    def recover_once(self) -> None:
        """End what a killed run has left running on this environment; others wait until that is done."""
        with self._recovering:
            _ = self._leftovers

    @once
    def checkout(self) -> Sources:
        """The repository that this runs in."""
        environment = self.target.tool_environment()
        return Sources(
            folder=self.root, exclude=(), processes=self.processes, environment=environment, log=self.logs / "git.log"
        )

    def tolerated(self, address: str, path: str) -> bool:
        """Whether the inventory calls a difference in this attribute noise."""
        rules = self.environment.plan.tolerate.values()
        return any(fits(rule.address, address) and fits(rule.attribute, path) for rule in rules)

    # --- secrets and state ---------------------------------------------------------------------------------------

    @once
    def references(self) -> dict[str, SecretRef]:
        """Every secret that a deploy needs, by its place in the inventory."""
        from deployer.playbooks import state_wiring  # Terraform is started before this is needed

        worker, convex = self.environment.worker, self.environment.convex
        return {
            FINGERPRINT_KEY: self.loaded.inventory.project.fingerprint_key,
            DEPLOY_KEY: convex.deploy_key,
            **state_wiring.copy_references(self),
            **{f"worker.secrets.{name}": reference for name, reference in worker.secrets.items()},
            **{f"convex.secrets.{name}": reference for name, reference in convex.secrets.items()},
        }

    @once
    def secrets_manager(self) -> SecretsManager:
        """AWS Secrets Manager."""
        sandbox = self.target.name == "sandbox"
        access = AwsAccess(
            service="secretsmanager",
            region=self.loaded.inventory.project.aws_region,
            endpoint=self.target.secrets_url,
            # In the cloud boto3 finds its credentials itself: profiles and federated roles are as good as keys.
            access_key=self.target.credential(AWS_KEYS[0]) if sandbox else None,
            secret_key=self.target.credential(AWS_KEYS[1]) if sandbox else None,
            isolated=sandbox,
            timeout=float(self.environment.limits.http_seconds),
        )
        return SecretsManager(access)

    @property
    def secret_places(self) -> SecretPlaces:
        """Where secrets are looked for, for those who have to set one."""
        region = self.loaded.inventory.project.aws_region
        return SecretPlaces(environment=self.target.place, region=region, sandbox=self.target.name == "sandbox")

    @once
    def _r2(self) -> AwsAccess:
        return AwsAccess(
            service="s3",
            region="auto",
            endpoint=self.target.s3_url,
            access_key=self.target.credentials.get(R2_KEYS[0], ""),
            secret_key=self.target.credentials.get(R2_KEYS[1], ""),
            isolated=True,
            timeout=float(self.environment.limits.http_seconds),
        )

    def bucket(self, name: str) -> Bucket:
        """A bucket on R2."""
        return Bucket(self._r2, name, guard=self.guard)

    @once
    def state_bucket(self) -> Bucket:
        """The bucket of the state."""
        return self.bucket(self.loaded.inventory.project.state_bucket)

    @once
    def record(self) -> ReleaseRecord:
        """What earlier deploys of this environment recorded."""
        return ReleaseRecord(self.state_bucket, self.environment.name)

    @once
    def holdings(self) -> Holdings:
        """What the states of this environment hold."""
        return Holdings(self.state_bucket, self.named)

    # --- Terraform -----------------------------------------------------------------------------------------------

    @once
    def terraform(self) -> Terraform:
        """The Terraform that runs."""
        environment = self.target.tool_environment()
        return find_terraform(environment, processes=self.processes, work=self.root / ".work")

    def stack(self, name: str) -> Stack:
        """One stack of this environment, with its files rendered."""
        backend, variables = self.render_backend(name), self.render_variables(name)
        if self.guard is not None:
            self.guard.inputs(name, backend=backend, variables=variables)
        return Stack(
            name=name,
            root=self.root / "terraform" / "roots" / name,
            work=self.folder / "terraform" / name,
            logs=self.logs,
            terraform=self.terraform,
            processes=self.processes,
            environment=self._terraform_environment(),
            backend=backend,
            variables=variables,
            timeout=self._tool_seconds,
            plugin_cache=None if self.target.name == "sandbox" else self.root / ".work" / "terraform-plugins",
            unlock_hint=self.named.bare("state.unlock", f"--stack {name}"),
        )

    def state_file(self, stack: str) -> StateFile:
        """Where the state of a stack lies."""
        from deployer.playbooks import state_wiring

        return state_wiring.state_file(self, stack)

    @once
    def copy_cipher(self) -> Cipher | None:
        """What copies of states are encrypted with."""
        from deployer.playbooks import state_wiring

        return state_wiring.make_cipher(self)

    def adoption(self, stack: str) -> Adoption:
        """What to do about things that exist and are not in a stack's state."""
        return Adoption(
            note=Note(self.state_bucket, f"releases/{self.environment.name}/unfinished-{stack}.json"),
            find=lambda kind, wanted: import_id(self.cloudflare, kind, wanted),
            findable=FINDABLE,
        )

    def _terraform_environment(self) -> dict[str, str]:
        environment = self.target.tool_environment(credentials=[CLOUDFLARE_TOKEN], extra=self.target.addresses)
        # The s3 backend knows only the names that AWS gave them.
        environment["AWS_ACCESS_KEY_ID"] = self.target.credential(R2_KEYS[0])
        environment["AWS_SECRET_ACCESS_KEY"] = self.target.credential(R2_KEYS[1])
        for name in (CLOUDFLARE_TOKEN, *R2_KEYS):
            # It may be started before the step that asks for all credentials.
            self.redactor.add(self.target.credential(name))
        if self.target.name == "sandbox":
            environment["AWS_ENDPOINT_URL_S3"] = self.target.s3_url
        return environment

    # --- rendered files ------------------------------------------------------------------------------------------

    def _template_values(self, **more: object) -> dict[str, object]:
        return {
            "inventory": self.loaded.inventory,
            "environment": self.environment,
            "target": self.target.name,
            **more,
        }

    def render_backend(self, stack: str) -> str:
        """Terraform's backend configuration."""
        return self.templates.render("terraform/backend.tfbackend.j2", self._template_values(stack=stack))

    def render_variables(self, stack: str) -> str:
        """Terraform's variables."""
        return self.templates.render_json(f"terraform/{stack}.tfvars.json.j2", self._template_values(stack=stack))

    def render_wrangler(self, outputs: Mapping[str, Any]) -> str:
        """Wrangler's configuration, with the outputs of the stacks."""
        return self.templates.render_json("wrangler.json.j2", self._template_values(outputs=outputs))

    # --- services and their tools --------------------------------------------------------------------------------

    @once
    def cloudflare(self) -> CloudflareApi:
        """Cloudflare's API."""
        project = self.loaded.inventory.project
        token = lambda: self.target.credential(CLOUDFLARE_TOKEN)  # noqa: E731 -- listing steps needs no credential
        return CloudflareApi(self.http, self.target.cloudflare_url, project.account_id, token, self.guard)

    @once
    def convex_control(self) -> ConvexControl:
        """Convex's control plane."""
        return ConvexControl(self.http, self.target.convex_url, self.guard)

    def convex_deployment(self, url: str, key: str) -> ConvexDeployment:
        """One Convex deployment."""
        self.redactor.add(key)
        return ConvexDeployment(self.http, url, key, self.guard)

    def convex_cli(self) -> ConvexCli:
        """The Convex CLI: the application's own, else the one of this checkout."""
        return ConvexCli(
            node=self.node,
            script=package_script("convex", self.application.folder, self.root),
            processes=self.processes,
            environment={**self._node_environment(), **self.target.addresses},
            home=self.folder / "convex",
            logs=self.logs,
            timeout=self._tool_seconds,
            guard=self.guard,
        )

    def wrangler(self) -> Wrangler:
        """The Wrangler of this checkout."""
        project = self.loaded.inventory.project
        environment = self._node_environment(CLOUDFLARE_TOKEN)
        return Wrangler(
            node=self.node,
            script=package_script("wrangler", self.root),
            processes=self.processes,
            environment={**environment, **self.target.addresses, "CLOUDFLARE_ACCOUNT_ID": project.account_id},
            home=self.folder / "wrangler",
            logs=self.logs,
            timeout=self._tool_seconds,
            guard=self.guard,
        )

    @once
    def application(self) -> Application:
        """The application that is deployed."""
        app = self.loaded.inventory.app
        folder = (self.root / app.path).resolve()
        return Application(
            wishes=app,
            folder=folder,
            sources=Sources(
                folder=folder,
                exclude=app.exclude,
                processes=self.processes,
                environment=self.target.tool_environment(),
                log=self.logs / "git.log",
            ),
            processes=self.processes,
            environment=lambda: {**self._node_environment(), "CI": "1", "NO_COLOR": "1"},
            programs=lambda: self.programs,
            build=self.folder / "build",
            logs=self.logs,
            lock=self.root / ".work" / "locks" / "application",
            timeout=self._tool_seconds,
        )
