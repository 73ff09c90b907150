"""``plate``: declare that slots are conditionally independent."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from virgil import settings
from virgil.distributions.core.validation import is_validating
from virgil.errors import FitWarning, PlateError, shown
from virgil.ops.distinct_indices import distinct_indices
from virgil.ops.user_code import warn_user
from virgil.poutine.frame import Frame
from virgil.poutine.plate_context import PlateContext, SizelessContext, active_frames
from virgil.poutine.runtime import emit, installed
from virgil.poutine.site import Site

__all__ = ["PlateContext", "SubsampleIndices", "active_frames", "free_dim", "plate"]

_INDEX_TYPES = frozenset({torch.long, torch.int})


class SubsampleIndices:
    """The distribution of a plate's indices: uniform over choices of ``subsample_size`` distinct ones out of ``size``.

    It has the part of the distribution interface that programs ask of every sample site. Its log-density counts as
    zero, since the choice of a mini-batch is no part of the model.
    """

    has_rsample = False
    has_enumerate_support = False
    batch_shape = torch.Size()
    event_shape: torch.Size

    def __init__(
        self,
        size: int,
        subsample_size: int | None = None,
        device: torch.device | str | None = None,
        dim: int | None = None,
    ) -> None:
        self.size = size
        self.dim = dim  # the one asked for
        self.subsample_size = size if subsample_size is None else subsample_size
        self.device = device
        self.event_shape = torch.Size([self.subsample_size])
        self.event_dim = 1

    def __call__(self) -> Tensor:
        """Draw the indices. Shape: ``(subsample_size,)``."""
        if self.subsample_size == self.size:
            return torch.arange(self.size, device=self.device)
        return distinct_indices(self.size, self.subsample_size, self.device)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Indices drawn anew. Shape: ``(subsample_size,)``."""
        if tuple(sample_shape):
            raise PlateError(
                f"Indices of a plate are drawn one mini-batch at a time, but sample_shape is {tuple(sample_shape)}."
            )
        return self()

    def log_prob(self, value: Tensor) -> Tensor:
        """Zero, a scalar."""
        return torch.zeros((), device=value.device if isinstance(value, Tensor) else None)

    def __repr__(self) -> str:
        return f"SubsampleIndices(size={self.size}, subsample_size={self.subsample_size})"


class plate:
    """Declare that statements inside are conditionally independent across ``size`` slots.

    As a context, ``with plate("data", n) as indices:``, it occupies one batch dim, to which distributions inside are
    broadcast. As an iterator, ``for i in plate("data", n):``, it runs the body once a slot; sites need names of their
    own. Given ``subsample_size`` or ``subsample`` it runs over a mini-batch, and the log-probabilities inside are
    multiplied by ``size / subsample_size``, which keeps objectives unbiased.

    Args:
        name: unique name; guide and model use the same one to share the mini-batch.
        size: number of slots. Default: that of ``subsample`` or, without it, the one that the first sample statement
            inside has at the plate's dim, by its distribution's batch shape or its data. A plate that is to have its
            size from there cannot be iterated; its indices are ``slice(None)``, and a trace has no site for it.
        subsample_size: slots of a mini-batch, drawn without replacement, anew each time the plate is made.
        subsample: the indices themselves, instead of drawn ones. Shape: ``(subsample_size,)``.
        dim: the batch dim, negative. Default: the first free one from the right.
        use_cuda, device: where indices are made.

    Raises:
        PlateError: sizes, indices or dim that make no sense, or clash with a plate around this one.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> with virgil.plate("data", 10, subsample_size=3) as indices:
        ...     x = virgil.sample("x", dist.Normal(0.0, 1.0))
        >>> x.shape, indices.shape
        (torch.Size([3]), torch.Size([3]))
    """

    def __init__(
        self,
        name: str,
        size: int | None = None,
        subsample_size: int | None = None,
        subsample: Tensor | Sequence[int] | None = None,
        dim: int | None = None,
        use_cuda: bool | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        if use_cuda and device is None:
            device = "cuda"
        if subsample is not None and not isinstance(subsample, Tensor):
            subsample = torch.as_tensor(list(subsample), device=device)
        self.name = name
        self.dim = _checked_dim(name, dim)
        self.is_sized = size is not None or subsample is not None or subsample_size is not None
        if not self.is_sized:
            self.size = self.subsample_size = 1
            self.indices: Tensor = cast(Tensor, slice(None))  # data[indices] are all data
            return
        self.size = _checked_size(name, size, subsample_size, subsample)
        if subsample_size is not None:
            subsample_size = operator.index(subsample_size)
        if subsample is not None:
            _check_indices(name, subsample, self.size)
        site = Site("plate", name, SubsampleIndices(self.size, subsample_size, device, dim), value=subsample)
        site.observed = subsample is not None
        self.indices = emit(site).value
        self.subsample_size = len(self.indices)

    def __enter__(self) -> Tensor:
        self.context().__enter__()
        return self.indices

    def context(self) -> PlateContext:
        """The handler that stands for the plate when it is entered here."""
        frame = Frame(self.name, free_dim(self.name, self.dim), self.subsample_size, self.size)
        if self.is_sized:
            return PlateContext(frame, self.indices, self)
        return SizelessContext(frame, self, self._take_size)

    def _take_size(self, size: int) -> None:
        self.size = self.subsample_size = size
        self.indices, self.is_sized = torch.arange(size), True

    def __exit__(self, *exc_info: object) -> None:
        for handler in reversed(installed()):
            if isinstance(handler, PlateContext) and handler.plate is self:
                handler.__exit__()
                return

    def __iter__(self) -> Iterator[int]:
        self._check_sized()
        if not installed():
            # Nobody outside would hear of the plate, nor take its context away if an error left this loop for good.
            yield from self.indices.tolist()
            return
        for counter, index in enumerate(self.indices.tolist()):
            frame = Frame(self.name, None, self.subsample_size, self.size, counter)
            context = PlateContext(frame, plate=self)
            context.__enter__()
            try:
                yield index
            finally:
                context.leave()

    def __len__(self) -> int:
        self._check_sized()
        return self.subsample_size

    def _check_sized(self) -> None:
        if not self.is_sized:
            raise PlateError(
                f"Plate {self.name!r} has no size, and nothing stated inside has given it one yet. Write "
                f"plate({self.name!r}, size)."
            )

    def __call__(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """As a decorator: the whole function runs inside the plate."""

        @functools.wraps(fn)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self:
                return fn(*args, **kwargs)

        return inside

    def __repr__(self) -> str:
        return f"plate({self.name!r}, size={self.size}, subsample_size={self.subsample_size}, dim={self.dim})"


def free_dim(name: str, dim: int | None) -> int:
    """The batch dim of a plate that is entered now: the one asked for, or the first free one from the right.

    Raises:
        PlateError: it is taken, or a plate of this name has been entered already.
    """
    frames = active_frames()
    taken = {frame.dim: frame for frame in frames if frame.dim is not None}
    if dim is None:
        dim = -1
        while dim in taken and not taken[dim].particle:
            dim -= 1
    for frame in frames:
        if frame.name == name:
            raise PlateError(f"Plate {name!r} is entered inside itself. Give the inner plate a name of its own.")
        if frame.particle and frame.dim is not None and dim <= frame.dim:
            raise PlateError(
                f"Plate {name!r} needs dim {dim}, but the objective expects at most {-frame.dim - 1} nested "
                f"plates and keeps its particles at dim {frame.dim}. Set max_plate_nesting={-dim} or more on the "
                "objective, or leave it out."
            )
    if dim in taken:
        raise PlateError(
            f"Plate {name!r} wants dim {dim}, which plate {taken[dim].name!r} around it occupies. "
            "Leave dim out, or give one of the two another dim."
        )
    return dim


def _checked_size(name: str, size: int | None, subsample_size: int | None, subsample: Tensor | None) -> int:
    if size is None:
        if subsample is None:
            raise PlateError(f"Plate {name!r} has no size. Write plate({name!r}, size).")
        size = len(subsample)
    try:
        number = operator.index(size)
    except TypeError:
        number = 0
    if number < 1:
        raise PlateError(f"Plate {name!r} has size {shown(size)}; it must be a positive integer.")
    if subsample is not None and subsample_size is not None and len(subsample) != subsample_size:
        raise PlateError(
            f"Plate {name!r} got {len(subsample)} indices in subsample, but subsample_size={subsample_size}. Give "
            f"only one of them."
        )
    if subsample_size is not None and not (_is_index(subsample_size) and 1 <= subsample_size <= size):
        raise PlateError(
            f"Plate {name!r} has subsample_size={shown(subsample_size)}; it must be between 1 and its size, {size}."
        )
    if subsample is not None and not len(subsample):
        raise PlateError(f"Plate {name!r} got no indices in subsample; there must be one or more.")
    return number


def _check_indices(name: str, indices: Tensor, size: int) -> None:
    if indices.dim() != 1 or indices.dtype not in _INDEX_TYPES:
        came = f"Plate {name!r} got a subsample of shape {tuple(indices.shape)} and dtype {indices.dtype}"
        if settings.get("mismatch") == "warn" and indices.dtype.is_floating_point:
            _warn(f"{came}, which are no indices: it counts as {len(indices)} slots of which nobody knows which.")
            return
        raise PlateError(
            f"{came}; it takes a list of indices, a tensor of one dim and dtype torch.long. To leave slots out, use "
            "poutine.mask."
        )
    if not is_validating():
        return
    if len(indices) > size:
        _warn(
            f"Plate {name!r} got {len(indices)} indices in subsample, more than its size {size}, so that each counts "
            "less than once. Give the plate the size of the data."
        )
    if not bool(((indices >= 0) & (indices < size)).all()):
        _warn(
            f"Plate {name!r} got indices from {int(indices.min())} to {int(indices.max())} in subsample, where its "
            f"size is {size}: they should lie between 0 and {size - 1}. Give the plate the size of the data."
        )


def _warn(message: str) -> None:
    """Show a warning at the line that makes the plate."""
    warn_user(message, FitWarning)


def _is_index(number: object) -> bool:
    try:
        operator.index(number)  # type: ignore[arg-type]
    except TypeError:
        return False
    return True


def _checked_dim(name: str, dim: int | None) -> int | None:
    if dim is None:
        return None
    if not _is_index(dim) or dim >= 0:
        raise PlateError(
            f"Plate {name!r} has dim={shown(dim)}; a plate's dim counts from the right and is negative, such as -1."
        )
    return operator.index(dim)
