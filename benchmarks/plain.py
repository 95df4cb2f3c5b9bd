"""The sequence of tools that a team's own scripts run, one after the other, in the same sandbox.

    terraform init, apply (each stack) - convex env set x3 - convex deploy - npm run build - wrangler deploy -
    wrangler secret put x10 - terraform init, apply (hosts)

It gets the same inputs as our deploy: the files that `inv render` writes. It does less: no check of secrets before it
starts, no proof at its end. Nothing in it is slower than it need be: tools are called directly, never through npx.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.checkout import SECRETS, Checkout
from benchmarks.measure import Command, Sample, run

ENVIRONMENT = "development"


@dataclass(frozen=True)
class Plain:
    """The sequence in one checkout, with its own folder for Terraform's data."""

    checkout: Checkout
    folder: Path

    def environment(self) -> Mapping[str, str]:
        """Return the tools' environment: the sandbox's addresses and dummy credentials."""
        variables: Mapping[str, str] = self.checkout.connection()["environment"]
        account = json.loads(self.checkout.call("inv", "config", "--env", "dev", "--json"))
        return {
            **self.checkout.environment,
            **variables,
            "AWS_ACCESS_KEY_ID": variables["R2_ACCESS_KEY_ID"],
            "AWS_SECRET_ACCESS_KEY": variables["R2_SECRET_ACCESS_KEY"],
            "CONVEX_DEPLOY_KEY": variables["CONVEX_DEPLOY_KEY_DEVELOPMENT"],
            "CLOUDFLARE_ACCOUNT_ID": find(account, "account_id"),
            "WRANGLER_SEND_METRICS": "false",
            "WRANGLER_HIDE_BANNER": "true",
            "VITE_CONVEX_URL": convex_url(self.checkout),
        }

    def forget(self) -> None:
        """Throw away what Terraform and the build keep between runs."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.checkout.root / "example" / "dist", ignore_errors=True)
        self.folder.mkdir(parents=True)

    def __call__(self, log: IO[bytes]) -> Sequence[tuple[str, Sample]]:
        """Run the whole sequence; return what each tool cost, in order."""
        environment = self.environment()
        return [(name, run(command, log)) for name, command in self.commands(environment)]

    def commands(self, environment: Mapping[str, str]) -> Iterator[tuple[str, Command]]:
        """Yield the commands; later ones read what earlier ones made, so they are made one at a time."""
        root, app = self.checkout.root, self.checkout.root / "example"
        convex = ("node", str(root / "node_modules/convex/bin/main.js"))
        wrangler = ("node", str(root / "node_modules/wrangler/bin/wrangler.js"))
        yield from self.terraform("site", environment)
        for name in ("SITE_URL", "VIBE_SIGNING_KEY", "MODERATION_TOKEN"):
            argv = (*convex, "env", "set", name)
            yield (
                "convex env set",
                Command(argv=argv, cwd=app, environment=environment, stdin="a value of some length\n"),
            )
        yield "convex deploy", Command(argv=(*convex, "deploy"), cwd=app, environment=environment)
        yield "npm run build", Command(argv=("npm", "run", "build"), cwd=app, environment=environment)
        config = self.wrangler_configuration(environment)
        deploy = (*wrangler, "deploy", "--config", str(config))
        yield "wrangler deploy", Command(argv=deploy, cwd=app, environment=environment)
        for number in range(SECRETS):
            put = (*wrangler, "secret", "put", f"SECRET_{number}", "--config", str(config))
            yield "wrangler secret put", Command(argv=put, cwd=app, environment=environment, stdin="a value\n")
        yield from self.terraform("hosts", environment)

    def terraform(self, stack: str, environment: Mapping[str, str]) -> Iterator[tuple[str, Command]]:
        """Yield init and apply of one stack."""
        root, rendered = self.checkout.root / "terraform" / "roots" / stack, self.rendered(stack)
        data = {**environment, "TF_DATA_DIR": str(self.folder / stack)}
        init = ("terraform", "init", "-input=false", f"-backend-config={rendered / 'backend.tfbackend'}")
        apply = ("terraform", "apply", "-input=false", "-auto-approve", f"-var-file={rendered / stack}.tfvars.json")
        endpoint = f'-backend-config=endpoints={{s3="{environment["AWS_ENDPOINT_URL_S3"]}"}}'
        yield "terraform init", Command(argv=(*init, endpoint), cwd=root, environment=data)
        yield "terraform apply", Command(argv=apply, cwd=root, environment=data)

    def plan(self, stack: str, environment: Mapping[str, str]) -> Command:
        """Return a bare `terraform plan` of one stack that `init` has prepared."""
        root = self.checkout.root / "terraform" / "roots" / stack
        data = {**environment, "TF_DATA_DIR": str(self.folder / stack)}
        argv = ("terraform", "plan", "-input=false", f"-var-file={self.rendered(stack) / stack}.tfvars.json")
        return Command(argv=argv, cwd=root, environment=data)

    def rendered(self, stack: str) -> Path:
        """Return the folder of one stack's rendered files."""
        return next((self.checkout.root / ".work").rglob(f"{stack}.tfvars.json")).parent

    def wrangler_configuration(self, environment: Mapping[str, str]) -> Path:
        """Write Wrangler's configuration with the ids that Terraform made, as a script would with jq."""
        root = self.checkout.root / "terraform" / "roots" / "site"
        output = subprocess.run(
            ["terraform", "output", "-json"],
            cwd=root,
            env={**environment, "TF_DATA_DIR": str(self.folder / "site")},
            capture_output=True,
            check=True,
        ).stdout
        made = {name: value["value"] for name, value in json.loads(output).items()}
        app = self.checkout.root / "example"
        configuration = {
            "name": made["worker_name"],
            "main": os.fspath(app / "dist/server/index.js"),
            "no_bundle": True,
            "compatibility_date": "2026-11-01",
            "compatibility_flags": ["nodejs_compat"],
            "assets": {"directory": os.fspath(app / "dist/client"), "binding": "ASSETS"},
            "kv_namespaces": [{"binding": name, "id": found} for name, found in made["kv_ids"].items()],
            "r2_buckets": [{"binding": name, "bucket_name": found} for name, found in made["r2_buckets"].items()],
            "vars": {"ENVIRONMENT": ENVIRONMENT, "SITE_URL": "https://dev.vibechecc.app"},
            "workers_dev": False,
            "preview_urls": False,
        }
        path = self.folder / "wrangler.json"
        path.write_text(json.dumps(configuration))
        return path


def find(document: object, key: str) -> str:
    """Return the first value of `key` anywhere in a JSON document."""
    if isinstance(document, dict):
        if isinstance(document.get(key), str):
            return str(document[key])
        inner = [find(value, key) for value in document.values()]
    elif isinstance(document, list):
        inner = [find(value, key) for value in document]
    else:
        inner = []
    return next((value for value in inner if value), "")


def convex_url(checkout: Checkout) -> str:
    """Ask the control plane where the deployment answers, as the Convex tools do."""
    import urllib.request

    variables = checkout.connection()["environment"]
    key = variables["CONVEX_DEPLOY_KEY_DEVELOPMENT"]
    request = urllib.request.Request(  # noqa: S310 - a loopback address from the sandbox's own connection file
        f"{variables['CONVEX_PROVISION_HOST']}/api/deployment/url_for_key",
        data=json.dumps({"deployKey": key}).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return str(json.load(answer))
