"""The check that a program has the same log-probabilities with many draws at once and with each alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from virgil.errors import PlateError
from virgil.infer.density.execution import Call, Pair, run_pair
from virgil.infer.density.mapped import run_alone
from virgil.infer.density.vectorize import Vectorization
from virgil.infer.warn import show_warning
from virgil.ops.random_state import TorchState
from virgil.ops.warning_filter import ignoring
from virgil.poutine.site import Site

__all__ = ["difference", "for_particles", "most_at_once"]

_TRIED = (2, 3, 5, 7, 11)  # numbers of draws


def for_particles(call: Call, max_plate_nesting: int, asked_for: int | None = None) -> Vectorization:
    """How the executions of programs hold particles, so that each is what it is alone.

    Args:
        call: the programs.
        max_plate_nesting: how many dims belong to plates.
        asked_for: how many particles a user insists on, whose programs may hold values for just so many. A nesting
            that is too small is an error then, and particles that cannot run at once are warned of, with the reason.
    """
    tried = Vectorization(-max_plate_nesting - 1, at_once=True)
    if asked_for:
        for way in (tried, replace(tried, mapped=True)):
            raised: type[Exception] | tuple[()] = () if way.mapped else PlateError
            if difference(lambda _: call, way, raised=raised) is None or _holds(call, way, asked_for):
                return way
    draws, reason = most_at_once(lambda _: call, tried)
    if reason is not None and asked_for:
        show_warning(
            "The particles run one after another, because the programs work neither with a particle dim on the left of "
            f"all plates {reason}. Set vectorize_particles=False to accept this."
        )
    return draws


def _holds(call: Call, draws: Vectorization, count: int) -> bool:
    """True where programs run with just so many draws."""
    return difference(lambda _: call, draws, counts=(count,)) is None


def most_at_once(
    call_of: Callable[[int], Call],
    tried: Vectorization,
    compared: Callable[[Site], bool] = lambda site: False,
) -> tuple[Vectorization, str | None]:
    """The fastest way to hold draws in which each is what it is alone, and why that is one by one, if it is.

    Draws with a dim of their own are the fastest, where programs broadcast over it; those that index or reduce from the
    left see one draw, by ``vmap``; and programs that read values into Python run draw by draw.

    Args:
        call_of: as for :func:`difference`.
        tried: with a dim for the draws, left of all plates.
        compared: likewise.
    """
    reason = difference(call_of, tried, compared)
    if reason is None:
        return tried, None
    mapped = replace(tried, mapped=True)
    why_not = difference(call_of, mapped, compared)
    if why_not is None:
        return mapped, None
    return tried.one_by_one(), f"({reason}), nor when each draw is seen alone by torch.func.vmap ({why_not})"


def difference(
    call_of: Callable[[int], Call],
    draws: Vectorization,
    compared: Callable[[Site], bool] = lambda site: False,
    raised: type[Exception] | tuple[()] = (),
    counts: Sequence[int] = _TRIED,
) -> str | None:
    """Why draws at once are not what each of them is alone; ``None`` if they are.

    Two of a few draws are run again, alone, on the same values. The log-densities of all sites must be the same then.

    Args:
        call_of: from a number of draws to the programs, which may hold so many values of their own.
        draws: how executions hold them.
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
        with ignoring(UserWarning):  # of programs that are tried with more dims than they expect
            both = _together(call_of, draws, note, counts)
            return next((reason for draw in (0, 1) if (reason := _differs(call_of, both, draw, compared))), None)
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
    draws: Vectorization

    def density(self, site: Site) -> Tensor:
        """The log-density of a site, in the execution or alone; ``vmap`` does not show supports afterwards."""
        return site.unscaled_log_prob if self.draws.mapped else site.extended_log_prob()


def _together(
    call_of: Callable[[int], Call],
    draws: Vectorization,
    note: Callable[[Pair, str], None],
    counts: Sequence[int] = _TRIED,
) -> _Together:
    """An execution of as many draws as no other dim has: what is confused with another dim is not seen."""
    for count in counts:
        call = call_of(count)
        pair = draws.run(lambda call=call: run_pair(call, note), count)  # type: ignore[misc]
        if draws.mapped or count not in _sizes(pair, draws.dim):
            break
    return _Together(pair, count, draws)


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
    call_of: Callable[[int], Call], both: _Together, draw: int, compared: Callable[[Site], bool]
) -> str | None:
    """How one draw differs from the same values run alone; ``None`` if it does not."""
    call = call_of(both.count)

    def alone() -> Pair:
        return run_alone(call, both.pair, both.draws.dim, both.count, draw, run_pair)

    state = TorchState()
    first, reason = alone(), None
    for joint, single in ((both.pair.guide, first.guide), (both.pair.model, first.model)):
        for name, site in joint.nodes.items():
            reason = reason or _differs_at(site, single.nodes.get(name), both, draw, compared)
    if reason is None or _same(first, alone(), both):
        return reason
    state.set()
    if both.draws.mapped and _same(first, alone(), both):
        return None  # they draw torch's random numbers besides their sites', of which each draw has its own
    return "they draw random numbers besides their sites', which draws would share"


def _differs_at(
    site: Site, single: Site | None, both: _Together, draw: int, compared: Callable[[Site], bool]
) -> str | None:
    if single is None:
        return f"site {site.name!r} is missing when its draw runs alone"
    if site.kind == "sample":
        if not both.draws.mapped and _batch_of_one(site, both) != _without_ones(single.fn.batch_shape):
            return f"site {site.name!r} has another batch shape when its draw runs alone"
        mine = _trimmed(_slot(both.density(site), both.draws.dim, draw))
        if not _close(mine, _trimmed(both.density(single))):
            return f"site {site.name!r} has another log-probability when its draw runs alone"
    elif compared(site) and isinstance(site.value, Tensor):
        own = torch.as_tensor(single.value)
        if not _close(both.draws.stacked(site.name, site.value, own, both.count)[draw], own):
            return f"site {site.name!r} has another value when its draw runs alone"
    return None


def _batch_of_one(site: Site, both: _Together) -> list[int]:
    """The batch shape of one of the draws, in an execution that has them along a dim."""
    shape = list(site.fn.batch_shape)
    if len(shape) >= -both.draws.dim and shape[both.draws.dim] in (1, both.count):
        del shape[both.draws.dim]
    return _without_ones(shape)


def _without_ones(shape: Sequence[int]) -> list[int]:
    """The shape without dims of size one on the left, which the draws' dim forces on sites outside plates."""
    first = next((place for place, size in enumerate(shape) if size != 1), len(shape))
    return list(shape[first:])


def _same(one: Pair, other: Pair, both: _Together) -> bool:
    """True where two executions on the same values have the same densities."""
    pairs = ((one.guide, other.guide), (one.model, other.model))
    return all(
        _close(both.density(site), both.density(theirs.nodes[name]))
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
    return value.reshape(_without_ones(value.shape))
