"""Functions of old programs on spanning trees. Both backends are one code."""

from __future__ import annotations

import torch
from torch import Size, Tensor

from virgil.errors import ArgumentError, did_you_mean, shown
from virgil.ops.gumbel_choice import gumbel_choice
from virgil.ops.spanning_trees import (
    complete_graph,
    draw_spanning_trees,
    edge_numbers,
    enumerate_trees,
    heaviest_tree,
    vertex_count,
)

__all__ = [
    "enumerate_spanning_trees",
    "find_best_tree",
    "make_complete_graph",
    "sample_tree",
    "sample_tree_approx",
    "sample_tree_mcmc",
]

_BACKENDS = ("python", "cpp")


def _check_backend(backend: str) -> None:
    if backend not in _BACKENDS:
        raise ArgumentError(
            f"The backend of spanning trees is {shown(backend)}. {did_you_mean(str(backend), _BACKENDS)}"
        )


def make_complete_graph(num_vertices: int, backend: str = "python") -> Tensor:
    """The edges of the complete graph, in the order of ``edge_logits``. Shape: ``(2, edges)``, int64."""
    _check_backend(backend)
    return complete_graph(num_vertices)


def sample_tree(
    edge_logits: Tensor, init_edges: Tensor | None = None, mcmc_steps: int = 1, backend: str = "python"
) -> Tensor:
    """A random tree: an exact draw, or one by so many steps of a Markov chain from a tree that is given.

    Args:
        edge_logits: logarithms of the edges' weights. Shape: ``(edges,)``.
        init_edges: a tree from which to start; none for an exact draw. Shape: ``(vertices - 1, 2)``.
        mcmc_steps: steps of :func:`sample_tree_mcmc`.
        backend: ``"python"`` or ``"cpp"``, which are one code.
    """
    _check_backend(backend)
    if init_edges is None:
        return sample_tree_approx(edge_logits)
    edges = init_edges
    for _ in range(mcmc_steps):
        edges = sample_tree_mcmc(edge_logits, edges)
    return edges


def sample_tree_approx(edge_logits: Tensor, backend: str = "python") -> Tensor:
    """A random tree, which is an exact draw. Shape: ``(edges,)`` to ``(vertices - 1, 2)``."""
    _check_backend(backend)
    with torch.no_grad():
        return draw_spanning_trees(edge_logits, Size())


def sample_tree_mcmc(edge_logits: Tensor, edges: Tensor, backend: str = "python") -> Tensor:
    """A step of a Markov chain of trees, which leaves their distribution unchanged: each edge is drawn anew once.

    An edge that is taken away leaves two parts; one that joins them takes its place, with a probability in proportion
    to its weight. The edges come in random order.

    Args:
        edge_logits: logarithms of the edges' weights. Shape: ``(edges,)``.
        edges: a tree, as a `SpanningTree` has it. Shape: ``(vertices - 1, 2)``.
        backend: ``"python"`` or ``"cpp"``, which are one code.
    """
    _check_backend(backend)
    vertices, logits = vertex_count(edge_logits), edge_logits.detach()
    graph = complete_graph(vertices, logits.device)
    numbers = edge_numbers(edges)
    for place in torch.randperm(vertices - 1).tolist():
        others = torch.cat([numbers[:place], numbers[place + 1 :]])
        part = _connected_to_first(graph[:, others], vertices)
        joins = part[graph[0]] != part[graph[1]]
        chosen = gumbel_choice(torch.where(joins, logits, -torch.inf))
        numbers = torch.cat([numbers[:place], chosen.unsqueeze(0), numbers[place + 1 :]])
    return graph[:, numbers.sort().values].mT


def _connected_to_first(ends: Tensor, vertices: int) -> Tensor:
    """True for vertices that edges connect to vertex 0. Shape: ``(2, edges)`` to ``(vertices,)``."""
    reached = torch.eye(vertices, dtype=torch.double, device=ends.device)
    reached[ends[0], ends[1]] = reached[ends[1], ends[0]] = 1.0
    for _ in range(vertices.bit_length()):
        reached = (reached @ reached).clamp(max=1.0)  # after n rounds, paths of 2 ** n edges
    return reached[0] > 0


def find_best_tree(edge_logits: Tensor, backend: str = "python") -> Tensor:
    """The tree with the largest sum of logits. Shape: ``(edges,)`` to ``(vertices - 1, 2)``."""
    _check_backend(backend)
    return heaviest_tree(edge_logits)


def enumerate_spanning_trees(V: int) -> list[tuple[tuple[int, int], ...]]:
    """All trees on V vertices, each a tuple of its edges.

    Raises:
        ArgumentError: there are too many.
    """
    return [tuple((int(i), int(j)) for i, j in tree) for tree in enumerate_trees(V).tolist()]
