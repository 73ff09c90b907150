"""Checks of guides that draw all slots of a plate together."""

from __future__ import annotations

from collections.abc import Mapping

from virgil.errors import ArgumentError
from virgil.infer.autoguide.core.latent import Latent
from virgil.poutine.frame import Frame
from virgil.poutine.plate import plate

__all__ = ["check_whole", "frames_of_whole"]

_WHY = "{} draws all latent variables together and cannot leave some out. Use AutoNormal, or the whole plate."


def check_whole(family: str, latent: Latent) -> None:
    """Check that a site of the model's first run has all slots of its plates.

    Raises:
        ArgumentError: it has not.
    """
    for frame in latent.frames:
        if frame.size != frame.full_size:
            raise ArgumentError(_partial(family, latent, frame, frame.size, "a call"))


def frames_of_whole(family: str, latent: Latent, plates: Mapping[str, plate]) -> tuple[Frame, ...]:
    """The plates around a site in a call.

    Raises:
        ArgumentError: the call uses a mini-batch of one.
    """
    for frame in latent.frames:
        if frame.dim is not None and plates[frame.name].subsample_size != frame.full_size:
            raise ArgumentError(_partial(family, latent, frame, plates[frame.name].subsample_size, "this call"))
    return latent.frames


def _partial(family: str, latent: Latent, frame: Frame, size: int, call: str) -> str:
    return (
        f"Site {latent.name!r} is in plate {frame.name!r}, of which {call} uses {size} of {frame.full_size} slots. "
        + _WHY.format(family)
    )
