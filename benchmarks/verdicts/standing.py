"""Posteriors that are a distribution in closed form, stated without data."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.distributions as td
from torch import Tensor

import virgil
import virgil.distributions as dist
from benchmarks.accuracy.posteriors.posterior import Exact, Posterior

__all__ = ["STANDING"]


def _posterior(name: str, make: Callable[[], td.Distribution]) -> Posterior:
    def model() -> None:
        virgil.sample("z", make())

    def exact() -> Exact:
        fn = make()
        mean: Tensor = fn.mean
        return {"z": (mean, fn.variance.sqrt())}

    return Posterior(name, "closed form", model, tuple, exact=exact)


def _equicorrelated(dim: int, correlation: float) -> td.Distribution:
    covariance = torch.full((dim, dim), correlation) + (1 - correlation) * torch.eye(dim)
    return dist.MultivariateNormal(torch.arange(float(dim)), covariance)


STANDING = {
    each.name: each
    for each in (
        _posterior(
            "normals, scales 0.1 to 10", lambda: dist.Normal(torch.zeros(3), torch.tensor([0.1, 1.0, 10.0])).to_event(1)
        ),
        _posterior("2 normals, correlation 0.3", lambda: _equicorrelated(2, 0.3)),
        _posterior("2 normals, correlation 0.6", lambda: _equicorrelated(2, 0.6)),
        _posterior("2 normals, correlation 0.9", lambda: _equicorrelated(2, 0.9)),
        _posterior("10 normals, correlation 0.3", lambda: _equicorrelated(10, 0.3)),
        _posterior("20 normals, correlation 0.1", lambda: _equicorrelated(20, 0.1)),
        _posterior("Gamma(2, 1)", lambda: dist.Gamma(2.0, 1.0)),
        _posterior("Gamma(20, 1)", lambda: dist.Gamma(20.0, 1.0)),
        _posterior("Beta(2, 6)", lambda: dist.Beta(2.0, 6.0)),
        _posterior("LogNormal(0, 0.5)", lambda: dist.LogNormal(0.0, 0.5)),
        _posterior("StudentT(5)", lambda: dist.StudentT(5.0)),
        _posterior("Laplace(0, 1)", lambda: dist.Laplace(0.0, 1.0)),
        _posterior("Gumbel(0, 1)", lambda: dist.Gumbel(0.0, 1.0)),
    )
}
