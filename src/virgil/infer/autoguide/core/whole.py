"""Checks of guides that draw all slots of a plate together."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from virgil.errors import ArgumentError
from virgil.infer.autoguide.core.latent import Latent
from virgil.poutine.frame import Frame
from virgil.poutine.plate import plate

__all__ = ["check_joined", "check_known", "check_whole", "cut_frames", "frames_of_whole"]

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


def cut_frames(latent: Latent) -> list[Frame]:
    """The plates around a site of which the model's first run has a mini-batch."""
    return [frame for frame in latent.frames if frame.dim is not None and frame.size != frame.full_size]


def check_joined(family: str, latent: Latent, joined: Collection[str], sizes: Mapping[str, int]) -> None:
    """Check that a call has all slots of the plates around a site whose slots a guide joins.

    Args:
        family: of the guide.
        latent: the site.
        joined: names of plates.
        sizes: how many slots the call has, by plate.

    Raises:
        ArgumentError: it has a mini-batch.
    """
    for frame in latent.frames:
        size = sizes.get(frame.name, frame.full_size)
        if frame.name in joined and size != frame.full_size:
            raise ArgumentError(
                f"Site {latent.name!r} is in plate {frame.name!r}, of which this call uses {size} of "
                f"{frame.full_size} slots. {family} joins the slots, since the model does not treat them apart, and "
                "cannot draw some alone. Use AutoNormal, or the whole plate."
            )


def check_known(family: str, latent: Latent) -> None:
    """Check that it is known of all slots of a site which are data.

    Raises:
        ArgumentError: some are, and the first call has a mini-batch.
    """
    for frame in cut_frames(latent) if latent.partly_observed else ():
        raise ArgumentError(
            f"Site {latent.name!r} is data in some slots of plate {frame.name!r}, by obs_mask=, and the first call of "
            f"{family} uses {frame.size} of {frame.full_size} slots, so that it is not known which of the others are. "
            "Call the guide once with the whole plate."
        )
