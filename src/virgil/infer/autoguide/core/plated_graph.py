"""The graph of a model's posterior: which latent variables meet in a statement, and along which plates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from virgil.infer.autoguide.core.inverse_structure import reads_by_statement
from virgil.infer.autoguide.core.latent import Latent
from virgil.infer.autoguide.core.slot_reads import slot_reads
from virgil.infer.density.execution import Call, no_guide
from virgil.ops.plated_elimination import PlatedGraph
from virgil.poutine.trace import Trace

__all__ = ["graph_of", "graph_without_edges", "plates_of"]


def plates_of(latent: Latent) -> frozenset[str]:
    """The plates around a latent variable that hold its slots in a dim."""
    return frozenset(frame.name for frame in latent.frames if frame.dim is not None)


def graph_without_edges(latents: Sequence[Latent]) -> PlatedGraph:
    """The graph of variables that are independent of each other, slot by slot."""
    slots = {frame.name: frame.full_size for each in latents for frame in each.frames if frame.dim is not None}
    sizes = {}
    for latent in latents:
        sizes[latent.name] = latent.unconstrained.numel()
        for plate in plates_of(latent):
            sizes[latent.name] //= slots[plate]
    return PlatedGraph(sizes, {latent.name: plates_of(latent) for latent in latents}, slots)


def graph_of(
    model: Callable[..., Any],
    prototype: Trace,
    latents: Sequence[Latent],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> PlatedGraph:
    """The graph in which the posterior factorises.

    Variables that meet in a statement are joined, slot by slot in the plates of which the statement reads one slot.
    Where the model cannot be followed, as its Python code reads values, all variables are joined.

    Args:
        model: the generative program.
        prototype: its first run.
        latents: its latent variables.
        args: its arguments.
        kwargs: its keyword arguments.
    """
    graph, names = graph_without_edges(latents), [latent.name for latent in latents]
    reads = reads_by_statement(model, prototype, args, kwargs)
    if reads is None:
        statements = [name for name, site in prototype.nodes.items() if site.kind == "sample"]
        reads = dict.fromkeys(statements, frozenset(names))
    one_slot = slot_reads(Call(model, no_guide, args, kwargs), prototype, latents, reads)
    for statement, read in reads.items():
        graph.join([name for name in names if name in read or name == statement], one_slot.get(statement, frozenset()))
    return graph
