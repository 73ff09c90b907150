"""``Surface``: a posterior's log-density over real vectors with first and second derivatives, all of them counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from virgil.distributions.core.validation import unchecked
from virgil.errors import ArgumentError
from virgil.infer.blame import LinAlgError
from virgil.infer.density.posterior import Density
from virgil.infer.run.outcome import Evaluations
from virgil.ops.trees import tree_flatten, tree_unflatten

__all__ = ["Curved", "Surface", "surface_of"]

_MOVE = 1e-5  # of a difference of gradients, relative

Product = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Curved:
    """The log-density at several vectors.

    Attributes:
        values: nats; minus infinity where it is not a number. Shape: ``(num,)``.
        slopes: gradients. Shape: ``(num, dim)``.
        product: the Hessian at each vector times a direction of its own. Shapes: ``(num, dim)`` to ``(num, dim)``.
    """

    values: Tensor
    slopes: Tensor
    product: Product


class Surface:
    """A log-density with its derivatives, in float64 wherever the model allows it.

    Args:
        density: over real vectors.
        narrow: the density in the model's own precision.

    Attributes:
        density: over real vectors.
        narrow: the density in the model's own precision, which can draw from the model.
        counts: how often ``"gradients"`` and ``"products"`` were computed, each of one vector.
    """

    def __init__(self, density: Density, narrow: Density) -> None:
        self.density = density
        self.narrow = narrow
        self.counts: Counter[str] = Counter()

    @property
    def dim(self) -> int:
        """The length of a vector."""
        return self.density.dim

    @property
    def evaluations(self) -> Evaluations:
        """How often derivatives were computed so far."""
        return Evaluations(self.counts["gradients"], self.counts["products"])

    def gradient(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Values and gradients. Shapes: ``(num, dim)`` to ``(num,)`` and ``(num, dim)``."""
        self.counts["gradients"] += len(vectors)
        try:
            with unchecked():
                values, slopes = self.density.gradient(vectors.to(self.density.dtype))
        except LinAlgError:  # a matrix without a Cholesky factor, far from where the posterior is
            return _outside(vectors)
        return _checked(values), slopes.double()

    def value(self, vectors: Tensor) -> Tensor:
        """Values alone, which are counted as gradients. Shapes: ``(num, dim)`` to ``(num,)``."""
        self.counts["gradients"] += len(vectors)
        try:
            with torch.no_grad(), unchecked():
                return _checked(self.density(vectors.to(self.density.dtype)))
        except LinAlgError:
            return _outside(vectors)[0]

    def at(self, vectors: Tensor) -> Curved:
        """Values, gradients and products with the Hessians. Shape: ``(num, dim)``."""
        self.counts["gradients"] += len(vectors)
        try:
            with torch.enable_grad(), unchecked():
                given = vectors.detach().to(self.density.dtype).requires_grad_()
                values = self.density(given)
                slopes = torch.autograd.grad(values.sum(), given, create_graph=True)[0]
        except LinAlgError:
            return Curved(*_outside(vectors), torch.zeros_like)

        def product(directions: Tensor) -> Tensor:
            self.counts["products"] += len(directions)
            if not slopes.requires_grad:  # a density that is linear
                return torch.zeros_like(directions)
            try:
                found = torch.autograd.grad(
                    slopes, given, directions.to(given.dtype), retain_graph=True, materialize_grads=True
                )[0]
            except RuntimeError:  # an operator whose derivative has none
                found = slopes.new_full((), torch.nan)
            # some, such as logaddexp far out, have NaN for a second derivative
            return found.double() if bool(found.isfinite().all()) else self._difference(vectors, directions)

        return Curved(_checked(values.detach()), slopes.detach().double(), product)

    def _difference(self, vectors: Tensor, directions: Tensor) -> Tensor:
        """Products with Hessians from differences of gradients."""
        length = directions.abs().amax(1, keepdim=True).clamp_min(torch.finfo(torch.float64).tiny)
        move = _MOVE * (1.0 + vectors.abs().amax(1, keepdim=True)) / length
        above, below = (self.gradient(vectors + sign * move * directions)[1] for sign in (1, -1))
        return (above - below) / (2 * move)

    def hessian(self, vector: Tensor) -> Tensor:
        """The matrix of second derivatives at one vector. Shapes: ``(dim,)`` to ``(dim, dim)``."""
        at = self.at(vector.unsqueeze(0))
        found = torch.cat([at.product(each.unsqueeze(0)) for each in torch.eye(self.dim, dtype=torch.float64)])
        return (found + found.T) / 2


def _checked(values: Tensor) -> Tensor:
    values = values.double()
    return torch.where(values.isnan() | values.isposinf(), -torch.inf, values)


def _outside(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Values and gradients of vectors at which there is no density."""
    return torch.full((len(vectors),), -torch.inf, dtype=torch.float64), torch.zeros_like(vectors)


def surface_of(density: Density) -> Surface:
    """The surface of a density, whose latent values become float64 if the model takes them.

    Raises:
        ArgumentError: a support depends on other latent variables, so that no guide's vector is the density's.
    """
    moving = [name for name, part in density.parts.items() if not part.is_fixed]
    if moving:
        raise ArgumentError(
            f"At site {moving[0]!r} the support depends on other latent variables or parameters, and a normal guide "
            "has one bijection for all values. State the site on a fixed support, such as Uniform(0, 1), and scale its "
            "value."
        )
    vector = density.vectors({name: part.site.value.unsqueeze(0) for name, part in density.parts.items()})
    try:
        wide = _widened(density)
        wide.gradient(vector.double())
    except (RuntimeError, TypeError):  # a product of matrices of two dtypes, say
        return Surface(density, density)
    return Surface(wide, density)


def _widened(density: Density) -> Density:
    """The same density with latent values and the tensors among the arguments in double precision."""
    call = density.joint.call
    leaves, structure = tree_flatten((call.args, call.kwargs))
    args, kwargs = tree_unflatten([each.double() if _is_real(each) else each for each in leaves], structure)
    parts = {
        name: replace(part, site=part.site.with_value(part.site.value.double())) for name, part in density.parts.items()
    }
    return replace(density.on(args, kwargs), parts=parts)


def _is_real(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.is_floating_point()
