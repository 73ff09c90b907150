"""The beta function and binomial coefficients, as logarithms."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.ops.double_precision import in_double

__all__ = ["log_beta", "log_binomial"]


def log_beta(x: Tensor, y: Tensor) -> Tensor:
    r""":math:`\log B(x, y) = \log \Gamma(x) + \log \Gamma(y) - \log \Gamma(x + y)`, computed in double precision.

    >>> log_beta(torch.tensor(2.0), torch.tensor(3.0)).exp() * 12
    tensor(1.0000)
    """
    return in_double(_log_beta, x, y)


def log_binomial(n: Tensor, k: Tensor) -> Tensor:
    r""":math:`\log \binom n k`, computed in double precision.

    >>> log_binomial(torch.tensor(5.0), torch.tensor(2.0)).exp().round()
    tensor(10.)
    """
    return in_double(_log_binomial, n, k)


def _log_beta(x: Tensor, y: Tensor) -> Tensor:
    return torch.lgamma(x) + torch.lgamma(y) - torch.lgamma(x + y)


def _log_binomial(n: Tensor, k: Tensor) -> Tensor:
    return torch.lgamma(n + 1) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)
