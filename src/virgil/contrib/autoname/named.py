"""Data structures that name random variables after their place in them: ``state.xs[0].loc``.

``Object``, ``List`` and ``Dict`` may be nested in each other. An attribute or entry that is not there yet is a
placeholder, whose ``sample_`` and ``param_`` state a variable under its address and put the value in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, SupportsIndex, overload

from virgil import primitives
from virgil.errors import ArgumentError, a_kind, shown

__all__ = ["Dict", "List", "Object"]


class _AddressError(ArgumentError, RuntimeError):
    """A place that has no address yet, or that holds something already."""


def _refuse_overwriting(address: str) -> None:
    raise _AddressError(f"{address} holds something already, and each place is written once. Choose another name.")


class Object:
    """An object whose attributes are random variables, parameters, plain values or further data structures.

    Each attribute is written once. One that is read before is a placeholder, an object at that address.

    Args:
        name: the address at which it stands, the beginning of the names of all variables in it.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> def model():
        ...     state = Object("state")
        ...     state.xs = List()
        ...     for _ in range(2):
        ...         state.xs.add().sample_(dist.Normal(0.0, 1.0))
        ...     return state.total.sample_(dist.Normal(sum(state.xs), 1.0))
        >>> virgil.poutine.trace(model).get_trace().stochastic_nodes
        ['state.xs[0]', 'state.xs[1]', 'state.total']
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise ArgumentError(f"Object() got {shown(name)} as its name; it takes a string.")
        self.__dict__.update(_name=name, _fill=None)

    def __str__(self) -> str:
        return str(self.__dict__["_name"])

    def __repr__(self) -> str:
        return f"Object({str(self)!r})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what Python asks for is no variable
            raise AttributeError(f"A named Object has no attribute {name!r}.")
        self.__dict__["_fill"] = None  # it has parts, and holds them for good
        child = _placeholder(f"{self}.{name}", lambda value: self.__dict__.__setitem__(name, value))
        self.__dict__[name] = child
        return child

    def __setattr__(self, name: str, value: Any) -> None:
        known = self.__dict__.get(name)
        if name in self.__dict__ and not _is_placeholder(known):
            _refuse_overwriting(f"{self}.{name}")
        self.__dict__.update({name: _bound(value, f"{self}.{name}"), "_fill": None})

    def sample_(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """State a random variable at this address, as :func:`virgil.sample` does, and put its value here."""
        return self._filled(primitives.sample, fn, *args, **kwargs)

    def param_(self, *args: Any, **kwargs: Any) -> Any:
        """State a parameter at this address, as :func:`virgil.param` does, and put its value here."""
        return self._filled(primitives.param, *args, **kwargs)

    def _filled(self, statement: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        fill = self.__dict__["_fill"]
        if fill is None:
            raise _AddressError(
                f"{self} is no empty place: it is the root of a data structure or has attributes of its own. State the "
                f"variable at an attribute, as in {self}.x.{statement.__name__}_(...)."
            )
        value = statement(str(self), *args, **kwargs)
        fill(value)
        return value


def _placeholder(address: str, fill: Callable[[Any], None]) -> Object:
    place = Object(address)
    place.__dict__["_fill"] = fill
    return place


def _is_placeholder(value: Any) -> bool:
    return isinstance(value, Object) and value.__dict__["_fill"] is not None


def _bound(value: Any, address: str) -> Any:
    """The value, which gets the address if it is a list or dict without one."""
    if isinstance(value, List | Dict):
        if value.address is not None:
            raise _AddressError(
                f"{address} was given the {type(value).__name__} at {value.address}, which keeps its address. Make "
                f"a new {type(value).__name__}()."
            )
        value.address = address
    return value


def _address(container: List | Dict) -> str:
    if container.address is None:
        kind = type(container).__name__
        raise _AddressError(f"This {kind} has no address yet. Store it in an Object first, or write {kind}('name').")
    return container.address


class _Addressed:
    """A container that has an address, or gets one when it is stored."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__()
        self.address = name

    def __str__(self) -> str:
        return self.address or f"{a_kind(type(self))} without an address"


class List(_Addressed, list[Any]):
    """A list of random variables, plain values or further data structures, each entry written once.

    Args:
        name: its address; without one it must be stored in an ``Object`` before it is used.

    Attributes:
        address: the address.
    """

    def add(self) -> Object:
        """A placeholder at the end of the list."""
        position = len(self)
        place = _placeholder(f"{_address(self)}[{position}]", lambda value: list.__setitem__(self, position, value))
        self.append(place)
        return place

    @overload
    def __setitem__(self, position: SupportsIndex, value: Any) -> None: ...
    @overload
    def __setitem__(self, position: slice, value: Any) -> None: ...
    def __setitem__(self, position: SupportsIndex | slice, value: Any) -> None:
        if isinstance(position, slice):
            raise _AddressError(f"{self} is written entry by entry; it got a slice.")
        place = f"{_address(self)}[{range(len(self))[position]}]"
        if not _is_placeholder(self[position]):
            _refuse_overwriting(place)
        super().__setitem__(position, _bound(value, place))


class Dict(_Addressed, dict[Any, Any]):
    """A dict of random variables, plain values or further data structures, each entry written once.

    An entry that is read before it is written is a placeholder.

    Args:
        name: its address; without one it must be stored in an ``Object`` before it is used.

    Attributes:
        address: the address.
    """

    def __missing__(self, key: Any) -> Object:
        place = _placeholder(f"{_address(self)}[{key!r}]", lambda value: dict.__setitem__(self, key, value))
        super().__setitem__(key, place)
        return place

    def __setitem__(self, key: Any, value: Any) -> None:
        place = f"{_address(self)}[{key!r}]"
        if key in self and not _is_placeholder(self[key]):
            _refuse_overwriting(place)
        super().__setitem__(key, _bound(value, place))
