"""The check that a program has the same log-probabilities with many draws at once and with each alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.errors import PlateError
from virgil.infer.density.execution import Call, Pair, particle_plate, run_pair
from virgil.infer.density.vectorize import Vectorization
from virgil.infer.warn import show_warning
from virgil.poutine.replay import Replay
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["can_vectorize", "difference"]

_TRIED = (2, 3, 5, 7, 11)  # numbers of draws


def can_vectorize(call: Call, max_plate_nesting: int, asked_for: int | None = None) -> bool:
    """True where particles that run at once give what each gives alone; warn, with the reason, where they do not.

    Args:
        call: the programs.
        max_plate_nesting: how many dims belong to plates.
        asked_for: how many particles a user insists on, whose programs may hold values for just so many. A nesting
            that is too small is an error then.
    """
    dim = -max_plate_nesting - 1
    reason = difference(lambda _: call, dim, raised=PlateError if asked_for else ())
    if reason is None or (asked_for and difference(lambda _: call, dim, counts=(asked_for,)) is None):
        return True
    show_warning(
        "The particles run one after another, because the programs do not work with a particle dim on the left of "
        f"all plates ({reason}). Set vectorize_particles=False to accept this."
    )
    return False


def difference(
    call_of: Callable[[int], Call],
    dim: int,
    compared: Callable[[Site], bool] = lambda site: False,
    raised: type[Exception] | tuple[()] = (),
    counts: Sequence[int] = _TRIED,
) -> str | None:
    """Why draws at once are not what each of them is alone; ``None`` if they are.

    Two of a few draws are run again, alone, on the same values. The log-densities of all sites must be the same then.

    Args:
        call_of: from a number of draws to the programs, which may hold so many values of their own.
        dim: for the draws, left of all plates.
        compared: tells of other sites than sample statements which must have the same values.
        raised: what is no reason, but raised: the dim is a plate's, say.
        counts: numbers of draws to try with, of which the first is taken that is no size of the programs' own.
    """
    reached = ""

    def note(pair: Pair, running: str) -> None:
        nonlocal reached
        sites = [site.name for site in getattr(pair, running).nodes.values() if site.kind == "sample"]
        reached = f", after site {sites[-1]!r}" if sites else ""

    try:
        both = _together(call_of, dim, note, counts)
        return next((reason for draw in (0, 1) if (reason := _differs(call_of, both, dim, draw, compared))), None)
    except raised:
        raise
    except Exception as error:  # whatever a program raises where values have a dim that it does not expect
        first = str(error).partition("\n")[0]
        return f"{type(error).__name__}{': ' if first else ''}{first}{reached}"


@dataclass(frozen=True)
class _Together:
    """An execution of several draws."""

    pair: Pair
    count: int


def _together(
    call_of: Callable[[int], Call], dim: int, note: Callable[[Pair, str], None], counts: Sequence[int] = _TRIED
) -> _Together:
    """An execution of as many draws as no other dim has: what is confused with another dim is not seen."""
    for count in counts:
        with particle_plate(dim, count):
            pair = run_pair(call_of(count), note)
        if count not in _sizes(pair, dim):
            break
    return _Together(pair, count)


def _sizes(pair: Pair, draws_dim: int) -> set[int]:
    """The sizes of all dims of values and parameters but that of the draws."""
    sizes: set[int] = set()
    for trace in (pair.guide, pair.model):
        for site in trace.nodes.values():
            if isinstance(site.value, Tensor):
                event = len(site.fn.event_shape) if site.kind == "sample" else 0
                shape = site.value.shape
                sizes.update(size for place, size in enumerate(shape) if place - len(shape) != draws_dim - event)
    return sizes


def _differs(
    call_of: Callable[[int], Call], both: _Together, dim: int, draw: int, compared: Callable[[Site], bool]
) -> str | None:
    """How one draw differs from the same values run alone; ``None`` if it does not."""
    values = Trace()
    for trace in (both.pair.model, both.pair.guide):
        for name, site in trace.nodes.items():
            if site.is_latent:
                values.nodes[name] = site.replace(value=_slot(site.value, dim - len(site.fn.event_shape), draw))
            elif site.kind == "plate":  # all draws share the mini-batch
                values.nodes[name] = site
    call, replayed = call_of(both.count), Replay(values)

    def alone() -> Pair:
        return run_pair(Call(replayed(call.model), replayed(call.guide), call.args, call.kwargs))

    first, reason = alone(), None
    for joint, single in ((both.pair.guide, first.guide), (both.pair.model, first.model)):
        for name, site in joint.nodes.items():
            reason = reason or _differs_at(site, single.nodes.get(name), both.count, dim, draw, compared)
    if reason is None:
        return None
    return reason if _same(first, alone()) else "they draw random numbers besides their sites', which draws would share"


def _differs_at(
    site: Site, single: Site | None, count: int, dim: int, draw: int, compared: Callable[[Site], bool]
) -> str | None:
    if single is None:
        return f"site {site.name!r} is missing when its draw runs alone"
    if site.kind == "sample":
        mine = _trimmed(_slot(site.extended_log_prob(), dim, draw))
        if not _close(mine, _trimmed(single.extended_log_prob())):
            return f"site {site.name!r} has another log-probability when its draw runs alone"
    elif compared(site) and isinstance(site.value, Tensor):
        own = torch.as_tensor(single.value)
        if not _close(Vectorization(dim, True).stacked(site.name, site.value, own, count)[draw], own):
            return f"site {site.name!r} has another value when its draw runs alone"
    return None


def _same(one: Pair, other: Pair) -> bool:
    """True where two executions on the same values have the same densities."""
    pairs = ((one.guide, other.guide), (one.model, other.model))
    return all(
        _close(site.extended_log_prob(), theirs.nodes[name].extended_log_prob())
        for mine, theirs in pairs
        for name, site in mine.nodes.items()
        if site.kind == "sample"
    )


def _close(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    return torch.allclose(one.double(), other.double(), rtol=1e-3, atol=1e-4, equal_nan=True)


def _slot(value: Tensor, dim: int, draw: int) -> Tensor:
    return value.select(dim, draw) if value.dim() >= -dim else value


def _trimmed(value: Tensor) -> Tensor:
    """The same without dims of size one on the left, which the draws' dim forces on sites outside plates."""
    while value.dim() and value.shape[0] == 1:
        value = value[0]
    return value
