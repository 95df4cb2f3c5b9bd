"""The engine: steps, changes, playbooks and the runner. It knows steps, never tools."""
