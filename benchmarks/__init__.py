"""Measurements behind docs/benchmarks.md: every published number is made by a script here, as a ratio from one run."""
