"""The nearest name for a misspelt one. Used by every message that says "unknown"."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that `word` most probably meant, or nothing if none is close."""
    import difflib  # only on the way to an error message

    names = sorted(set(candidates))
    by_lower = {name.lower(): name for name in reversed(names)}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    if found:
        return by_lower[found[0]]
    # "prod" for "production" is below difflib's cutoff, yet nobody doubts what is meant.
    starts = [name for name in names if len(word) > 1 and name.lower().startswith(word.lower())]
    return starts[0] if len(starts) == 1 else None


def unknown(kind: str, word: str, candidates: Iterable[str]) -> tuple[str, str]:
    """Return message and hint for an unknown `kind` ("environment", "tag", "key") named `word`."""
    names = sorted(set(candidates))
    meant = nearest(word, names)
    listed = ", ".join(f"`{name}`" for name in names) if names else "none"
    message = f"unknown {kind} `{word}`" + (f"; did you mean `{meant}`?" if meant else "")
    return message, f"known: {listed}"
