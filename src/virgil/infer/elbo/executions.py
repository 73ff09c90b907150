"""The executions behind costs, with their terms: of one particle, of all along a dim, or of each seen alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

from virgil.infer.density.execution import Call, Pair
from virgil.infer.density.mapped import Layout, map_draws, tensors_of
from virgil.infer.density.unstated import completed
from virgil.infer.density.vectorize import Vectorization
from virgil.infer.elbo.terms import Term, Terms, all_terms

__all__ = ["Executed", "executions"]

Executed = tuple[Pair, list[Term]]
Noted = Callable[[list[Pair]], list[Pair]]


def executions(
    call: Call,
    runs: Callable[[Call], Sequence[Pair]],
    terms: Terms,
    particles: Vectorization,
    count: int,
    noted: Noted | None = None,
) -> list[Executed]:
    """Run guide and model, once for each joint choice of what the guide enumerates sequentially.

    Args:
        call: the programs.
        runs: runs them.
        terms: how the terms of latent variables are computed.
        particles: how executions hold particles. Those along a dim are in a block around.
        count: how many particles an execution has.
        noted: adds to executions what is known of them from their shapes, if anything is.
    """
    if not particles.mapped:
        pairs = runs(call) if noted is None else noted(list(runs(call)))
        return [(pair, all_terms(pair, terms)) for pair in map(completed, pairs)]
    executed, layout = map_draws(
        lambda: [(pair, all_terms(completed(pair), terms)) for pair in runs(call)], _tensors, particles.dim, count
    )
    pairs = [pair for pair, _ in executed]
    if noted is not None:  # outside, since it may run the programs again
        pairs = noted(pairs)
    return [_laid(completed(pair), found, layout) for pair, (_, found) in zip(pairs, executed, strict=True)]


def _tensors(executed: list[Executed]) -> Iterator[Tensor]:
    for pair, terms in executed:
        yield from tensors_of(pair)
        for term in terms:
            yield term.value


def _laid(pair: Pair, terms: list[Term], layout: Layout) -> Executed:
    """The execution and its terms with all particles."""
    laid = layout.pair(pair)
    sites = {
        id(site): outer.nodes[name]
        for inner, outer in ((pair.guide, laid.guide), (pair.model, laid.model))
        for name, site in inner.nodes.items()
    }
    return laid, [
        term._replace(value=layout.placed(term.value), site=sites.get(id(term.site)) or layout.site(term.site))
        for term in terms
    ]
