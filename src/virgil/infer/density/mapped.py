"""Executions of many draws by ``torch.func.vmap``, laid out as if the draws had a dim left of all plates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from torch import Tensor

from virgil.errors import ShapeError
from virgil.infer.density.dry_run import kept_buffers
from virgil.infer.density.execution import Call, Pair, particle_plate
from virgil.ops.mapping import mapped, own_row
from virgil.params import get_param_store
from virgil.poutine.frame import plates_shape
from virgil.poutine.replay import Replay
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["Layout", "OneDraw", "drawn_values", "map_draws", "run_alone", "tensors_of"]

Result = TypeVar("Result")


class OneDraw(Handler):
    """Gives latent sites the value of one draw, where they are given those of all draws.

    Args:
        dim: of the draws, left of all plates.
        count: how many there are.
        row: takes the draw at hand from a tensor that has the draws first.
    """

    def __init__(self, dim: int, count: int, row: Callable[[Tensor], Tensor] = own_row) -> None:
        self.dim = dim
        self.count = count
        self.row = row

    def before(self, site: Site) -> Site:
        """Take the draw's value, in the shape that the site has alone."""
        value = site.value
        if not site.is_latent or not isinstance(value, Tensor):
            return site
        events = len(site.fn.event_shape)
        place = self.dim - events
        if value.dim() < -place or value.shape[place] != self.count or (self.count == 1 and value.dim() > -place):
            return site
        one = self.row(value.movedim(place, 0))
        rank = len(plates_shape(site.name, site.fn.batch_shape, site.frames)) + events
        while one.dim() > rank and one.shape[0] == 1:
            one = one.squeeze(0)
        return site.with_value(one)


@dataclass(frozen=True, eq=False)
class Layout:
    """The tensors of an execution of one draw, inside ``vmap``, and those of all draws that they stand for.

    Attributes:
        dim: of the draws, left of all plates.
        count: how many there are.
        inner: by identity, the tensors inside, of which no more than the shape is known now.
        outer: those of all draws. Shape: ``(count, *shape of the inner one)``.
    """

    dim: int
    count: int
    inner: Mapping[int, Tensor]
    outer: Mapping[int, Tensor]

    def by_draw(self, tensor: Tensor) -> Tensor:
        """The tensor of all draws. Shape: ``(count, *shape)``."""
        return self.outer[id(tensor)]

    def placed(self, tensor: Tensor, event_dim: int = 0) -> Tensor:
        """The tensor of all draws, as an execution has it whose draws have a dim: ``(*left, count, *plates, *event)``.

        Raises:
            ShapeError: the dim is taken.
        """
        outer, missing = self.by_draw(tensor), event_dim - self.dim - 1 - tensor.dim()
        if missing >= 0:
            return outer.reshape(self.count, *(1,) * missing, *tensor.shape)
        place = self.dim - event_dim
        if tensor.shape[place] != 1:
            raise ShapeError(
                f"A tensor of shape {tuple(tensor.shape)} has size {tensor.shape[place]} at batch dim {self.dim}, "
                f"where {self.count} draws at once have theirs. Declare the dim by a plate or .to_event(n)."
            )
        return outer.squeeze(place).movedim(0, place)

    def pair(self, pair: Pair) -> Pair:
        """The execution with all draws; a site of both programs is one site again."""
        model, guide = self.trace(pair.model), Trace()
        shared = {id(site): model.nodes[name] for name, site in pair.model.nodes.items()}
        guide.nodes = {name: shared.get(id(site)) or self.site(site) for name, site in pair.guide.nodes.items()}
        return replace(pair, guide=guide, model=model)

    def trace(self, trace: Trace) -> Trace:
        """The trace with all draws. The parameters of its distributions are those inside, of which none can be read."""
        laid = Trace()
        laid.nodes = {name: self.site(site) for name, site in trace.nodes.items()}
        return laid

    def site(self, site: Site) -> Site:
        """The site with all draws."""
        if site.kind != "sample":
            is_known = isinstance(site.value, Tensor) and id(site.value) in self.outer
            return site.with_value(self.by_draw(site.value)) if is_known else site
        new = site.replace(frames=(particle_plate(self.dim, self.count).frame, *site.frames))
        for field in _BESIDE:
            if isinstance(each := getattr(site, field), Tensor):
                setattr(new, field, self.placed(each))
        if isinstance(site.value, Tensor):
            events = len(site.fn.event_shape)
            new.value = self.placed(site.value, events) if site.is_latent else self.by_draw(site.value)
        if site.unscaled_log_prob_is_known:
            new = new.with_log_prob(self.placed(site.unscaled_log_prob))
        return new


def map_draws(
    execute: Callable[[], Result], tensors: Callable[[Result], Iterable[Tensor]], dim: int, count: int
) -> tuple[Result, Layout]:
    """Execute programs for many draws, each of which sees no other, and none their dim.

    Args:
        execute: runs them once. Values that latent sites are given may be those of all draws, at the draws' dim.
        tensors: those of the result that are wanted of all draws.
        dim: of the draws in the layout, left of all plates.
        count: how many draws.

    Returns:
        The result for one draw, whose tensors can be laid out and not be computed with.
    """
    results: list[Result] = []
    inner: dict[int, Tensor] = {}

    def of_one() -> list[Tensor]:
        with OneDraw(dim, count):
            results[:] = [execute()]
        inner.clear()
        inner.update((id(each), each) for each in tensors(results[0]))
        return list(inner.values())

    try:
        outer = mapped(of_one, count)
    except RuntimeError:
        if not _makes_parameters(execute, dim, count):
            raise
        outer = mapped(of_one, count)
    return results[0], Layout(dim, count, inner, dict(zip(inner, outer, strict=True)))


def _makes_parameters(execute: Callable[[], object], dim: int, count: int) -> bool:
    """Execute for the first draw alone; returns true if parameters were new, which torch does not let ``vmap`` make."""
    before = set(get_param_store())
    with OneDraw(dim, count, lambda rows: rows[0]), kept_buffers():
        execute()
    return set(get_param_store()) != before


def run_alone(call: Call, pair: Pair, dim: int, count: int, draw: int, run: Callable[[Call], Result]) -> Result:
    """Run programs for one of the draws of an execution, on its values and the same mini-batch.

    Args:
        call: the programs.
        pair: the execution.
        dim: of its draws.
        count: how many it has.
        draw: the number of the one.
        run: runs guide and model.
    """
    replayed = Replay(drawn_values(pair))
    with OneDraw(dim, count, lambda rows: rows[draw]):
        return run(Call(replayed(call.model), replayed(call.guide), call.args, call.kwargs))


def drawn_values(pair: Pair) -> Trace:
    """The sites of an execution that were drawn and not enumerated, and its plates, for a replay of both programs."""
    sites = pair.model.nodes | pair.guide.nodes
    listed = {name for trace in (pair.model, pair.guide) for name, site in trace.nodes.items() if site.enumeration}
    drawn = Trace()
    drawn.nodes = {
        name: site for name, site in sites.items() if site.kind == "plate" or (site.is_latent and name not in listed)
    }
    return drawn


def tensors_of(pair: Pair, densities: bool = True) -> Iterator[Tensor]:
    """The tensors of an execution that its layout has.

    Args:
        pair: the execution.
        densities: whether log-densities are among them, which are computed then.
    """
    for trace in (pair.guide, pair.model):
        for site in trace.nodes.values():
            if site.kind in _LAID and isinstance(site.value, Tensor):
                yield site.value
            if site.kind == "sample":
                yield from (each for field in _BESIDE if isinstance(each := getattr(site, field), Tensor))
                if densities:
                    yield site.unscaled_log_prob


_BESIDE = ("mask", "scale", "latent_slots")  # fields of a site that may be tensors over its plates
_LAID = frozenset({"sample", "deterministic", "return"})
