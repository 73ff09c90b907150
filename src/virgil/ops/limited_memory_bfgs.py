"""Minimisation by gradients alone: L-BFGS. The door to SciPy's optimisers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from virgil.errors import ArgumentError

__all__ = ["Descent", "limited_memory_bfgs"]

_WALL = 10.0


@dataclass(frozen=True, eq=False)
class Descent:
    """The path of a descent.

    Attributes:
        places: the start, and where each step ended. Shape: ``(steps + 1, dim)``.
        gradients: there. Shape: ``(steps + 1, dim)``.
        values: of the function there. Shape: ``(steps + 1,)``.
    """

    places: Tensor
    gradients: Tensor
    values: Tensor


def limited_memory_bfgs(
    gradient_at: Callable[[Tensor], tuple[float, Tensor]],
    start: Tensor,
    *,
    max_steps: int = 1000,
    memory: int = 20,
    tolerance: float = 1e-12,
) -> Descent:
    """Minimise a function of a vector by L-BFGS *(Liu and Nocedal 1989)*, as SciPy has it.

    Args:
        gradient_at: value and gradient at a place; a value that is not finite stands for a place that is not allowed.
        start: where to begin; computed in float64. Shape: ``(dim,)``.
        max_steps: the greatest number of steps.
        memory: how many steps the approximation of the Hessian remembers.
        tolerance: the descent ends where a step lowers the function by less than this part of its value.

    Raises:
        ArgumentError: SciPy is not installed.
    """
    minimize = _minimize()
    places = [start.detach().double().cpu().numpy().copy()]
    seen: dict[bytes, tuple[float, Tensor]] = {}

    def function(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = gradient_at(torch.from_numpy(x.copy()))
        if math.isfinite(value) and bool(gradient.isfinite().all()):
            seen[x.tobytes()] = value, gradient
            return value, gradient.double().numpy()
        before = seen.get(places[-1].tobytes())
        if before is None:  # the start
            seen[x.tobytes()] = math.inf, torch.zeros_like(gradient)
            return math.inf, np.zeros_like(x)
        # a wall that is high beside what the step promised, from which the search for a step turns back by a part
        promised = abs(float(before[1].double().numpy() @ (x - places[-1])))
        return before[0] + _WALL * promised, np.zeros_like(x)

    minimize(
        function,
        places[0],
        jac=True,
        method="L-BFGS-B",
        callback=lambda x: places.append(x.copy()),
        options={"maxiter": max_steps, "maxfun": 20 * max_steps, "maxcor": memory, "ftol": tolerance, "gtol": 1e-9},
    )
    kept = [each for each in places if each.tobytes() in seen]
    values, gradients = zip(*[seen[each.tobytes()] for each in kept], strict=True)
    return Descent(
        torch.from_numpy(np.stack(kept)), torch.stack(gradients).double(), torch.tensor(values, dtype=torch.float64)
    )


def _minimize() -> Any:
    try:
        from scipy.optimize import minimize  # noqa: PLC0415 - an optional dependency at its door
    except ImportError:
        raise ArgumentError(
            "A descent by L-BFGS needs SciPy, which is not installed: pip install 'virgil-ppl[optimize]'."
        ) from None
    return minimize
