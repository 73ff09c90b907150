"""Spanning trees of a complete graph with weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Size, Tensor
from torch.distributions import constraints
from torch.distributions.utils import lazy_property

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ArgumentError, SupportError, did_you_mean
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.log_partition import expected_indicators, exponential_entropy
from virgil.ops.sizes import Sizes
from virgil.ops.spanning_trees import (
    draw_spanning_trees,
    edge_matrix,
    edge_numbers,
    enumerate_trees,
    heaviest_tree,
    log_sum_of_spanning_trees,
    vertex_count,
)

__all__ = ["SpanningTree", "SpanningTreeConstraint"]

_OPTIONS = ("backend", "initial_edges", "mcmc_steps")


class SpanningTreeConstraint(constraints.Constraint):
    """Trees on ``num_vertices`` vertices: sorted edges in colexicographic order that connect all vertices.

    Args:
        num_vertices: how many vertices there are, numbered from 0.
    """

    is_discrete = True
    event_dim = 2

    def __init__(self, num_vertices: int) -> None:
        self.num_vertices = num_vertices
        super().__init__()

    def check(self, value: Tensor) -> Tensor:
        fits = torch.ones(value.shape[:-2], dtype=torch.bool, device=value.device)
        for _, condition in self.conditions(value):
            fits = fits & condition
        return fits

    def conditions(self, value: Tensor) -> list[tuple[str, Tensor]]:
        """Each condition on a tree: a sentence for where it does not hold, and where it holds. Shape: ``(*batch,)``."""
        if value.shape[-2:] != (self.num_vertices - 1, 2):
            holds = torch.zeros(value.shape[:-2], dtype=torch.bool, device=value.device)
            return [(f"the shape is not (*batch, {self.num_vertices - 1}, 2)", holds)]
        inside = (value >= 0) & (value < self.num_vertices) & (value % 1 == 0)
        edges = torch.where(inside, value, 0).long()
        numbers = edge_numbers(edges)
        return [
            (f"there are vertices outside 0, ..., {self.num_vertices - 1}", inside.flatten(-2).all(-1)),
            ("an edge does not have its smaller vertex first", (value[..., 0] < value[..., 1]).all(-1)),
            ("the edges are not in colexicographic order", (numbers[..., 1:] > numbers[..., :-1]).all(-1)),
            ("the edges do not connect all vertices", self._is_connected(edges)),
        ]

    def _is_connected(self, edges: Tensor) -> Tensor:
        """True where as many edges as a tree has are one: the matrix-tree theorem counts one tree, or none."""
        ends = torch.nn.functional.one_hot(edges, self.num_vertices).to(torch.double)
        incidence = (ends[..., 0, :] - ends[..., 1, :])[..., 1:]
        return cast(Tensor, torch.linalg.det(incidence.mT @ incidence) > 0.5)

    def __repr__(self) -> str:
        return f"SpanningTreeConstraint({self.num_vertices})"


class SpanningTree(TorchDistributionMixin):
    r"""A spanning tree of the complete graph on V vertices.

    .. math:: \log p(T) = \sum_{e \in T} \text{logit}_e - \log Z

    A value has the tree's V - 1 edges, the smaller vertex of each first, in colexicographic order; so have
    ``edge_logits`` for all V (V - 1) / 2 edges: ``(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3), ...``. The edge
    ``(i, j)`` with ``i < j`` has the number ``i + j * (j - 1) // 2``. Z is the determinant of the matrix-tree theorem
    *(Kirchhoff 1847)*, by an elimination without subtractions, so that weights of any range keep their digits. Draws
    are exact *(Colbourn, Myrvold and Neufeld 1996)*. Both take a time in proportion to V³. Shape: event ``(V - 1, 2)``,
    int64.

    Args:
        edge_logits: of each edge of the complete graph; minus infinity leaves it out. Shape: ``(*batch, edges)``.
        sampler_options: options of approximate samplers, ``mcmc_steps``, ``initial_edges`` and ``backend``. They are
            taken for the sake of older programs and change nothing, as draws are exact.

    Raises:
        ShapeError: no complete graph has so many edges.
        ArgumentError: an option has another name.

    >>> import torch
    >>> fn = SpanningTree(torch.tensor([0.0, 1.0, 2.0]))
    >>> fn.mode
    tensor([[0, 2],
            [1, 2]])
    >>> fn.log_prob(fn.enumerate_support()).exp()
    tensor([0.0900, 0.2447, 0.6652])
    >>> fn.edge_mean[0]
    tensor([0.0000, 0.3348, 0.7553])
    """

    arg_constraints = {"edge_logits": constraints.real_vector}
    has_enumerate_support = True

    def __init__(
        self,
        edge_logits: Tensor,
        sampler_options: Mapping[str, Any] | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self.num_vertices = vertex_count(edge_logits)
        for name in sampler_options or {}:
            if name not in _OPTIONS:
                raise ArgumentError(
                    f"The sampler_options of SpanningTree have no {name!r}. {did_you_mean(name, _OPTIONS)}"
                )
        self.edge_logits = edge_logits
        super().__init__(edge_logits.shape[:-1], Size([self.num_vertices - 1, 2]), validate_args=validate_args)

    @classmethod
    def infer_shapes(cls, **arg_shapes: Sizes) -> tuple[Size, Size]:
        """The batch shape and the event shape, from the shape of the logits."""
        shape = Size(arg_shapes["edge_logits"])
        return shape[:-1], Size([vertex_count(torch.empty(shape, device="meta")) - 1, 2])

    @constraints.dependent_property(is_discrete=True, event_dim=2)
    def support(self) -> constraints.Constraint:
        """The trees on these vertices."""
        return SpanningTreeConstraint(self.num_vertices)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> SpanningTree:
        """The same trees over a larger batch. The log-partition function is computed once."""
        new = self._get_checked_instance(SpanningTree, _instance)
        shape = Size(batch_shape)
        new.num_vertices = self.num_vertices
        new.edge_logits = self.edge_logits.expand(shape + self.edge_logits.shape[-1:])
        new.log_partition_function = self.log_partition_function.expand(shape)
        super(SpanningTree, new).__init__(shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @lazy_property
    def log_partition_function(self) -> Tensor:
        """The logarithm of the sum over all trees of ``exp`` of their logits, nats. Shape: ``(*batch,)``."""
        return log_sum_of_spanning_trees(self.edge_logits)

    def validate_edges(self, edges: Tensor) -> None:
        """Raise an error where edges are not those of a tree, as a value has them.

        Raises:
            SupportError: they are not.
        """
        for sentence, holds in SpanningTreeConstraint(self.num_vertices).conditions(edges):
            if not holds.all():
                raise SupportError(
                    f"The edges, of shape {tuple(edges.shape)}, are no spanning tree on {self.num_vertices} vertices: "
                    f"{sentence}. Sort each edge, and the edges (i, j) by i + j * (j - 1) // 2."
                )

    def log_prob(self, edges: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(edges)
        numbers = edge_numbers(edges.long())
        shape = broadcast_shapes(self._batch_shape, numbers.shape[:-1])
        logits = self.edge_logits.expand(shape + self.edge_logits.shape[-1:])
        chosen = logits.gather(-1, numbers.expand(shape + numbers.shape[-1:]))
        return chosen.sum(-1) - self.log_partition_function

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Exact draws."""
        with torch.no_grad():
            return draw_spanning_trees(self.edge_logits, Size(sample_shape))

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All trees, on up to 8 vertices. Shape: ``(trees, *batch, V - 1, 2)``; ones for the batch if not ``expand``.

        Raises:
            ArgumentError: there are too many.
        """
        values = enumerate_trees(self.num_vertices).to(self.edge_logits.device)
        values = values.reshape(len(values), *(1 for _ in self._batch_shape), *self._event_shape)
        return values.expand(-1, *self._batch_shape, *self._event_shape) if expand else values

    @property
    def mode(self) -> Tensor:
        """A most probable tree. Shape: ``(*batch, V - 1, 2)``."""
        return heaviest_tree(self.edge_logits)

    @property
    def edge_mean(self) -> Tensor:
        """The probability of each edge to be in the tree, as a symmetric matrix. Shape: ``(*batch, V, V)``."""
        return edge_matrix(expected_indicators(log_sum_of_spanning_trees, self.edge_logits), 0.0)

    def entropy(self) -> Tensor:
        return exponential_entropy(log_sum_of_spanning_trees, self.edge_logits, 1)
