"""Compare a run of a function with the transcript of an earlier one, operator by operator, while it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor

from virgil.engine.operators.decompositions import RECORDED
from virgil.engine.recording.dispatch import Dispatch, Traits
from virgil.engine.recording.transcript import Call, Constant, Transcript, Value
from virgil.ops.nested_tensors import tensors_in
from virgil.ops.operators import OpOverload, schema_of
from virgil.ops.thread_generator import called
from virgil.ops.trees import tree_leaves

__all__ = ["Difference", "beginning", "first_difference"]

_PLAIN = frozenset({bool, int, str, type(None), torch.dtype, torch.device, torch.layout, torch.memory_format})


@dataclass(frozen=True)
class Difference:
    """Where a run does something else than its transcript says.

    Attributes:
        line: the user's line that it comes from, if there is one.
    """

    line: str | None


def first_difference(transcript: Transcript, fn: Callable[..., Any], *args: Any) -> Difference | None:
    """Where ``fn(*args)`` does something else than a transcript says; ``None`` where it does the same.

    It is run up to there. Operators, their order, the numbers among their arguments and the tensors that are no
    arguments of the function are compared, to the last bit.
    """
    follower = _Follower(transcript)
    outputs = follower.run(fn, args)
    if follower.difference is None:
        follower.end(outputs)
    return follower.difference


def beginning(transcript: Transcript, fn: Callable[..., Any], *args: Any) -> Transcript | None:
    """The transcript of ``fn``, if it does what the first calls of another transcript do."""
    follower = _Follower(transcript)
    outputs = tuple(map(follower.origin, follower.run(fn, args)))
    if follower.difference is not None or None in outputs:
        return None
    return Transcript(transcript.inputs, transcript.calls[: follower.place], outputs)


class _Differs(BaseException):
    """Ends a run that differs; no ``except Exception`` in a program catches it."""


class _Follower(Dispatch[Value]):
    """Inside a ``with`` block, operators are compared with those of a transcript, and run.

    Args:
        transcript: of the earlier run.

    Attributes:
        place: how many calls have been compared.
        difference: the first, once there is one.
    """

    def __init__(self, transcript: Transcript) -> None:
        super().__init__(RECORDED)
        self.place = 0
        self.difference: Difference | None = None
        self._transcript, self._calls = transcript, transcript.calls

    def run(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> list[Any]:
        """The outputs of ``fn(*args)``, if it has come so far."""
        try:
            self._take(tree_leaves(args), tuple(self._transcript.inputs))
            with self.following():
                return tree_leaves(fn(*args))
        except _Differs:
            return []

    def end(self, outputs: list[Any]) -> None:
        """Compare what the run has given, and whether it is complete."""
        rest = self._calls[self.place :]
        if rest or not self._are(outputs, self._transcript.outputs):
            self.difference = Difference(rest[0].line if rest else None)

    def meet(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Compare an operator, and run it."""
        call = self._calls[self.place] if self.place < len(self._calls) else None
        if call is None or call.func is not func or call.has_parts:
            return self.by_parts(func, args, kwargs)
        return self._called(call, args, kwargs)

    def operate(self, func: OpOverload, traits: Traits, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Compare an operator that a graph can hold, and run it."""
        if self.place == len(self._calls) or self._calls[self.place].func is not func:
            self._differ()
        return self._called(self._calls[self.place], args, kwargs)

    def refuse(self, message: str) -> NoReturn:
        """A tensor that varies is to be read, as none was before."""
        self._differ()

    def origin_varies(self, origin: Value) -> bool:
        """True if a tensor has other values in the next run."""
        return origin.varies

    def _differ(self) -> NoReturn:
        self.difference = self.difference or Difference(self.line())
        raise _Differs

    def _called(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        same = self._are(args, call.args) and (not (kwargs or call.kwargs) or self._is(kwargs, call.kwargs))
        if not same or self.difference is not None:
            self._differ()
        self.place += 1
        try:
            result = called(call.func, args, kwargs)
        except Exception:  # torch has no common class for these
            result = _not_numbers(call, args)
        if call.overwrites:
            self.overwrite(call.func, args, kwargs)
        self._take(result, call.result)
        return result

    def _take(self, result: Any, expected: Any) -> None:
        """Take a result for what the transcript has in its place."""
        if type(expected) is Value:
            if result.shape != expected.shape or result.dtype is not expected.dtype:
                self._differ()
            self.know(result, expected)
        elif expected is not None:
            if len(result) != len(expected):
                self._differ()
            for one, other in zip(result, expected, strict=True):
                self._take(one, other)

    # Arguments

    def _are(self, given: Sequence[Any], expected: Sequence[Any]) -> bool:
        """True if arguments are those of the transcript."""
        if len(given) != len(expected):
            return False
        for one, other in zip(given, expected, strict=True):
            kind = type(other)
            if kind is Value:  # most are; what follows is ``origin``, and in a fifth of the time
                known = self._known.get(id(one))
                if known is None or known[1] is not other or known[0]() is not one:
                    return False
            elif kind in _PLAIN and type(one) is kind:
                if one != other:
                    return False
            elif not self._is(one, other):
                return False
        return True

    def _is(self, given: Any, expected: Any) -> bool:
        if isinstance(given, Tensor):
            return isinstance(expected, Constant) and self._is_held(given, expected)
        if isinstance(given, (tuple, list)):
            return isinstance(expected, tuple) and self._are(given, expected)
        if type(given) is not type(expected):
            return False
        if isinstance(given, dict):
            return given.keys() == expected.keys() and self._are([*given.values()], [expected[key] for key in given])
        if isinstance(given, (float, complex)):
            return repr(given) == repr(expected)  # NaN is NaN, and 0.0 is not -0.0
        return bool(given == expected)

    def _is_held(self, given: Tensor, expected: Constant) -> bool:
        """True if a tensor may stand for one that the recording holds."""
        origin = self.origin(given)
        if origin is expected:
            return True
        if not (origin is None or isinstance(origin, Constant)) or not expected.is_as(given):
            return False
        self.know(given, expected)
        return True


def _not_numbers(call: Call, args: tuple[Any, ...]) -> Any:
    """NaN, which an engine may give where torch's operator refuses the values of its arguments."""
    if schema_of(call.func).is_mutable:
        return args[0]
    device = tensors_in((args, call.kwargs))[0].device

    def filled(value: Any) -> Any:
        if isinstance(value, tuple):
            return [filled(each) for each in value]
        fill = torch.nan if value.dtype.is_floating_point else 0
        return torch.full(value.shape, fill, dtype=value.dtype, device=device)

    return None if call.result is None else filled(call.result)
