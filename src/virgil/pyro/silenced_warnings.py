"""Blocks and functions without the warnings of ``torch.jit.trace``, and the warning of experimental parts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

import torch
from torch import Tensor

from virgil.ops.warning_filter import ignoring

__all__ = ["ExperimentalWarning", "ignore_experimental_warning", "ignore_jit_warnings", "jit_iter"]


class ExperimentalWarning(UserWarning):
    """Something that a program uses may change. Virgil gives no such warning; programs filter and give them."""


def ignore_experimental_warning() -> AbstractContextManager[None]:
    """A block in which this thread shows no :class:`ExperimentalWarning`."""
    return ignoring(ExperimentalWarning)


@contextmanager
def ignore_jit_warnings(filter: Sequence[str | tuple[str, type[Warning]]] | None = None) -> Iterator[None]:
    """A block, or by ``@ignore_jit_warnings()`` a function, in which ``torch.jit.trace`` does not warn.

    The tracer warns where a tensor becomes a Python value; an assertion about a shape is harmless.

    Args:
        filter: how the warnings to leave out begin, each a text or a pair of a text and the warning's class. Default:
            all of the tracer.

    Example:
        >>> import torch
        >>> def double(x):
        ...     with ignore_jit_warnings():
        ...         if not bool(x.sum() > 0):
        ...             raise ValueError("nothing to double")
        ...     return 2 * x
        >>> double(torch.ones(2))
        tensor([2., 2.])
    """
    tracer: type[Warning] = torch.jit.TracerWarning  # type: ignore[attr-defined]
    left_out = (
        [("", tracer)] if filter is None else [(each, tracer) if isinstance(each, str) else each for each in filter]
    )
    with ExitStack() as stack:
        for message, category in left_out:
            stack.enter_context(ignoring(category, re.escape(message)))
        yield


def jit_iter(tensor: Tensor) -> list[Tensor]:
    """The entries of a tensor along its first dim, with no warning of the tracer.

    >>> jit_iter(torch.arange(2))
    [tensor(0), tensor(1)]
    """
    with ignore_jit_warnings():
        return list(tensor)
