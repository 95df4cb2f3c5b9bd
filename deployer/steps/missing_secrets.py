"""What to type when required secrets have no value, so that it works as it is printed.

One command for each secret, with all its missing keys. Keys that have a value are read and written again: AWS replaces
the whole text. Values are typed at a prompt or on standard input, never as arguments. Knows names, no value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deployer.inventory.base import SecretRef

_ADD = (
    "import getpass,json,sys; d=json.load(sys.stdin); "
    'd.update({k: getpass.getpass(k+": ") for k in sys.argv[1:]}); print(json.dumps(d))'
)


@dataclass(frozen=True, kw_only=True)
class SecretPlaces:
    """Where secrets of a run are looked for."""

    # Whose environment variables, in words.
    environment: str
    region: str
    # The sandbox invents its secrets itself.
    sandbox: bool

    def how_to_mend(
        self, missing: Sequence[tuple[str, SecretRef]], stored: Mapping[str, Mapping[str, str] | None]
    ) -> list[str]:
        """What is missing, by the place in the inventory, each followed by the command that mends it."""
        lines = []
        for label, reference in missing:
            if reference.env is not None:
                lines.append(f"{label}: variable {reference.env} is not set; looked for in {self.environment}")
                if not self.sandbox:
                    lines.append(f"  export {reference.env}=...")
        for identifier in sorted({reference.aws for _, reference in missing if reference.aws is not None}):
            wanted = [(label, reference) for label, reference in missing if reference.aws == identifier]
            labels = ", ".join(label for label, _ in wanted)
            keys = list(dict.fromkeys(str(reference.key) for _, reference in wanted))
            lines += self._of_secret(labels, identifier, keys, absent=stored.get(identifier) is None)
        if self.sandbox:
            lines.append("the sandbox makes its secrets when it starts:")
            lines.append("  inv sandbox.down && inv sandbox.up")
        return lines

    def _of_secret(self, labels: str, identifier: str, keys: Sequence[str], *, absent: bool) -> list[str]:
        where = "of the sandbox" if self.sandbox else f"in {self.region}"
        if absent:
            said = f"{labels}: AWS Secrets Manager {where} has no secret `{identifier}`"
        else:
            named = ", ".join(f"`{key}`" for key in keys)
            said = f"{labels}: AWS secret `{identifier}` {where} has no value for {named}"
        if self.sandbox:
            return [said]
        return [said, *(f"  {line}" for line in self.commands(identifier, keys, absent=absent))]

    def commands(self, identifier: str, keys: Iterable[str], *, absent: bool) -> list[str]:
        """What gives these keys of one AWS secret a value."""
        aws, stdin = f"aws secretsmanager {{}} --region {self.region}", "--secret-string file:///dev/stdin"
        if absent:
            skeleton = json.dumps(dict.fromkeys(keys, "..."))
            create = f"{aws.format('create-secret')} --name {identifier} {stdin}"
            return [create, f"# reads JSON, ended by Ctrl-D: {skeleton}"]
        read = f"{aws.format('get-secret-value')} --secret-id {identifier} --query SecretString --output text"
        write = f"{aws.format('put-secret-value')} --secret-id {identifier} {stdin}"
        return [f"{read} | python3 -c '{_ADD}' {' '.join(keys)} | {write}"]
