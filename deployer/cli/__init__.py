"""The command line: the only code that knows Invoke, the only place that turns errors into exits.

A task parses flags, asks for a wiring, runs one playbook and returns. What it calls in `deployer/playbooks`:

    wiring.Wiring(*, loaded, environment, target, folder, stop, redactor)
        composes the adapters for one environment (loaded: LoadedInventory, environment: Environment, target: Target,
        folder: the work folder's Path, stop: engine Stop, redactor: Redactor);
        cheap: clients are made when first used
    deploy.deploy(wiring) -> Playbook
    destroy.destroy(wiring) -> Playbook
    render.render(wiring) -> Sequence[Rendered]     Rendered: path (relative to the work folder), text
    outputs.outputs(wiring) -> Mapping[str, Mapping[str, object]]        stack -> output -> value, read only
    doctor.examine(wiring) -> Sequence[Finding]     Finding: subject, ok, text, hint
    recording.environment_lock, recorder_of, holding        who holds the environment, and its ledger

Commands that change an environment go through `runs.run_playbook` with a `runs.Verb`, so that each of them holds the
environment, waits with --lock-timeout, and is in the ledger.

`*_tasks` are the flags and texts of tasks, `*_runs` what is run or changed for them, `*_views` what is only looked at
and printed.

Nothing here is imported by `inv --list` but the tasks' signatures; bodies import what they use.
"""
