"""Spanning trees of complete graphs with weights: the sum over all trees, exact draws, the heaviest tree, all trees.

Vertices are taken out of the graph one after another, the last first. A path through the vertex that goes becomes an
edge between its neighbours, in parallel to the one that is there:

    weight(i, j) + weight(i, v) * weight(j, v) / degree(v)

The sum over trees is then the product of the degrees, each taken when its vertex goes. It is the determinant of the
matrix-tree theorem by elimination; as no term is subtracted, it is as exact as its terms.

To draw a tree, vertices come back in the opposite order *(Colbourn, Myrvold and Neufeld 1996, for digraphs)*. Some
edges of a tree of the smaller graph go through the vertex that comes; without these, the tree is in parts. The vertex
is joined to the part of the root, and each other part to the vertex.

The edges of a complete graph are in colexicographic order, ``(0, 1), (0, 2), (1, 2), (0, 3), ...``: the edge ``(i, j)``
with ``i < j`` has the number ``i + j * (j - 1) // 2``. A tree is its edges in this order.
"""

from __future__ import annotations

from functools import lru_cache
from math import isqrt

import numpy as np
import torch
from torch import Size, Tensor

from virgil.errors import ArgumentError, ShapeError
from virgil.ops.gumbel_choice import gumbel_choice

__all__ = [
    "complete_graph",
    "draw_spanning_trees",
    "edge_matrix",
    "edge_numbers",
    "enumerate_trees",
    "heaviest_tree",
    "log_sum_of_spanning_trees",
    "vertex_count",
]

_ABSENT = -1e30  # the logarithm of no edge, whose derivatives are zero and not NaN
_MOST_TREES = 300_000


def vertex_count(edge_logits: Tensor) -> int:
    """The number of vertices of the complete graph with so many edges on the right.

    Raises:
        ShapeError: no complete graph has so many.
    """
    edges = edge_logits.shape[-1] if edge_logits.dim() else -1
    vertices = (1 + isqrt(1 + 8 * max(edges, 0))) // 2
    if vertices * (vertices - 1) // 2 != edges:
        raise ShapeError(
            f"The edge_logits have the shape {tuple(edge_logits.shape)}; they take one entry for each of the V * (V - "
            "1) / 2 edges of the complete graph on V vertices, on the right: 1, 3, 6, 10, 15 and so on."
        )
    return vertices


def complete_graph(vertices: int, device: torch.device | str | None = None) -> Tensor:
    """The edges of the complete graph, smaller vertices in the first row. Shape: ``(2, edges)``, int64.

    >>> complete_graph(4)
    tensor([[0, 0, 1, 0, 1, 2],
            [1, 2, 2, 3, 3, 3]])
    """
    larger, smaller = torch.tril_indices(vertices, vertices, -1, device=device)
    return torch.stack([smaller, larger])


def edge_numbers(edges: Tensor) -> Tensor:
    """The place of each edge in the order of the complete graph. Shape: ``(*batch, 2)`` to ``(*batch,)``."""
    smaller, larger = edges.unbind(-1)
    return smaller + torch.div(larger * (larger - 1), 2, rounding_mode="floor")


def edge_matrix(edge_values: Tensor, fill: float) -> Tensor:
    """Values of edges as a symmetric matrix with a constant diagonal. Shape: ``(*batch, vertices, vertices)``."""
    number = torch.as_tensor(_matrix_numbers(vertex_count(edge_values)), device=edge_values.device)
    padded = torch.cat([edge_values, edge_values.new_full((*edge_values.shape[:-1], 1), fill)], -1)
    return padded[..., number]


@lru_cache(maxsize=16)
def _matrix_numbers(vertices: int) -> np.ndarray:
    """The number of each edge, and on the diagonal the number after all. Shape: ``(vertices, vertices)``."""
    place = np.arange(vertices)
    larger, smaller = np.maximum.outer(place, place), np.minimum.outer(place, place)
    return np.where(larger == smaller, vertices * (vertices - 1) // 2, smaller + larger * (larger - 1) // 2)


def _without(logs: Tensor) -> tuple[Tensor, Tensor]:
    """The logarithm of the last vertex's degree, and the logarithms of the weights without this vertex."""
    row, rest = logs[..., -1, :-1], logs[..., :-1, :-1]
    degree = row.logsumexp(-1)
    through = row.unsqueeze(-1) + (row - degree.unsqueeze(-1)).unsqueeze(-2)
    # logaddexp has no second derivative where one term is far below the other
    return degree, torch.stack([rest, through]).logsumexp(0)


def log_sum_of_spanning_trees(edge_logits: Tensor) -> Tensor:
    """The logarithm of the sum over spanning trees of the product of ``exp(edge_logits)`` of their edges.

    Shape: ``(*batch, edges)`` to ``(*batch,)``.

    >>> log_sum_of_spanning_trees(torch.zeros(6)).exp().round()  # Cayley: 4 ** 2 trees on 4 vertices
    tensor(16.)
    """
    logs = edge_matrix(edge_logits.clamp(min=_ABSENT), _ABSENT)
    total = edge_logits.new_zeros(edge_logits.shape[:-1])
    while logs.shape[-1] > 3:
        degree, logs = _without(logs)
        total = total + degree
    if logs.shape[-1] == 3:  # three trees of two edges
        one, two, three = logs[..., 0, 1], logs[..., 0, 2], logs[..., 1, 2]
        total = total + torch.stack([one + two, one + three, two + three]).logsumexp(0)
    elif logs.shape[-1] == 2:
        total = total + logs[..., 0, 1]
    return torch.where(total < _ABSENT / 2, -torch.inf, total)


def draw_spanning_trees(edge_logits: Tensor, sample_shape: Size) -> Tensor:
    """Trees, each with a probability in proportion to the product of ``exp(edge_logits)`` of its edges.

    Shape: ``(*sample_shape, *batch, vertices - 1, 2)``, int64.
    """
    stages = [edge_matrix(edge_logits.detach().clamp(min=_ABSENT), _ABSENT)]
    for _ in range(stages[0].shape[-1] - 1):
        stages.append(_without(stages[-1])[1])
    shape = sample_shape + edge_logits.shape[:-1]
    parents = torch.zeros((*shape, 1), dtype=torch.long, device=edge_logits.device)  # vertex 0 is the root
    for smaller, larger in zip(stages[::-1][:-1], stages[::-1][1:], strict=True):
        parents = _joined(parents, smaller, larger)
    children = torch.arange(1, parents.shape[-1], device=parents.device).expand(parents[..., 1:].shape)
    edges = torch.stack([torch.minimum(children, parents[..., 1:]), torch.maximum(children, parents[..., 1:])], -1)
    return _sorted(edges)


def _joined(parents: Tensor, smaller: Tensor, larger: Tensor) -> Tensor:
    """The parents in a tree of the larger graph, drawn given those in a tree of the graph without its last vertex."""
    new = parents.shape[-1]
    to_new = larger[..., -1, :-1].expand(parents.shape)
    weight = smaller.expand(*parents.shape, new).gather(-1, parents.unsqueeze(-1)).squeeze(-1)
    through = to_new + to_new.gather(-1, parents) - to_new.logsumexp(-1, keepdim=True) - weight
    place = torch.arange(new, device=parents.device).expand(parents.shape)
    passes = (torch.rand(parents.shape, dtype=torch.double, device=parents.device) < through.exp()) & (place > 0)
    ends = torch.where(passes, place, parents)
    for _ in range(max(new - 1, 1).bit_length()):
        ends = ends.gather(-1, ends)  # after n rounds, 2 ** n steps towards the root
    parent = gumbel_choice(torch.where(ends == 0, to_new, -torch.inf))
    return torch.cat([torch.where(passes, new, parents), parent.unsqueeze(-1)], -1)


def _sorted(edges: Tensor) -> Tensor:
    order = edge_numbers(edges).argsort(-1).unsqueeze(-1)
    return edges.gather(-2, order.expand(edges.shape))


def heaviest_tree(edge_logits: Tensor) -> Tensor:
    """A tree with the largest sum of logits, by Prim's algorithm, which grows it from the vertex 0.

    Shape: ``(*batch, edges)`` to ``(*batch, vertices - 1, 2)``, int64.
    """
    logs = edge_matrix(edge_logits.detach().clamp(min=_ABSENT), _ABSENT)
    nearest = torch.zeros(logs.shape[:-1], dtype=torch.long, device=logs.device)  # of the vertices in the tree
    best, inside = logs[..., 0, :], torch.zeros_like(nearest, dtype=torch.bool)
    inside = inside | (torch.arange(logs.shape[-1], device=logs.device) == 0)
    edges = []
    for _ in range(logs.shape[-1] - 1):
        new = torch.where(inside, -torch.inf, best).argmax(-1, keepdim=True)
        edges.append(torch.cat([new, nearest.gather(-1, new)], -1).sort(-1).values)
        inside = inside.scatter(-1, new, True)
        row = logs.gather(-2, new.unsqueeze(-1).expand(*new.shape, logs.shape[-1])).squeeze(-2)
        nearest = torch.where(row > best, new, nearest)
        best = torch.maximum(row, best)
    if not edges:
        return nearest.new_zeros((*nearest.shape[:-1], 0, 2))
    return _sorted(torch.stack(edges, -2))


def enumerate_trees(vertices: int) -> Tensor:
    """All spanning trees of the complete graph, decoded from their Prüfer sequences.

    Shape: ``(vertices ** (vertices - 2), vertices - 1, 2)``, int64.

    Raises:
        ArgumentError: there are too many.

    >>> enumerate_trees(3).tolist()
    [[[0, 1], [0, 2]], [[0, 1], [1, 2]], [[0, 2], [1, 2]]]
    """
    if vertices < 3:
        return torch.tensor([[[0, 1]]])[:, : max(vertices - 1, 0)]
    count = vertices ** (vertices - 2)
    if count > _MOST_TREES:
        raise ArgumentError(f"There are {count} trees on {vertices} vertices, too many to list. Draw them with sample.")
    powers = vertices ** torch.arange(vertices - 2)
    sequence = torch.arange(count).unsqueeze(-1) // powers % vertices
    degrees = torch.nn.functional.one_hot(sequence, vertices).sum(-2) + 1
    edges = []
    for place in range(vertices - 2):
        leaf, inner = (degrees == 1).byte().argmax(-1, keepdim=True), sequence[:, place : place + 1]
        edges.append(torch.cat([leaf, inner], -1))
        taken = torch.cat([leaf, inner], -1)
        degrees = degrees.scatter_add(-1, taken, -torch.ones_like(taken))
    edges.append((degrees == 1).nonzero()[:, 1].reshape(count, 2))
    trees = _sorted(torch.stack(edges, -2).sort(-1).values)
    base = vertices * (vertices - 1) // 2
    code = (edge_numbers(trees) * base ** torch.arange(vertices - 1).flip(0)).sum(-1)
    return trees[code.argsort()]
