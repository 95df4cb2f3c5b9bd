"""Declarative deployer of one application stack; `tasks.py` at the repository root is the way in."""
