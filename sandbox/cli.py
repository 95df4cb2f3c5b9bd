"""The verbs of `python -m sandbox`: flags in, text or one JSON document out, errors with their exit codes.

Knows lifecycle calls and how to print; holds no rule of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sandbox import lifecycle, requestlog
from sandbox.errors import SandboxError, UsageError
from sandbox.faults import SERVICES
from sandbox.home import Home

_PORT_NAMES = ("cloudflare", "control", "convex", "edge", "github", "s3", "secretsmanager", "sts")
_EPILOG = "Exit codes: 0 done, 1 failed, 2 wrong usage or seed, 9 not running or not startable."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments, _home(arguments.home))
    except SandboxError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def _home(flag: str | None) -> Home:
    path = flag or os.environ.get("SANDBOX_HOME") or Path(__file__).parents[1] / ".sandbox"
    try:
        return Home.at(path)
    except OSError as error:
        raise UsageError(f"the home cannot be used: {error}", "`--home DIR` chooses another") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="The embedded sandbox.", epilog=_EPILOG)
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, run: Callable[[argparse.Namespace, Home], None], text: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text, epilog=_EPILOG)
        added.add_argument(
            "--home", metavar="DIR", help="where it keeps everything (else $SANDBOX_HOME, else .sandbox)"
        )
        added.add_argument("--json", action="store_true", help="print one JSON document")
        added.set_defaults(run=run)
        return added

    add = verb("up", _up, "start it, or do nothing when it runs; print how to reach it")
    add.add_argument("--seed", metavar="FILE", help="what shall exist from the start (`-`: standard input)")
    add.add_argument("--port", metavar="NAME=N", action="append", default=[], help="fix a port (0: choose a new one)")
    verb("down", _down, "end it; state stays in its home")
    verb("reset", _reset, "forget all state, requests and faults; apply the seed again")
    verb("status", _status, "services, ports, processes, memory")
    add = verb("requests", _requests, "all requests since the last reset, oldest first")
    add.add_argument("--unknown", action="store_true", help="only those that no service knows")
    add = verb("seed", _seed, "apply a seed to the running sandbox")
    add.add_argument("file", metavar="FILE", help="the seed (`-`: standard input)")
    verb("coverage", _coverage, "what the stand-ins cover")
    _fault_parser(verb("fault", _fault, "make coming requests fail: add, list, clear"))
    return parser


def _fault_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("add", "list", "clear"))
    parser.add_argument("--service", choices=SERVICES)
    parser.add_argument("--method")
    parser.add_argument("--path", metavar="GLOB")
    parser.add_argument("--status", type=_whole, metavar="N")
    parser.add_argument("--code", help="the provider's error code")
    parser.add_argument("--message")
    parser.add_argument("--count", type=_whole, metavar="N", help="how many requests (default 1)")
    parser.add_argument("--delay-ms", type=_whole, metavar="N")
    parser.add_argument("--drop", choices=("before", "after"), help="cut the connection before or after carrying out")
    parser.add_argument("--retry-after-ms", type=_whole, metavar="N")


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"`{text}` is not a whole number")
    return int(text)


def _up(arguments: argparse.Namespace, home: Home) -> None:
    text = _read(arguments.seed) if arguments.seed else None
    connection = lifecycle.up(home, seed_text=text, ports=_port_wishes(arguments.port))
    lines = [f"{name:<15} {url}" for name, url in connection["services"].items()]
    _print(arguments, connection, [f"the sandbox runs (process {connection['pid']}) in {home.root}", *lines])


def _down(arguments: argparse.Namespace, home: Home) -> None:
    ended = lifecycle.down(home)
    _print(arguments, {"ended": ended}, ["the sandbox ended" if ended else "no sandbox was running"])


def _reset(arguments: argparse.Namespace, home: Home) -> None:
    _print(arguments, lifecycle.call(home, "POST", "/reset"), ["the sandbox is as new"])


def _status(arguments: argparse.Namespace, home: Home) -> None:
    status = lifecycle.call(home, "GET", "/status")
    lines = [f"{'service':<16}{'port':>6}  {'process':>8}"]
    lines += [f"{item['name']:<16}{item['port'] or '-':>6}  {item['pid']:>8}" for item in status["services"]]
    lines += ["", f"{'process':<16}{'id':>6}  {'memory':>8}"]
    lines += [
        f"{item['name']:<16}{item['pid']:>6}  {_mib(item['resident_bytes'])}{'' if item['ready'] else '  starting'}"
        for item in status["processes"]
    ]
    lines.append(f"{'all':<16}{'':>6}  {_mib(status['resident_bytes'])}")
    _print(arguments, status, lines)


def _requests(arguments: argparse.Namespace, home: Home) -> None:
    # Read from the files, not asked of the sandbox: what happened can still be seen when it is down.
    entries = requestlog.read(home, unknown_only=arguments.unknown)
    lines = [
        f"{entry['time'][11:23]} {entry['service']:<17} {entry['status'] or 'cut':>3} "
        f"{'*' if entry['mutating'] else ' '}{'?' if entry['unknown'] else ' '} {entry['method']:<7} {entry['path']}"
        for entry in entries
    ]
    _print(arguments, {"requests": entries}, lines or ["no requests"])


def _seed(arguments: argparse.Namespace, home: Home) -> None:
    answer = lifecycle.call(home, "POST", "/seed", _read(arguments.file).encode())
    _print(arguments, answer, ["the seed is applied"])


def _coverage(arguments: argparse.Namespace, home: Home) -> None:
    covered = lifecycle.call(home, "GET", "/coverage")
    lines = [f"{service:<15} {line}" for service, entries in covered.items() for line in entries]
    _print(arguments, {"coverage": covered}, lines)


def _fault(arguments: argparse.Namespace, home: Home) -> None:
    if arguments.action == "clear":
        _print(arguments, lifecycle.call(home, "DELETE", "/faults"), ["no faults are armed"])
    elif arguments.action == "list":
        armed = lifecycle.call(home, "GET", "/faults")
        _print(arguments, armed, [json.dumps(fault) for fault in armed["faults"]] or ["no faults are armed"])
    else:
        if arguments.service is None:
            raise UsageError("a fault needs `--service`", f"services: {', '.join(SERVICES)}")
        names = (
            "service",
            "method",
            "path",
            "status",
            "code",
            "message",
            "count",
            "delay_ms",
            "drop",
            "retry_after_ms",
        )
        fault = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
        if str(fault.get("code", "")).isdecimal():
            fault["code"] = int(fault["code"])
        added = lifecycle.call(home, "POST", "/faults", json.dumps(fault).encode())
        _print(arguments, added, [f"fault {added['id']} is armed"])


def _port_wishes(flags: Sequence[str]) -> dict[str, int]:
    wishes = {}
    for flag in flags:
        name, _, number = flag.partition("=")
        if not number.isdecimal() or int(number) > 65535:
            raise UsageError(f"`--port {flag}` is not NAME=NUMBER", "for example `--port edge=8787`")
        if name.split("/")[0] not in _PORT_NAMES:
            raise UsageError(f"no port is called `{name}`", f"ports: {', '.join(_PORT_NAMES)}")
        wishes[name] = int(number)
    return wishes


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the seed cannot be read: {error}") from None


def _mib(size: int) -> str:
    return f"{size / 2**20:>4.0f} MiB"


def _print(arguments: argparse.Namespace, value: Any, lines: Sequence[str]) -> None:
    print(json.dumps(value, indent=2) if arguments.json else "\n".join(lines))
