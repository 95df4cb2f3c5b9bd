"""What the contract suite reports at its end: how many of the provider's recordings pass."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many of how many recordings pass, and which deviate."""
    outcomes = {
        report.nodeid.partition("[")[2].rstrip("]"): dict(report.user_properties).get("recording")
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call" and "::test_recording[" in report.nodeid
    }
    if not outcomes:
        return
    passed = sum(outcome == "passes" for outcome in outcomes.values())
    deviating = sorted(name for name, outcome in outcomes.items() if outcome != "passes")
    terminalreporter.write_line(f"provider recordings: {passed} of {len(outcomes)} pass")
    for name in deviating:
        terminalreporter.write_line(f"  deviates: {name}")
