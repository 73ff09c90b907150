"""Many draws in one execution, along a dim of their own, and the comparison that shows that a program allows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.errors import PlateError, ShapeError
from virgil.infer.density.execution import Call, Pair, particle_plate, run_pair
from virgil.infer.warn import show_warning
from virgil.poutine.frame import Frame
from virgil.poutine.plate import SubsampleIndices
from virgil.poutine.replay import Replay
from virgil.poutine.runtime import Handler, Outer, states_nothing
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["Vectorization", "WholePlates", "can_vectorize", "difference", "draws_in_one_execution"]

_TRIED = (2, 3, 5, 7, 11)  # numbers of draws, of which the first is taken that is no size of the programs' own
_ELEMENTS = 2**27  # of results that one execution may compute, all operators together


class WholePlates(Handler):
    """Lets a plate that would draw a mini-batch take all its slots."""

    @states_nothing
    def handle(self, site: Site, outer: Outer) -> Site:
        """Give the plate its indices."""
        fn = site.fn
        if site.kind == "plate" and site.value is None and isinstance(fn, SubsampleIndices):
            site = site.with_value(torch.arange(fn.size, device=fn.device))
        return outer(site)


@dataclass(frozen=True)
class Vectorization:
    """How the executions of a program hold draws.

    Attributes:
        dim: the batch dim of the draws, left of all plates.
        at_once: whether an execution has many draws, along this dim; else it has one, and no such dim.
        chunk: how many draws an execution has at most.
        whole: whether plates that draw mini-batches take all their slots.
    """

    dim: int
    at_once: bool
    chunk: int = 1
    whole: bool = False

    @contextmanager
    def drawing(self, count: int) -> Iterator[None]:
        """A block in which an execution has so many draws."""
        with ExitStack() as entered:
            if self.whole:
                entered.enter_context(WholePlates())
            if self.at_once:
                entered.enter_context(particle_plate(self.dim, count))
            yield

    def chunks(self, num: int) -> Iterator[range]:
        """The numbers of so many draws, an execution after another."""
        return (range(start, min(start + self.chunk, num)) for start in range(0, num, self.chunk))

    def placed(self, values: Tensor, event_dim: int) -> Tensor:
        """Values with the draws first, as a site has them: ``(count, *batch, *event)`` with ones after the draws.

        One draw loses its dim where an execution has but one.
        """
        if not self.at_once:
            return values.squeeze(0)
        ones = -self.dim - 1 - (values.dim() - 1 - event_dim)
        return values.reshape(len(values), *(1,) * ones, *values.shape[1:])

    def stacked(self, name: str, value: Tensor, single: Tensor, count: int) -> Tensor:
        """The value of an execution by draw. Shape: ``(count, *shape of a single one)``; what has no draws is repeated.

        Raises:
            ShapeError: it has neither the draws' dim nor the shape of a single value.
        """
        if value.numel() == count * single.numel():
            return value.reshape(count, *single.shape)
        if value.shape == single.shape:
            return value.expand(count, *value.shape)
        raise ShapeError(
            f"Site {name!r} has shape {tuple(value.shape)} for {count} draws at once, where one draw has "
            f"{tuple(single.shape)}: the program does not broadcast over a dim on the left. Index from the right, as "
            "in x[..., 0], and reduce over dims from the right, as in x.sum(-1).",
            site=name,
        )

    def per_draw(self, log_prob: Tensor, frames: tuple[Frame, ...], count: int) -> Tensor:
        """The sum over all plates for each draw, weighted, float64. Shape: ``(count,)``."""
        log_prob = log_prob.double()
        for frame in frames:
            log_prob = log_prob if frame.particle or frame.weight == 1.0 else log_prob * frame.weight
        if not self.at_once or log_prob.dim() < -self.dim:
            return log_prob.sum().expand(count)
        rows = log_prob.movedim(self.dim, 0)
        return rows.reshape(len(rows), -1).sum(1).expand(count)


def draws_in_one_execution(elements: int) -> int:
    """How many draws an execution may have, from how many elements it computes with one."""
    return max(1, _ELEMENTS // max(elements, 1))


def can_vectorize(call: Call, max_plate_nesting: int, asked_for: bool = False) -> bool:
    """Whether particles that run at once give what each gives alone. Warns, with the reason, where they do not.

    Args:
        call: the programs.
        max_plate_nesting: how many dims belong to plates.
        asked_for: whether a user insists, who is told then of a nesting that is too small by an error.
    """
    reason = difference(lambda _: call, -max_plate_nesting - 1, raised=PlateError if asked_for else ())
    if reason is None:
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
) -> str | None:
    """Why draws at once are not what each of them is alone; ``None`` if they are.

    Two of a few draws are run again, alone, on the same values. The log-densities of all sites must be the same then.

    Args:
        call_of: from a number of draws to the programs, which may hold so many values of their own.
        dim: for the draws, left of all plates.
        compared: tells of other sites than sample statements which must have the same values.
        raised: what is no reason, but raised: the dim is a plate's, say.
    """
    reached = ""

    def note(pair: Pair, running: str) -> None:
        nonlocal reached
        sites = [site.name for site in getattr(pair, running).nodes.values() if site.kind == "sample"]
        reached = f", after site {sites[-1]!r}" if sites else ""

    try:
        both = _together(call_of, dim, note)
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


def _together(call_of: Callable[[int], Call], dim: int, note: Callable[[Pair, str], None]) -> _Together:
    """An execution of as many draws as no other dim has: what is confused with another dim is not seen."""
    for count in _TRIED:
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
    """Whether two executions on the same values have the same densities."""
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
