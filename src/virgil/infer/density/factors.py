"""Log-probabilities as factors: a name for each dim, and the model's enumerated variables eliminated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from virgil.errors import PlateError, ShapeError
from virgil.infer.density.execution import Pair
from virgil.ops.chain_elimination import Chain
from virgil.ops.factor import Factor
from virgil.ops.semiring import SUM, Semiring
from virgil.ops.sum_product import connected, eliminate
from virgil.poutine.enumeration import enumerated_dim
from virgil.poutine.frame import rounds_of
from virgil.poutine.masked_log_prob import counted
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace
from virgil.poutine.undeclared import undeclared_dims

__all__ = [
    "Cost",
    "Piece",
    "factor_of",
    "model_pieces",
    "piece_of",
    "plate_weights",
    "scale_of",
    "solve",
    "summed_together",
]


_LOG_PROB = "log-probability"


@dataclass(frozen=True, slots=True)
class Piece:
    """The contribution of one site of a model to a sum over its variables.

    Attributes:
        name: the site's.
        factor: the log-probability, masked, without the scale.
        scale: the factor put on by ``poutine.scale`` and by plates that are iterated over a mini-batch.
        slots: the scale with names for its dims, where it is a tensor of several.
        is_variable: whether the site is itself summed out.
        position: where the model states it.
        rounds: of the iterated plates around it, name and round.
    """

    name: str
    factor: Factor
    scale: float | Tensor
    slots: Factor | None
    is_variable: bool
    position: int
    rounds: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Cost:
    """A term of the bound as a factor over plates and over variables that the guide enumerates.

    Attributes: as those of ``Term``; ``rounds`` as those of :class:`Piece`; ``sites`` are the names of those whose
    densities it is made of.
    """

    sign: int
    factor: Factor
    guide_position: int | None
    model_position: int | None
    rounds: Mapping[str, int]
    sites: frozenset[str]


def plate_weights(pair: Pair) -> dict[str, float]:
    """By plate that occupies a dim, its weight."""
    return {
        frame.name: frame.weight
        for trace in (pair.guide, pair.model)
        for site in trace.nodes.values()
        for frame in site.frames
        if frame.dim is not None
    }


def factor_of(site: Site, log_prob: Tensor, what: str = _LOG_PROB) -> Factor:
    """Name the dims of a site's log-probability: plates, and the variables that it depends on.

    Entries along a dim that is an undeclared part of the event are summed, unless the site is itself enumerated: it
    then has a variable for each of them.

    Raises:
        ShapeError: a dim is none of these.
    """
    is_joint = site.enumeration is None or site.enumeration.draws is not None
    own = undeclared_dims(site, log_prob.shape) if is_joint and what == _LOG_PROB else []
    if own:
        log_prob = log_prob.sum(own, keepdim=True)
    plates = {frame.dim: frame.name for frame in site.frames if frame.dim is not None}
    dims, sizes = [], []
    for dim in range(-log_prob.dim(), 0):
        size = log_prob.shape[dim]
        name = plates.get(dim)
        if name is None and size == 1:
            continue
        if name is None:
            name = site.variables.get(dim)
        if name is None:
            raise ShapeError(
                f"At site {site.name!r}, the {what} of shape {tuple(log_prob.shape)} has size {size} at "
                f"dim {dim}, which is no plate and no enumerated variable that the site can see. Put the statement "
                "in a plate, declare the dim by .to_event(n), or, if it depends on a step of a markov chain "
                "further back, raise history=.",
                site=site.name,
            )
        dims.append(name)
        sizes.append(size)
    return Factor(log_prob.reshape(sizes), tuple(dims))


def scale_of(site: Site) -> float | Tensor:
    """The site's scale, with the weights of iterated plates."""
    scale = site.scale
    for frame in site.frames:
        if frame.dim is None and frame.weight != 1.0:
            scale = scale * frame.weight
    return scale


def model_pieces(model: Trace, guide: Trace) -> list[Piece]:
    """The pieces of a model's joint probability. A mask leaves a summed variable's own distribution alone.

    A variable that a completed guide has from the model has none: its density is divided out where it is drawn.
    """
    pieces = []
    for position, (name, site) in enumerate(model.nodes.items()):
        if site.kind != "sample" or guide.nodes.get(name) is site:
            continue
        is_variable = enumerated_dim(site) is not None and name not in guide
        log_prob = site.unscaled_log_prob
        if site.mask is not None and not is_variable:
            log_prob = counted(log_prob, site.mask)
        pieces.append(piece_of(site, log_prob, position, is_variable))
    return pieces


def piece_of(site: Site, log_prob: Tensor, position: int, is_variable: bool) -> Piece:
    """The piece of a site with this log-probability, masked, without the scale."""
    scale = scale_of(site)
    factor, slots = factor_of(site, log_prob), _slots(site, scale)
    return Piece(site.name, factor, scale, slots, is_variable, position, rounds_of(site.frames))


def _slots(site: Site, scale: float | Tensor) -> Factor | None:
    if not isinstance(scale, Tensor) or scale.numel() == 1:
        return None
    named = factor_of(site, scale, "scale")
    return Factor(named.logs.squeeze(), tuple(dim for dim in named.dims if named.size(dim) > 1))


def summed_together(
    pieces: Iterable[Piece], variables: frozenset[str], chains: Sequence[Chain] = ()
) -> list[list[Piece]]:
    """The pieces, grouped by which hang together through the variables, or through chains of them."""
    one = {name: names[0] for chain in chains for names in chain.names for name in names}
    return connected(pieces, lambda piece: [one.get(name, name) for name in variables.intersection(piece.factor.dims)])


def solve(
    group: list[Piece],
    variables: frozenset[str],
    plates: Mapping[str, float],
    semiring: Semiring = SUM,
    chains: Sequence[Chain] = (),
) -> list[Factor]:
    """Eliminate the variables of one connected group, with its scale.

    A scale that all pieces share multiplies the logarithm of the sum; its plates are then around all of them, so that
    each slot has a sum of its own. Where only pieces that are no variables have scales, these are powers inside the
    sum.

    Raises:
        PlateError: variables have different scales, for which there is no such reading.
    """
    shared = group[0].scale
    if all(_same(piece.scale, shared) for piece in group):
        factors = eliminate([piece.factor for piece in group], variables, plates, semiring, chains)
        return [_powered(factor, group[0]) for factor in factors]
    if any(piece.is_variable and not _same(piece.scale, 1.0) for piece in group):
        names = sorted(variables.intersection(dim for piece in group for dim in piece.factor.dims))
        raise PlateError(
            f"The enumerated variables {', '.join(map(repr, names))} are summed together, but have different scales. "
            "Give all statements of one sum the same poutine.scale; iterate no subsampled plate below an enumerated "
            "variable, use it as a context."
        )
    return eliminate([_powered(piece.factor, piece) for piece in group], variables, plates, semiring, chains)


def _same(scale: float | Tensor, other: float | Tensor) -> bool:
    if isinstance(scale, Tensor) or isinstance(other, Tensor):
        return scale is other
    return scale == other


def _powered(factor: Factor, piece: Piece) -> Factor:
    """The factor to the power of the piece's scale."""
    scale = piece.scale
    if piece.slots is not None:
        dims = tuple(dict.fromkeys(factor.dims + piece.slots.dims))
        return Factor(factor.aligned(dims) * piece.slots.aligned(dims), dims)
    if isinstance(scale, Tensor):
        return Factor(factor.logs * scale.reshape(()), factor.dims)
    return factor if scale == 1.0 else Factor(factor.logs * scale, factor.dims)
