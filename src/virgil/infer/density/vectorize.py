"""Whether the particles of an objective may run in one execution, found by trying."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.infer.density.execution import Call, Pair, particle_plate, run_pair
from virgil.infer.warn import show_warning
from virgil.poutine.replay import Replay
from virgil.poutine.trace import Trace

__all__ = ["can_vectorize"]

_TRIED = (2, 3, 5, 7, 11)  # numbers of particles, of which the first is taken that is no size of the programs' own


def can_vectorize(call: Call, max_plate_nesting: int) -> bool:
    """Whether particles that run at once give what each gives alone. Warns, with the reason, where they do not."""
    dim = -max_plate_nesting - 1
    try:
        together = _together(call, dim)
        reason = next((reason for particle in (0, 1) if (reason := _difference(call, together, dim, particle))), None)
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error).splitlines()[0]}" if str(error) else type(error).__name__
    if reason is None:
        return True
    show_warning(
        "The particles run one after another, because the programs do not work with a particle dim on the left of "
        f"all plates ({reason}). Set vectorize_particles=False to accept this, or True to insist."
    )
    return False


def _together(call: Call, dim: int) -> Pair:
    """An execution of several particles, as many as no other dim has: what is confused with another dim is not seen."""
    for count in _TRIED:
        with particle_plate(dim, count):
            pair = run_pair(call)
        if count not in _sizes(pair, dim):
            break
    return pair


def _sizes(pair: Pair, particle_dim: int) -> set[int]:
    """The sizes of all dims of values and parameters but that of the particles."""
    sizes: set[int] = set()
    for trace in (pair.guide, pair.model):
        for site in trace.nodes.values():
            if isinstance(site.value, Tensor):
                event = len(site.fn.event_shape) if site.kind == "sample" else 0
                shape = site.value.shape
                sizes.update(size for place, size in enumerate(shape) if place - len(shape) != particle_dim - event)
    return sizes


def _difference(call: Call, both: Pair, dim: int, particle: int) -> str | None:
    """How one particle differs from the same values run alone; ``None`` if it does not."""
    values = Trace()
    for trace in (both.model, both.guide):
        for name, site in trace.nodes.items():
            if site.is_latent:
                values.nodes[name] = site.replace(value=_slot(site.value, dim - len(site.fn.event_shape), particle))
            elif site.kind == "plate":  # all particles share the mini-batch
                values.nodes[name] = site
    replayed = Replay(values)
    alone = run_pair(Call(replayed(call.model), replayed(call.guide), call.args, call.kwargs))
    for joint, single in ((both.guide, alone.guide), (both.model, alone.model)):
        for name, site in joint.nodes.items():
            if site.kind == "sample":
                mine = _trimmed(_slot(site.extended_log_prob(), dim, particle))
                own = _trimmed(single.nodes[name].extended_log_prob())
                if mine.shape != own.shape or not torch.allclose(mine, own, rtol=1e-3, atol=1e-4, equal_nan=True):
                    return f"site {name!r} has another log-probability when its particle runs alone"
    return None


def _slot(value: Tensor, dim: int, particle: int) -> Tensor:
    return value.select(dim, particle) if value.dim() >= -dim else value


def _trimmed(value: Tensor) -> Tensor:
    """The same without dims of size one on the left, which the particle dim forces on sites outside plates."""
    while value.dim() and value.shape[0] == 1:
        value = value[0]
    return value
