"""Exact expectations, and the comparison of an estimated gradient with an exact one.

An estimate is compared with the exact value at every coordinate, in units of the standard error of the mean over
independent batches. It fails if the same coordinate lies more than four standard errors off in two independent runs,
the second of four times the size. With 64 batches or more the chance of that is below 2e-4 squared for a right
estimator, so below 1e-5 for the few hundred coordinates of this folder together.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch

import virgil
from virgil.infer import Trace_ELBO

BOUND = 4.0
Values = dict[str, torch.Tensor]


def binary(shapes: Mapping[str, tuple[int, ...]]) -> list[Values]:
    """Every assignment of zeros and ones to tensors of these shapes."""
    sizes = {name: int(np.prod(shape)) for name, shape in shapes.items()}
    found = []
    for bits in itertools.product([0.0, 1.0], repeat=sum(sizes.values())):
        rest, values = torch.tensor(bits, dtype=torch.float64), {}
        for name, shape in shapes.items():
            values[name], rest = rest[: sizes[name]].reshape(shape), rest[sizes[name] :]
        found.append(values)
    return found


def expected_normal(loc: torch.Tensor, scale: torch.Tensor, function: Callable) -> torch.Tensor:
    """The mean of ``function`` under a normal distribution, by Gauss-Hermite quadrature with 80 nodes."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    nodes, weights = torch.as_tensor(nodes), torch.as_tensor(weights / weights.sum())
    return (weights * function(loc + scale * nodes)).sum()


@dataclass
class Case:
    """A model, a guide, the start of its parameters, and the exact loss as a function of them."""

    model: Callable
    guide: Callable
    params: dict[str, object]
    loss: Callable[[Values], torch.Tensor]
    batches: int = 64
    particles: int = 200
    options: dict = field(default_factory=dict)

    def start(self) -> Values:
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in self.params.items()}


def enumerated(shapes, log_q, bound):
    """The exact loss of a guide over binary variables: minus the mean of ``bound(values, params)`` under ``log_q``."""

    def loss(params):
        total = torch.zeros((), dtype=torch.float64)
        for values in binary(shapes):
            total = total + log_q(values, params).exp() * bound(values, params)
        return -total

    return loss


def exact_gradient(case: Case) -> tuple[float, torch.Tensor]:
    """The loss and its gradient, all coordinates in one vector, in the order of ``case.params``."""
    leaves = {name: value.requires_grad_(True) for name, value in case.start().items()}
    loss = case.loss(leaves)
    gradients = torch.autograd.grad(loss, list(leaves.values()))
    return loss.item(), torch.cat([each.reshape(-1) for each in gradients])


def estimates(case: Case, objective=Trace_ELBO, batches=None) -> torch.Tensor:
    """Loss and gradient of many independent batches. Shape: ``(batches, 1 + coordinates)``."""
    store = virgil.ParamStore()
    elbo = objective(num_particles=case.particles, **case.options)
    rows = []
    with store:
        for name, value in case.start().items():
            virgil.param(f"q_{name}", value)
        for _ in range(batches or case.batches):
            loss = elbo.loss_and_grads(case.model, case.guide)
            leaves = [store.unconstrained(f"q_{name}") for name in case.params]
            rows.append(torch.cat([torch.tensor([loss]), *(leaf.grad.reshape(-1) for leaf in leaves)]))
            for leaf in leaves:
                leaf.grad = None
    return torch.stack(rows)


def deviations(case: Case, batches: int, objective=Trace_ELBO, exact=None) -> torch.Tensor:
    """How far the mean estimate of loss and gradient lies from the exact one, in standard errors."""
    rows = estimates(case, objective, batches)
    loss, gradient = exact or exact_gradient(case)
    exact = torch.cat([torch.tensor([loss]), gradient])
    error = rows.std(0) / len(rows) ** 0.5
    off = (rows.mean(0) - exact).abs()
    return torch.where(off < 1e-9, 0.0, off / error)


def check(case: Case, objective=Trace_ELBO, exact=None) -> None:
    """Assert that loss and gradient are unbiased: see the head of this file.

    Args:
        exact: loss and gradient, where they are known already.
    """
    assert case.batches * case.particles >= 10_000
    first = deviations(case, case.batches, objective, exact)
    if bool((first < BOUND).all()):
        return
    second = deviations(case, 4 * case.batches, objective, exact)
    wrong = (first >= BOUND) & (second >= BOUND)
    assert not bool(wrong.any()), f"standard errors off: first {first.tolist()}, again {second.tolist()}"


def check_looped(case: Case, objective=Trace_ELBO) -> None:
    """Assert that particles one after another give the mean of single ones on the same noise."""
    looped = replace(case, particles=5, options={"vectorize_particles": False})
    virgil.set_rng_seed(1)
    together = estimates(looped, objective, batches=2)
    virgil.set_rng_seed(1)
    single = estimates(replace(looped, particles=1), objective, batches=10)
    torch.testing.assert_close(together, single.reshape(2, 5, -1).mean(1), rtol=1e-10, atol=1e-12)
