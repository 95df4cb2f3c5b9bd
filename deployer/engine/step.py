'''The contract between the engine and every step.

A step is one idempotent unit. It holds its wishes (from the inventory) and its adapters as fields and keeps no state
between calls. The engine calls, once every step in `needs` has ended well:

    facts   = step.observe(context)            read only; may call services; never changes anything anywhere
    changes = step.diff(context, facts)        pure and quick; no I/O, so the same facts give the same changes
    values  = step.known(facts, changes)       what later steps may read if nothing (more) happens
    values  = step.apply(context, facts, changes)   only if there are changes and this is no `--check`

Example, complete:

    @dataclass(frozen=True, kw_only=True)
    class StateBucket(BaseStep[bool]):
        """The bucket that keeps Terraform's state."""
        buckets: Buckets                                    # an adapter
        bucket: str                                         # a wish

        def observe(self, context: Context) -> bool:
            return self.buckets.exists(self.bucket)
        def diff(self, context: Context, facts: bool) -> Sequence[Change]:
            return () if facts else (Change(action=Action.CREATE, address=f"r2:{self.bucket}", summary="state bucket"),)
        def apply(self, context: Context, facts: bool, changes: Sequence[Change]) -> Mapping[str, object]:
            self.buckets.create(self.bucket)
            return {}

    StateBucket(name="state bucket", tags=frozenset({"terraform"}), buckets=buckets, bucket="vibechecc-terraform-state")

Values. A step lists the names of what it hands on in `provides` (`("site.outputs",)`). `known` returns those that are
true although `changes` are still pending; it leaves out what the changes may alter. `apply` returns all of them. A
later step that has the provider among its (direct or indirect) needs reads `context.value("site.outputs")`.
* In a real run the value is always there: the provider has ended.
* In check mode it may be an `Unknown`. Never invent a value. Observe what can be observed without it, and say in `diff`
  what follows: surely a change (create) if the thing does not exist; `certain=False` if it exists and may differ.
* `known` of a step without changes must return everything in `provides`; `apply` too. Otherwise the run ends with an
  internal error that names the value.

Early observation. Steps with `early=True` are observed as soon as a worker is free, beside the steps they need, because
their `observe` reads no values of others. The engine throws that observation away and observes again when a step that
they need (directly or not) changed something meanwhile. So `early` costs nothing but a read, and saves the waiting.

What a dependent experiences:
* a needed step failed: the dependent is skipped, "needs `x`, which failed"; so are its dependents. In a real run no
  further step starts either, and what is at work finishes; check mode goes on with whatever does not depend on it.
* a needed step was left out by `--tags`/`--skip-tags`: it counts as satisfied. If it provides values, it is observed
  but never applied, and `context.value` returns what `known` gives; a missing one is a UsageError in a real run.
* Ctrl-C, a signal or `--timeout`: `context.stop.requested` is set; what runs is expected to end with an error soon,
  and everything that has not started is skipped, "interrupted".

Errors: raise a DeployError. Anything else is treated as our own mistake (exit code 70).
'''

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from deployer.engine.change import Change, Unknown
from deployer.engine.stop import Stop

Facts = TypeVar("Facts")


class Values(Protocol):
    """Where a context reads what earlier steps provided; the runner implements it."""

    def read(self, name: str, reader: str) -> object:
        """Return the value, an `Unknown` in check mode, or raise a DeployError that names both steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a step may know about the run it is part of."""

    step: str
    check: bool
    stop: Stop
    values: Values
    pending: bool = False
    """Check mode: a step above this one would change something, so that the world is not yet what it will be."""
    say: Callable[[str], None] = field(default=lambda _text: None)
    """Report progress: one short line without a line end, shown beneath the step's name while it runs."""

    def value(self, name: str) -> Any:
        """Return what an earlier step provided under `name`; an `Unknown` only in check mode."""
        return self.values.read(name, self.step)

    def known_value(self, name: str) -> Any | None:
        """Like `value`, with `None` for what is not known yet."""
        value = self.value(name)
        return None if isinstance(value, Unknown) else value


class Step(Protocol[Facts]):
    """See the module's docstring. Steps need not inherit `BaseStep`, but most will."""

    @property
    def name(self) -> str:
        """Unique in its playbook; shown in the recap, in JSON and by `--list-steps`."""

    @property
    def needs(self) -> Sequence[str]:
        """Names of steps that must have ended well before this one is applied."""

    @property
    def tags(self) -> frozenset[str]:
        """Words for `--tags` and `--skip-tags`."""

    @property
    def provides(self) -> Sequence[str]:
        """Names of the values that this step hands on."""

    @property
    def early(self) -> bool:
        """Whether `observe` reads no values of other steps and may therefore run before them."""

    def observe(self, context: Context) -> Facts:
        """Read the world, change nothing."""

    def diff(self, context: Context, facts: Facts) -> Sequence[Change]:
        """Compare facts with wishes."""

    def known(self, facts: Facts, changes: Sequence[Change]) -> Mapping[str, object]:
        """Values that hold while `changes` are pending."""

    def apply(self, context: Context, facts: Facts, changes: Sequence[Change]) -> Mapping[str, object]:
        """Carry the changes out and return all values in `provides`."""


@dataclass(frozen=True, kw_only=True)
class BaseStep(Generic[Facts]):
    """The fields every step has, and `known` for steps that provide nothing."""

    name: str
    needs: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    provides: tuple[str, ...] = ()
    early: bool = False

    def observe(self, context: Context) -> Facts:
        """Read the world, change nothing."""
        raise NotImplementedError

    def diff(self, context: Context, facts: Facts) -> Sequence[Change]:
        """Compare facts with wishes."""
        raise NotImplementedError

    def known(self, facts: Facts, changes: Sequence[Change]) -> Mapping[str, object]:
        """Values that hold while `changes` are pending; none by default."""
        return {}

    def apply(self, context: Context, facts: Facts, changes: Sequence[Change]) -> Mapping[str, object]:
        """Carry the changes out and return all values in `provides`."""
        raise NotImplementedError
