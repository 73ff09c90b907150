"""Variables stated after a map that keeps volumes, such as a rotation."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import TransformedDistribution
from virgil.errors import ArgumentError, shown
from virgil.infer.reparam.coupled_batch import CoupledBatch, without_ones
from virgil.infer.reparam.reparameteriser import Reparam, computed, state
from virgil.poutine.plate import active_frames
from virgil.poutine.reparam import ReparamMessage, ReparamResult

__all__ = ["UnitJacobianReparam"]


class UnitJacobianReparam(Reparam):
    """States ``T(x)`` for a variable x and an invertible map T whose Jacobian has the determinant 1 or -1.

    An observed variable is restated too; its image is then observed.

    Args:
        transform: T.
        suffix: ends the name of the image, ``x_transformed``.
        experimental_allow_batch: lets T mix the slots of batch dims, where it needs more dims than one event has. The
            image then stands outside of the plates on these dims, which must be whole.

    Raises:
        ArgumentError: T is no transform, or needs batch dims and may not have them, or a plate on one of them takes a
            mini-batch.
    """

    def __init__(
        self, transform: Transform, suffix: str = "transformed", *, experimental_allow_batch: bool = False
    ) -> None:
        if not isinstance(transform, Transform):
            raise ArgumentError(f"{type(self).__name__} got transform={shown(transform)}; it takes a transform.")
        self.transform = transform
        self.suffix = suffix
        self.experimental_allow_batch = experimental_allow_batch

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """State the image; the variable itself is a function of it."""
        name, fn, value, transform = msg["name"], msg["fn"], msg["value"], self.transform
        event_dim = len(fn.event_shape)
        count = max(0, transform.domain.event_dim - event_dim)
        coupled = self._coupled(name, fn, count) if count else ()
        base = CoupledBatch(fn, count) if count else fn
        begin = None if value is None else transform(_with_ones(value, count, event_dim))
        image = state(
            f"{name}_{self.suffix}",
            TransformedDistribution(base, [transform]),
            begin,
            msg["is_observed"],
            outside=coupled,
        )
        if value is None or image is not begin:
            value = without_ones(transform.inv(image), count, count + event_dim)
        return computed(value, event_dim)

    def _coupled(self, name: str, fn: Any, count: int) -> list[str]:
        """The names of the plates whose slots the map mixes."""
        if not self.experimental_allow_batch:
            raise ArgumentError(
                f"At site {name!r}, {type(self).__name__} got a distribution of event shape {tuple(fn.event_shape)} "
                f"and a transform of events with {self.transform.domain.event_dim} dims. Move batch dims into the "
                "event by to_event(n), or write experimental_allow_batch=True."
            )
        if len(fn.batch_shape) < count:
            raise ArgumentError(
                f"At site {name!r}, {type(self).__name__} has a transform of {count} dims more than one event, and the "
                f"batch shape is {tuple(fn.batch_shape)}. Give a transform of fewer dims."
            )
        coupled = [frame for frame in active_frames() if frame.dim is not None and frame.dim >= -count]
        for frame in coupled:
            if frame.size != frame.full_size:
                raise ArgumentError(
                    f"At site {name!r}, {type(self).__name__} mixes the slots of plate {frame.name!r}, of which this "
                    f"call uses {frame.size} of {frame.full_size}. Use the whole plate."
                )
        return [frame.name for frame in coupled]


def _with_ones(value: Tensor, count: int, event_dim: int) -> Tensor:
    cut = value.dim() - event_dim - count
    return value.reshape(value.shape[:cut] + (1,) * count + value.shape[cut:])
