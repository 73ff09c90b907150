"""Whether guide and model use the same plates."""

from __future__ import annotations

from virgil.errors import MismatchError, did_you_mean
from virgil.infer.checks.pairing import is_auxiliary
from virgil.poutine.frame import Frame
from virgil.poutine.trace import Trace

__all__ = ["check_plates"]


def _plates(trace: Trace) -> dict[str, tuple[Frame, str]]:
    """By plate name: its frame, and the first site in it."""
    plates: dict[str, tuple[Frame, str]] = {}
    for name, site in trace.nodes.items():
        if site.kind == "sample" and not is_auxiliary(site):
            for frame in site.frames:
                plates.setdefault(frame.name, (frame, name))
    return plates


def check_plates(guide: Trace, model: Trace) -> None:
    """Check that every plate of the guide is one of the model, of the same size and, site by site, at the same dim.

    Raises:
        MismatchError: a plate that the model lacks, or one of other sizes or at another dim.
    """
    in_model = _plates(model)
    known = in_model.keys() | {name for name, site in model.nodes.items() if site.kind == "plate"}
    for name, (frame, site) in _plates(guide).items():
        if name not in known:
            raise MismatchError(
                f"The guide has site {site!r} in plate {name!r}, which the model lacks. {did_you_mean(name, known)} "
                "Give the guide's plate the model's name, or use .to_event() where the model has no plate."
            )
        if name not in in_model:
            continue
        other, _ = in_model[name]
        for what, ours, theirs in (
            ("full size", frame.full_size, other.full_size),
            ("mini-batch size", frame.size, other.size),
        ):
            if ours != theirs:
                raise MismatchError(
                    f"Plate {name!r} has {what} {ours} in the guide and {theirs} in the model. Give both the same size"
                    + (
                        "."
                        if what == "full size"
                        else ", and let the guide draw the mini-batch: the model takes it from there."
                    )
                )
    _check_dims(guide, model)


def _check_dims(guide: Trace, model: Trace) -> None:
    for name, site in guide.nodes.items():
        other = model.nodes.get(name)
        if site.kind != "sample" or other is None:
            continue
        dims = {frame.name: frame.dim for frame in other.frames}
        for frame in site.frames:
            if frame.name in dims and dims[frame.name] != frame.dim:
                raise MismatchError(
                    f"At site {name!r}, plate {frame.name!r} is at dim {frame.dim} in the guide and at dim "
                    f"{dims[frame.name]} in the model. Nest the plates in the same order, or give both plates the "
                    "same dim=."
                )
        missing = [frame.name for frame in other.frames if frame not in site.frames and frame.dim is not None]
        if missing:
            raise MismatchError(
                f"At site {name!r}, the model has plate {missing[0]!r}, which the guide lacks around this site. "
                f"Write with virgil.plate({missing[0]!r}, ...) around it in the guide as well."
            )
