"""Newton's method with conjugate gradients inside a trust region: minimisation by products with the Hessian."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Minimum", "Point", "newton_cg"]

_LONGEST = 1e3  # radius
_SHORTEST = 1e-12
_ROUNDED = 1e-6  # a promised decrease that rounding of a large value may hide
_ACCEPTED, _POOR, _GOOD = 1e-4, 0.25, 0.75  # of the decrease that the quadratic promises


@dataclass(frozen=True, eq=False)
class Point:
    """A function about one place.

    Attributes:
        value: of the function.
        gradient: Shape: ``(dim,)``.
        product: the Hessian times a vector. Shapes: ``(dim,)`` to ``(dim,)``.
    """

    value: float
    gradient: Tensor
    product: Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Minimum:
    """The end of a descent.

    Attributes:
        place: where it ended. Shape: ``(dim,)``.
        point: the function there.
        values: of the function, at the start and after each step that was taken.
        norms: of the gradient, likewise.
        arrived: whether another step would lower the function by no more than the tolerance.
    """

    place: Tensor
    point: Point
    values: tuple[float, ...]
    norms: tuple[float, ...]
    arrived: bool


def newton_cg(
    point_at: Callable[[Tensor], Point], start: Tensor, *, max_steps: int = 200, tolerance: float = 1e-8
) -> Minimum:
    """Minimise a function by Newton's method, its steps found by conjugate gradients inside a ball.

    A step minimises the quadratic about the place inside a ball *(Steihaug 1983; Nocedal and Wright 2006, algorithms
    4.1 and 7.2)*. The radius doubles where the quadratic foretells the decrease, and falls to a quarter where it does
    not, or where the function is not finite. Directions of negative curvature are followed to the edge of the ball.

    Args:
        point_at: the function about a place; a value that is not finite stands for a place that is not allowed.
        start: where to begin, float64, its entries in units in which a step of one is a natural one. Shape: ``(dim,)``.
        max_steps: the greatest number of steps, those included that were not taken.
        tolerance: the descent ends where a step promises no more than this, or so little that rounding hides it.
    """
    place, point, radius = start, point_at(start), 1.0
    values, norms, arrived = [point.value], [float(point.gradient.norm())], False
    for _ in range(max_steps):
        step, promised, at_edge = _step(point, radius)
        rounding = 16 * torch.finfo(torch.float64).eps * abs(point.value)
        if not at_edge and promised <= max(tolerance, rounding):
            arrived = True
            break
        other = point_at(place + step)
        share = (point.value - other.value) / promised if math.isfinite(other.value) and promised > 0 else -1.0
        if share < _POOR:
            radius = 0.25 * min(radius, float(step.norm()))
        elif share > _GOOD and at_edge:
            radius = min(2.0 * radius, _LONGEST)
        if share > _ACCEPTED:
            place, point = place + step, other
            values.append(point.value)
            norms.append(float(point.gradient.norm()))
        elif promised <= _ROUNDED and math.isfinite(other.value):
            arrived = True
            break
        if radius < _SHORTEST:
            break
    return Minimum(place, point, tuple(values), tuple(norms), arrived)


def _step(point: Point, radius: float) -> tuple[Tensor, float, bool]:
    """The step, the decrease that the quadratic promises, and whether the step ends at the edge of the ball."""
    gradient = point.gradient
    size = float(gradient.norm())
    step, curved = torch.zeros_like(gradient), torch.zeros_like(gradient)
    residual, direction = gradient, -gradient
    at_edge, enough = False, min(0.1, math.sqrt(size)) * size
    for _ in range(2 * len(gradient) + 10):
        if float(residual.norm()) <= enough:
            break
        product = point.product(direction)
        curvature = float(direction @ product)
        if not curvature > 0:
            length, at_edge = _to_edge(step, direction, radius), True
        else:
            length = float(residual @ residual) / curvature
            at_edge = float((step + length * direction).norm()) >= radius
            length = _to_edge(step, direction, radius) if at_edge else length
        step, curved = step + length * direction, curved + length * product
        if at_edge:
            break
        rest = residual + length * product
        direction = -rest + float(rest @ rest) / float(residual @ residual) * direction
        residual = rest
    return step, -float(gradient @ step + 0.5 * step @ curved), at_edge


def _to_edge(step: Tensor, direction: Tensor, radius: float) -> float:
    """How far along a direction from a step inside the ball its edge is."""
    a, b, c = float(direction @ direction), float(step @ direction), float(step @ step) - radius**2
    if a == 0:
        return 0.0
    return (-b + math.sqrt(max(b * b - a * c, 0.0))) / a
