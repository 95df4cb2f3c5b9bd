"""One playbook per module: which steps there are and what each needs. `wiring` hands them their adapters."""
