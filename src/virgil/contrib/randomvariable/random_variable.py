"""``RandomVariable``: arithmetic on a distribution, by the rule for the density of a transformed variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions.transforms import (
    AffineTransform,
    ExpTransform,
    PowerTransform,
    SigmoidTransform,
    SoftmaxTransform,
    TanhTransform,
    Transform,
)

from virgil.contrib.randomvariable.magnitude import Magnitude
from virgil.contrib.randomvariable.odd_power import OddPower
from virgil.distributions import TransformedDistribution
from virgil.errors import ArgumentError, shown

__all__ = ["RandomVariable"]


class RandomVariable:
    """A continuous random variable, by its distribution. Sums, products and functions of it are random variables.

    ``2 * X + 1``, ``-X``, ``abs(X)``, ``X**2``, ``X.exp().tanh()`` and the like follow the rule
    ``log p(y) = log p(x) - log|dy/dx|``; ``abs`` and even powers, which map two points to one, sum the two densities.
    Each operator is also a method: ``X.mul(2).add(1)``. The constants broadcast with the batch.

    Args:
        distribution: the distribution.

    Example:
        >>> import torch, virgil.distributions as dist
        >>> waiting = RandomVariable(dist.Uniform(0.0, 1.0)).log().neg()  # exponential, of rate 1
        >>> round(waiting.dist.log_prob(torch.tensor(2.0)).item(), 4)
        -2.0
    """

    def __init__(self, distribution: td.Distribution) -> None:
        if not isinstance(distribution, td.Distribution):
            raise ArgumentError(f"RandomVariable() got {shown(distribution)}; it takes a distribution.")
        self.distribution = distribution

    @property
    def dist(self) -> Any:
        """The distribution."""
        return self.distribution

    def transform(self, t: Transform | Sequence[Transform]) -> RandomVariable:
        """The image of this variable under a transform, or under several, the first of them first.

        Raises:
            ArgumentError: no transform, or the variable is discrete, so that it has no density to transform.
        """
        transforms = [t] if isinstance(t, Transform) else list(t) if isinstance(t, Sequence) else None
        if transforms is None or not all(isinstance(each, Transform) for each in transforms):
            raise ArgumentError(f"transform() got {shown(t)}; it takes a transform, or a list of transforms.")
        self._refuse_discrete()
        return RandomVariable(TransformedDistribution(self.distribution, transforms))

    def _refuse_discrete(self) -> None:
        try:
            is_discrete = self.distribution.support.is_discrete  # type: ignore[union-attr]
        except (AttributeError, NotImplementedError):  # a distribution that does not say
            return
        if is_discrete:
            raise ArgumentError(
                f"{type(self.distribution).__name__} is discrete, and arithmetic here is on densities. Draw the "
                "variable and compute with its value."
            )

    def _affine(self, loc: Any, scale: Any, operator: str) -> RandomVariable:
        for constant in (loc, scale):
            if not isinstance(constant, int | float | Tensor) or isinstance(constant, bool):
                two = " Draw both, or convolve the two by hand." if isinstance(constant, RandomVariable) else ""
                raise ArgumentError(
                    f"A random variable {operator} {shown(constant)} is not known; the other term must be a number or "
                    f"a tensor.{two}"
                )
        if not isinstance(scale, Tensor) and scale == 0:
            raise ArgumentError(f"A random variable {operator} 0 is a constant, which has no density.")
        return self.transform(AffineTransform(loc, scale, event_dim=len(self.distribution.event_shape)))

    # Each of these is an operator as well

    def add(self, x: float | Tensor) -> RandomVariable:
        """``X + x``."""
        return self._affine(x, 1.0, "plus")

    def sub(self, x: float | Tensor) -> RandomVariable:
        """``X - x``."""
        return self._affine(-x if isinstance(x, int | float | Tensor) else x, 1.0, "minus")

    def mul(self, x: float | Tensor) -> RandomVariable:
        """``X * x``."""
        return self._affine(0.0, x, "times")

    def div(self, x: float | Tensor) -> RandomVariable:
        """``X / x``."""
        if not isinstance(x, Tensor) and x == 0:
            raise ArgumentError("A random variable cannot be divided by 0.")
        return self._affine(0.0, 1 / x if isinstance(x, int | float | Tensor) else x, "divided by")

    def neg(self) -> RandomVariable:
        """``-X``."""
        return self._affine(0.0, -1.0, "times")

    def abs(self) -> RandomVariable:
        """``|X|``, with density ``p(y) + p(-y)``."""
        self._refuse_discrete()
        return RandomVariable(Magnitude(self.distribution))

    def pow(self, x: float | Tensor) -> RandomVariable:
        """``X**x``. Where ``x`` is no whole number, or a tensor, X must not be negative."""
        if not isinstance(x, int | float | Tensor) or (not isinstance(x, Tensor) and x == 0):
            raise ArgumentError(f"A random variable to the power of {shown(x)} is not known; it takes a number, not 0.")
        if isinstance(x, Tensor) or x != int(x):
            return self.transform(PowerTransform(torch.as_tensor(x)))
        if int(x) % 2:
            return self.transform(OddPower(int(x)))
        return self.abs().transform(PowerTransform(torch.as_tensor(float(x))))

    __add__ = __radd__ = add
    __sub__ = sub
    __mul__ = __rmul__ = mul
    __truediv__ = div
    __neg__ = neg
    __abs__ = abs
    __pow__ = pow

    def __rsub__(self, x: float | Tensor) -> RandomVariable:
        return self._affine(x, -1.0, "subtracted from")

    # Functions

    def exp(self) -> RandomVariable:
        """``exp(X)``."""
        return self.transform(ExpTransform())

    def log(self) -> RandomVariable:
        """``log(X)``, for a positive X."""
        return self.transform(ExpTransform().inv)

    def sigmoid(self) -> RandomVariable:
        """``1 / (1 + exp(-X))``."""
        return self.transform(SigmoidTransform())

    def tanh(self) -> RandomVariable:
        """The hyperbolic tangent of X."""
        return self.transform(TanhTransform())

    def softmax(self) -> RandomVariable:
        """``exp(X)`` over its sum along the last dim. It can be drawn, and has no density of its own."""
        return self.transform(SoftmaxTransform())

    def __repr__(self) -> str:
        return f"RandomVariable({self.distribution})"
