"""The posterior of a model's enumerated variables, read off the derivative of their elimination."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from virgil import settings
from virgil.distributions import Bernoulli, Categorical, OneHotCategorical
from virgil.errors import ArgumentError, NonFiniteError, SupportError, VirgilError
from virgil.infer.checks import SHAPES, check
from virgil.infer.checks.support import support_problem
from virgil.infer.density.chains import by_step, chains_of, support
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.enumeration_check import check_blocks
from virgil.infer.density.execution import Call, Pair, Program, run_pair
from virgil.infer.density.factors import Piece, model_pieces, plate_weights, solve, summed_together
from virgil.infer.density.nesting import nesting
from virgil.infer.density.summed_out import model_variables
from virgil.infer.elbo.guide_average import GuideAverage
from virgil.infer.elbo.program_structure import structure_key, subject_of
from virgil.infer.warn import show_warning
from virgil.ops.factor import Factor
from virgil.ops.semiring import Semiring
from virgil.poutine.block import Block
from virgil.poutine.replay import Replay
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace, trace

__all__ = ["Marginal", "inferred", "marginal", "marks"]

Marginal = Bernoulli | Categorical | OneHotCategorical


def marks(pair: Pair, variables: frozenset[str], semiring: Semiring) -> dict[str, Tensor]:
    """The contribution of each value of each variable to the model's total in this semiring.

    Under a sum these are posterior probabilities; under a maximum and under a sample, ones at the values chosen. Shape:
    ``(*plates, values)``, a plate at its dim counted from the right, before ``values``.
    """
    average = GuideAverage(pair.guide, plate_weights(pair))
    weights = average.weights
    probes = {
        name: _probe(site) for name, site in pair.model.nodes.items() if name in variables and site.kind == "sample"
    }
    with torch.enable_grad():
        pieces = _probed(pair, probes)
        total = torch.zeros(())
        chains = chains_of(pair.model, pieces)
        for group in summed_together(pieces, variables, chains):
            if any(piece.is_variable for piece in group):
                for factor in solve(group, variables, weights, semiring, chains):
                    total = total + average.total(factor).sum()
        if bool(total == -torch.inf):
            raise _impossible(pair, probes)
        gradients = torch.autograd.grad(total, [probe.logs for probe in probes.values()])
    return {
        name: _unweighted(pair.model.nodes[name], probe, gradient, weights)
        for (name, probe), gradient in zip(probes.items(), gradients, strict=True)
    }


def _impossible(pair: Pair, variables: Iterable[str]) -> VirgilError:
    """The error where no joint value of the variables has positive probability."""
    for name, site in pair.model.nodes.items():
        if site.kind == "sample" and (problem := support_problem(site, "model")):
            return SupportError(problem, site=name)
    return NonFiniteError(
        f"The variables {', '.join(map(repr, sorted(variables)))} have no posterior: given the rest, every joint value "
        "of theirs has probability zero. Look for observations, or probabilities of zero, that contradict each other."
    )


def _probe(site: Site) -> Factor:
    """A factor of ones over the variable and its plates, whose derivative is wanted."""
    plates = sorted((frame.dim, frame.name, frame.size) for frame in site.frames if frame.dim is not None)
    sizes = [size for _, _, size in plates]
    count = len(support(site))
    log_prob = site.unscaled_log_prob
    zeros = torch.zeros(*sizes, count, dtype=log_prob.dtype, device=log_prob.device, requires_grad=True)
    return Factor(zeros, (*(name for _, name, _ in plates), site.name))


def _probed(pair: Pair, probes: Mapping[str, Factor]) -> list[Piece]:
    pieces = model_pieces(pair.model, pair.guide)
    detached = [replace(piece, factor=Factor(piece.factor.logs.detach(), piece.factor.dims)) for piece in pieces]
    by_position = {piece.position: piece for piece in detached}
    positions = {name: position for position, name in enumerate(pair.model.nodes)}
    for name, probe in probes.items():
        own = by_position[positions[name]]
        detached.append(replace(own, factor=probe))
    return detached


def marginal(site: Site, probabilities: Tensor) -> Marginal:
    """The distribution that has the probabilities at a site's values.

    Args:
        site: an enumerated site.
        probabilities: of each value. Shape: ``(*plates, values)``.

    Raises:
        ArgumentError: its values are neither numbers from 0 upwards nor one-hot vectors.
    """
    values = support(site)
    # by logarithms, since torch raises small probabilities to the rounding error
    logits = probabilities.clamp_min(torch.finfo(probabilities.dtype).tiny).log()
    if isinstance(site.fn, Bernoulli):
        return Bernoulli(logits=logits[..., 1] - logits[..., 0])
    if values.dim() == 1 and bool((values == torch.arange(len(values), device=values.device)).all()):
        return Categorical(logits=logits)
    if values.dim() == 2 and bool((values == torch.eye(len(values), device=values.device)).all()):
        return OneHotCategorical(logits=logits)
    raise ArgumentError(
        f"The marginal of site {site.name!r} has no family: the values of {type(site.fn).__name__} are neither "
        "numbers from 0 upwards nor one-hot vectors. Draw from it by infer_discrete(model, temperature=1)."
    )


def _unweighted(site: Site, probe: Factor, gradient: Tensor, weights: Mapping[str, float]) -> Tensor:
    """The derivative without the powers to which plates around the variable raise it, plates at their dims."""
    for plate in probe.dims[:-1]:
        gradient = gradient / weights.get(plate, 1.0)
    dims: list[int] = sorted(frame.dim for frame in site.frames if frame.dim is not None)
    shape = [1] * (-dims[0]) if dims else []
    for place, dim in enumerate(dims):
        shape[dim] = gradient.shape[place]
    return gradient.reshape(*shape, gradient.shape[-1])


def inferred(program: Program, first_dim: int | None, semiring: Semiring, strict: bool = True) -> Program:
    """The program with its marked variables at values inferred jointly, and with one draw of the others.

    Args:
        program: what to run.
        first_dim: the first dim left of all plates; ``None`` to find it.
        semiring: the maximum or the sample.
        strict: whether to warn, once, where no variable is marked.
    """
    checked: set[object] = set()

    def run(*args: Any, **kwargs: Any) -> Any:
        with torch.no_grad(), Block(lambda site: True):
            values = _values(Call(program, _nothing, args, kwargs), first_dim, semiring, checked, strict)
        return Replay(values)(program)(*args, **kwargs)

    return run


_NOTHING = (
    "There is no discrete variable to infer: the model is run as it is. Mark the discrete ones by config_enumerate, or "
    'by infer={"enumerate": "parallel"}, or set strict_enumeration_warning=False to accept this.'
)


def _nothing(*args: Any, **kwargs: Any) -> None:
    """The guide of a model whose latent variables are all summed out or given."""


def _values(call: Call, first_dim: int | None, semiring: Semiring, checked: set[object], strict: bool) -> Trace:
    """A trace that holds every latent value: those drawn once, and the discrete ones inferred."""
    drawn = trace(call.model).get_trace(*call.args, **call.kwargs)
    kept = Trace()
    kept.nodes = {name: site for name, site in drawn.nodes.items() if _is_kept(site)}
    first = -1 - nesting(drawn) if first_dim is None else first_dim
    replayed = replace(call, model=Replay(kept)(call.model))
    pair = run_pair(replayed, enumerate_from=first)
    variables = model_variables(pair)
    if not variables:
        if strict and _NOTHING not in checked:
            show_warning(_NOTHING)
            checked.add(_NOTHING)
        return kept
    if settings.get("validate") and any(site.block is not None for site in pair.model.nodes.values()):
        _check_blocks(replayed, pair, first, checked)
    for name, mark in marks(pair, variables, semiring).items():
        site = pair.model.nodes[name]
        for each, value in by_step(site, _picked(site, mark), len(site.fn.event_shape)):
            kept.nodes[each] = site.replace(name=each, value=value)
    return kept


def _check_blocks(call: Call, pair: Pair, first_dim: int, checked: set[object]) -> None:
    """Compare, for a structure not seen before, steps stated at once with each step alone, as a dry run does."""
    key = structure_key(pair)
    if key not in checked:
        with dry_run():
            apart = run_pair(call, enumerate_from=first_dim, apart=True)
            check(subject_of(call, apart), SHAPES)
            check_blocks(call, apart, first_dim)
        checked.add(key)


def _is_kept(site: Site) -> bool:
    is_marked = site.infer.get("enumerate") == "parallel" and getattr(site.fn, "has_enumerate_support", False)
    return site.kind == "plate" or (site.is_latent and not is_marked)


def _picked(site: Site, mark: Tensor) -> Tensor:
    """The values at the marks. Shape: ``(*plates, *event)``."""
    return support(site)[mark.argmax(-1)]
