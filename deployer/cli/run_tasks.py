"""Tasks that run playbooks or show what they would use: deploy, destroy, render, outputs, open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import ALLOW_PROTECTED, ENV, PRINT, RUN, SANDBOX, SET, YES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.cli.session import Session


@command("deploy", help=RUN, lists=("set_",))
def deploy(
    session: Session,
    *,
    env: str = "",
    sandbox: bool = False,
    check: bool = False,
    diff: bool = False,
    tags: str = "",
    skip_tags: str = "",
    list_steps: bool = False,
    set_: Sequence[str] | None = None,
    timeout: str = "",
    lock_timeout: str = "",
    override_freeze: str = "",
    reason: str = "",
    detailed_exitcode: bool = False,
    json: bool = False,
    color: bool = True,
) -> int:
    """Make an environment what the inventory says.

    State bucket, Terraform, Convex, build, Worker, proof, in the order of their needs, independent ones at the same
    time. Running it again changes nothing. Interrupted at any moment, run it again: it goes on from what is there.
    Secrets are read where the inventory points and never written down.

      inv deploy --env dev --sandbox            the whole stack on this machine, no account needed
      inv deploy --env dev --check --diff       what would change; nothing is written
      inv deploy --env pr-12 --tags terraform   only some steps
      inv deploy --env dev --set worker.logs.enabled=false
    """
    from deployer.cli.deploy_runs import deploy_verb
    from deployer.cli.runs import Wish, run_playbook

    return run_playbook(
        session,
        Wish(
            env=env,
            sandbox=sandbox,
            check=check,
            diff=diff,
            tags=tags,
            skip_tags=skip_tags,
            list_steps=list_steps,
            settings=tuple(set_ or ()),
            timeout=timeout,
            lock_timeout=lock_timeout,
            override_freeze=override_freeze,
            reason=reason,
            detailed_exitcode=detailed_exitcode,
        ),
        deploy_verb(),
    )


@command(
    "destroy",
    help={**RUN, "yes": YES, "allow_protected": ALLOW_PROTECTED},
    lists=("set_",),
)
def destroy(
    session: Session,
    *,
    env: str = "",
    sandbox: bool = False,
    yes: bool = False,
    allow_protected: bool = False,
    check: bool = False,
    diff: bool = False,
    tags: str = "",
    skip_tags: str = "",
    list_steps: bool = False,
    set_: Sequence[str] | None = None,
    timeout: str = "",
    lock_timeout: str = "",
    override_freeze: str = "",
    reason: str = "",
    detailed_exitcode: bool = False,
    json: bool = False,
    color: bool = True,
) -> int:
    """Remove what deploy made, in reverse order.

    Asks for the environment's name first; `--yes` answers it. An environment that the inventory protects is refused
    without `--allow-protected`, and its name must be typed even then (`--yes` does not do, except on the sandbox).
    Interrupted, run it again; a second run changes nothing.

      inv destroy --env pr-12 --check    what would be removed
      inv destroy --env pr-12 --yes
    """
    from deployer.cli.deploy_runs import destroy_verb
    from deployer.cli.runs import Wish, run_playbook

    return run_playbook(
        session,
        Wish(
            env=env,
            sandbox=sandbox,
            check=check,
            diff=diff,
            tags=tags,
            skip_tags=skip_tags,
            list_steps=list_steps,
            settings=tuple(set_ or ()),
            timeout=timeout,
            lock_timeout=lock_timeout,
            override_freeze=override_freeze,
            reason=reason,
            detailed_exitcode=detailed_exitcode,
            yes=yes,
            allow_protected=allow_protected,
        ),
        destroy_verb(),
    )


@command(
    "render",
    help={
        "env": ENV,
        "sandbox": SANDBOX,
        "set": SET,
        "write": "write them to the work folder instead of showing them",
        "diff": "show what differs from the files written last",
    },
    lists=("set_",),
)
def render(
    session: Session,
    *,
    env: str = "",
    sandbox: bool = False,
    write: bool = False,
    diff: bool = False,
    set_: Sequence[str] | None = None,
    json: bool = False,
    color: bool = True,
) -> int:
    """Show or write the files that other tools read.

    Backend configuration, tfvars and the Wrangler configuration, composed from templates/ and the inventory; the same
    byte for byte whoever renders them. Values that only exist after a deploy are shown as such.

      inv render --env dev            show them all
      inv render --env dev --write    write them to .work/
      inv render --env dev --diff     compare with what was written last
    """
    from deployer.cli.run_views import show_rendered

    return show_rendered(session, env=env, sandbox=sandbox, write=write, diff=diff, settings=tuple(set_ or ()))


@command("outputs", help={"env": ENV, "sandbox": SANDBOX, "set": SET}, lists=("set_",))
def outputs(
    session: Session,
    *,
    env: str = "",
    sandbox: bool = False,
    set_: Sequence[str] | None = None,
    json: bool = False,
    color: bool = True,
) -> int:
    """Print the outputs of the Terraform stacks.

    They are read from the stacks' state; a stack that was never deployed has none.
    """
    from deployer.cli.run_views import show_outputs

    return show_outputs(session, env=env, sandbox=sandbox, settings=tuple(set_ or ()))


@command(
    "open",
    help={"env": ENV, "sandbox": SANDBOX, "print": PRINT},
)
def open_(
    session: Session,
    *,
    env: str = "",
    sandbox: bool = False,
    print_: bool = False,
    json: bool = False,
    color: bool = True,
) -> int:
    """Open the site in the browser and print its address."""
    from deployer.cli.run_views import open_site

    return open_site(session, env=env, sandbox=sandbox, start_browser=not print_)


TASKS: Final = (deploy, destroy, render, outputs, open_)
