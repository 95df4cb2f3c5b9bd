"""A property that is made once per object, also when several threads ask for it at the same time.

`functools.cached_property` takes no lock from Python 3.12 on, and steps run in threads: things would be made twice, or
two threads would write one file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

Value = TypeVar("Value")


class once(Generic[Value]):  # noqa: N801 -- used as a decorator, like `property`
    """Decorates a method without arguments. Each property of each object has a lock of its own."""

    def __init__(self, make: Callable[[Any], Value]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...

    def __get__(self, instance: object | None, owner: type) -> Self | Value:
        if instance is None:
            return self
        kept = vars(instance)
        # `setdefault` is one step for all threads. A value that is kept hides this descriptor from then on.
        lock = kept.setdefault(f"{self._name} lock", threading.RLock())
        with lock:
            if self._name not in kept:
                kept[self._name] = self._make(instance)
            value: Value = kept[self._name]
            return value
