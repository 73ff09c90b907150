"""Vectors, stated in pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
from torch import Size, Tensor
from torch.distributions import constraints

from virgil.distributions.composed.improper_uniform import ImproperUniform
from virgil.distributions.core.shape_algebra import expanded
from virgil.errors import ArgumentError, shown
from virgil.infer.reparam.reparameteriser import Reparam, computed, refused, state
from virgil.ops.sizes import Sizes
from virgil.poutine.reparam import ReparamMessage, ReparamResult

__all__ = ["SplitReparam", "default_support", "real_support", "same_support"]

SupportFn = Callable[..., constraints.Constraint]


def same_support(fn: Any, *args: Any) -> constraints.Constraint:
    """The support of the whole, for every piece."""
    support: constraints.Constraint = fn.support
    return support


def real_support(fn: Any, *args: Any) -> constraints.Constraint:
    """All real numbers, with the event dims of the whole."""
    support: constraints.Constraint = constraints.independent(constraints.real, len(fn.event_shape))
    return support


def default_support(fn: Any, slice: slice, dim: int) -> constraints.Constraint:
    """The support of one piece: that of its entries, also where ``constraints.cat`` or ``stack`` put them together.

    Args:
        fn: the distribution of the whole.
        slice: the entries of the piece.
        dim: the dim along which it is cut, negative.
    """
    support: constraints.Constraint = _sliced(fn.support, slice, dim)
    return support


def _sliced(support: Any, part: slice, dim: int) -> Any:
    if isinstance(support, constraints.independent):
        count = support.reinterpreted_batch_ndims
        return constraints.independent(_sliced(support.base_constraint, part, dim), count)
    own = getattr(support, "dim", None)
    if isinstance(support, constraints.stack) and own == dim:
        return constraints.stack(support.cseq[part], dim)
    if isinstance(support, constraints.cat) and own == dim:
        pieces, sizes, begin = [], [], 0
        for each, length in zip(support.cseq, support.lengths, strict=True):
            low, high = max(part.start, begin), min(part.stop, begin + length)
            if low < high:
                pieces.append(_sliced(each, slice(low - begin, high - begin), dim))
                sizes.append(high - low)
            begin += length
        return pieces[0] if len(pieces) == 1 else constraints.cat(pieces, dim, sizes)
    return support


class SplitReparam(Reparam):
    """States a variable in pieces along an event dim, ``x_split_0``, ``x_split_1`` and so on.

    Each piece can then have a reparameteriser, a guide or a step of its own. The pieces are flat, and the variable
    itself counts its log-density at the pieces put together. An observed variable's pieces are observed.

    Args:
        sections: the sizes of the pieces, or the size of each where one number is given.
        dim: the event dim along which it is cut, negative.
        support_fn: gives the support of a piece from the distribution, the piece's slice and the dim:
            :func:`default_support`, :func:`same_support`, :func:`real_support` or one like them.

    Raises:
        ArgumentError: the sections are no sizes or do not fit the variable, or ``dim`` is no event dim of it.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.reparam import SplitReparam
        >>> model = lambda: virgil.sample("x", dist.Normal(torch.zeros(5), 1.0).to_event(1))
        >>> program = virgil.poutine.reparam(model, config={"x": SplitReparam([2, 3], dim=-1)})
        >>> virgil.poutine.trace(program).get_trace().stochastic_nodes
        ['x_split_0', 'x_split_1']
    """

    def __init__(self, sections: Sequence[int] | int, dim: int, support_fn: SupportFn = default_support) -> None:
        sizes = (sections,) if isinstance(sections, int) else tuple(sections)
        if not sizes or not all(isinstance(size, int) and size > 0 for size in sizes):
            raise ArgumentError(
                f"SplitReparam got sections={shown(sections)}; it takes a list of sizes, such as [2, 3], or one size."
            )
        if not isinstance(dim, int) or dim >= 0:
            raise ArgumentError(f"SplitReparam got dim={shown(dim)}; it takes a negative number, from the right.")
        self.sections = sizes if not isinstance(sections, int) else sections
        self.dim = dim
        self.support_fn = support_fn

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """State the pieces; the variable itself counts its density where they are put together."""
        name, fn, value, dim = msg["name"], msg["fn"], msg["value"], self.dim
        event_dim = len(fn.event_shape)
        if -dim > event_dim:
            raise refused(self, msg, f"a distribution with event dims, and dim={dim} must be one of them; see to_event")
        sizes = self._sizes(name, fn.event_shape[dim])
        begins = [None] * len(sizes) if value is None else list(value.split(sizes, dim))
        draws, pieces, start = _Draws(fn, sizes, dim), [], 0
        for number, (size, begin) in enumerate(zip(sizes, begins, strict=True)):
            support = self.support_fn(fn, slice(start, start + size), dim)
            pieces.append(state(f"{name}_split_{number}", _Piece(draws, number, support), begin, msg["is_observed"]))
            start += size
        if value is None or any(piece is not begin for piece, begin in zip(pieces, begins, strict=True)):
            value = torch.cat(pieces, dim)
        return computed(value, event_dim, fn.log_prob(value))

    def _sizes(self, name: str, length: int) -> list[int]:
        if isinstance(self.sections, int):
            whole, rest = divmod(length, self.sections)
            return [self.sections] * whole + [rest] * (rest > 0)
        if sum(self.sections) != length:
            raise ArgumentError(
                f"At site {name!r}, SplitReparam got sections={list(self.sections)}, and the event has {length} "
                f"entries along dim {self.dim}. Give sections whose sum is {length}."
            )
        return list(self.sections)


class _Draws:
    """Draws of the whole, of which pieces that are drawn one after the other take their parts.

    Args:
        fn: the distribution of the whole.
        sizes: of the pieces.
        dim: along which it is cut.
    """

    def __init__(self, fn: Any, sizes: list[int], dim: int) -> None:
        self.fn, self.sizes, self.dim = fn, sizes, dim
        self._drawn: dict[Size, Tensor] = {}

    def piece(self, number: int, batch_shape: Size, sample_shape: Size) -> Tensor:
        """One piece of a draw, the same draw for all pieces of one batch shape; several draws are new ones."""
        fn = self.fn if self.fn.batch_shape == batch_shape else expanded(self.fn, batch_shape)
        if sample_shape:
            whole = fn.sample(sample_shape)
        else:
            if batch_shape not in self._drawn:
                self._drawn[batch_shape] = fn.sample()
            whole = self._drawn[batch_shape]
        piece: Tensor = whole.split(self.sizes, self.dim)[number]
        return piece


class _Piece(ImproperUniform):
    """The flat density of a piece; it is drawn as a part of the whole."""

    def __init__(self, draws: _Draws, number: int, support: constraints.Constraint) -> None:
        self.draws, self.number = draws, number
        shape = list(draws.fn.event_shape)
        shape[draws.dim] = draws.sizes[number]
        super().__init__(support, draws.fn.batch_shape, Size(shape))

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = super().expand(batch_shape, self._get_checked_instance(_Piece, _instance))
        new.draws, new.number = self.draws, self.number
        return new

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:  # type: ignore[override]
        with torch.no_grad():
            return self.draws.piece(self.number, self._batch_shape, Size(sample_shape))
