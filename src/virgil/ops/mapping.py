"""A function of one draw, taken for many draws at once by ``torch.func.vmap``: inside, no tensor shows the draws' dim.

Torch's transform keeps apart what depends on a draw and what is the same for all of them. It refuses to write the first
into the second, as a program does that fills a tensor of zeros, and it makes no random numbers in place there. So a
tensor that is made to be filled belongs to the draw from the start.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from virgil.ops.all_true import asks
from virgil.ops.warning_filter import ignoring

__all__ = ["is_mapped", "mapped", "own", "own_row"]


class _Thread(threading.local):
    number: Tensor | None = None


_thread = _Thread()


def is_mapped() -> bool:
    """Return ``True`` inside a function that is taken for many draws at once."""
    return _thread.number is not None


def own_row(rows: Tensor) -> Tensor:
    """The row of the draw at hand, inside :func:`mapped`. Shape: ``(count, *shape)`` to ``shape``."""
    if _thread.number is None:
        raise RuntimeError("own_row() is for use inside mapped().")
    number = _thread.number.to(rows.device)
    return rows.index_select(0, number.unsqueeze(0)).squeeze(0)


def own(tensor: Tensor) -> Tensor:
    """A copy that belongs to the draw at hand; the tensor itself outside :func:`mapped`."""
    number = _thread.number
    if number is None:
        return tensor
    return number.new_empty(tensor.shape, dtype=tensor.dtype, device=tensor.device).copy_(tensor)


def mapped(fn: Callable[[], Sequence[Tensor]], count: int) -> list[Tensor]:
    """The results of a function for so many draws. Shape of each: ``(count, *shape of one draw's)``.

    Random numbers differ from draw to draw. What is the same for all draws is repeated without being copied.

    Raises:
        RuntimeError: the function reads a number of a draw into Python, or does what torch cannot do for many draws.
    """
    results: list[Tensor] = []

    def of_one(number: Tensor) -> tuple[Tensor, ...]:
        before, _thread.number = _thread.number, number
        try:
            with _Owning(), ignoring(UserWarning, "There is a performance drop"):
                results[:] = fn()
        finally:
            _thread.number = before
        return tuple(results)

    found = torch.func.vmap(of_one, randomness="different")(torch.arange(count))
    return list(found)


_METHODS = ("new", "new_empty", "new_zeros", "new_ones", "new_full", "clone")
_FUNCTIONS = ("empty", "zeros", "ones", "full", "empty_like", "zeros_like", "ones_like", "full_like", "clone")
_MADE = frozenset([getattr(Tensor, name) for name in _METHODS] + [getattr(torch, name) for name in _FUNCTIONS])


def _clamp_(tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    return tensor.copy_(torch.clamp(tensor, *args, **kwargs))


def _isclose(one: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    close = (one == other) | ((one - other).abs() <= atol + rtol * other.abs())
    return close | (one.isnan() & other.isnan()) if equal_nan else close


def _binomial(count: Tensor, prob: Tensor, **kwargs: Any) -> Tensor:
    return torch.binomial(own(count), own(prob), **kwargs)


# what torch does for one draw after another, and warns of, or gets wrong where one argument belongs to no draw
_OTHERWISE: dict[Any, Callable[..., Tensor]] = {
    Tensor.clamp_: _clamp_,
    Tensor.isclose: _isclose,
    torch.isclose: _isclose,
    torch.binomial: _binomial,
}


class _Owning(TorchFunctionMode):
    """Tensors that are made belong to the draw, and torch's distributions find all values valid, which none can see."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call a function of torch's."""
        if asks(func, args, kwargs):
            return True
        result = _OTHERWISE.get(func, func)(*args, **(kwargs or {}))
        return own(result) if func in _MADE and isinstance(result, Tensor) else result
