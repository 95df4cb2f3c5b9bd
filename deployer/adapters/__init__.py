"""Everything that touches the world outside the process: programs, HTTP, files of other tools, credentials.

An adapter knows one tool or service and the shared low parts (`process`, `http`, `redact`, `templates`); it knows
neither another adapter nor anything above it.
"""
