"""Check for random attributes of modules that have one value a slot only because a plate is around their first read."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from virgil.infer.checks.finding import Finding, Subject
from virgil.infer.density.dry_run import dry_run
from virgil.nn.call import Values, calls
from virgil.poutine.frame import Frame
from virgil.poutine.replay import Replay
from virgil.poutine.runtime import Handler, Outer
from virgil.poutine.site import Site
from virgil.poutine.trace import trace

__all__ = ["attribute_problems"]


def attribute_problems(subject: Subject) -> Iterator[Finding]:
    """Attributes of modules, ``PyroSample``, that are first read in a plate of which their priors know nothing.

    The plate then makes one variable for each slot. That is how local variables are written, and also what becomes of
    a weight or scale, meant for all data, that is read one line too late: nothing in the program tells the two apart.
    """
    model, guide = subject.programs.get("model"), subject.programs.get("guide")
    in_plates = any(site.is_latent and any(map(_is_own, site.frames)) for site in subject.model.nodes.values())
    if subject.failed is not None or model is None or guide is None or not in_plates:
        return
    watch = _Watch()
    with dry_run(), torch.no_grad():
        drawn = trace(guide).get_trace(*subject.args, **subject.kwargs)
        Replay(drawn)(watch(model))(*subject.args, **subject.kwargs)
    for site, frames, values in watch.widened:
        if site.name in values:
            yield _problem(site, frames)


class _Watch(Handler):
    """Notes sample sites that plates widen, and what the modules whose calls are under way have read.

    Attributes:
        widened: a site, the plates of which its own distribution knows nothing, and what its module has read, by name.
    """

    def __init__(self) -> None:
        self.widened: list[tuple[Site, list[Frame], Values]] = []

    def handle(self, site: Site, outer: Outer) -> Site:
        """Note the site."""
        if not site.is_latent:
            return outer(site)
        # before the plates widen it
        frames = [frame for frame in site.frames if _is_own(frame) and frame.values_in(site.fn.batch_shape) <= 1]
        finished = outer(site)
        if frames:
            self.widened += [(finished, frames, values) for values in calls.open.values()]
        return finished


def _is_own(frame: Frame) -> bool:
    """True if a plate of the program's own, of more than one slot, has a dim."""
    return frame.dim is not None and frame.size > 1 and not frame.particle


def _problem(site: Site, frames: list[Frame]) -> Finding:
    plates = " and ".join(f"plate {frame.name!r}" for frame in frames)
    shape = tuple(site.value.shape) if isinstance(site.value, Tensor) else ()
    return Finding(
        f"Attribute {site.name!r} is first read inside {plates}, and so has a value for each slot: shape {shape}.",
        "If one value is meant for all slots, read it before the plate. If not, a prior with the plate's size says so: "
        f"PyroSample(prior.expand({list(site.fn.batch_shape)})).",
        site.name,
        severity="note",
    )
