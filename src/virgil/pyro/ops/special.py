"""Special functions with the old arguments."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.ops import beta_function
from virgil.ops.bessel import log_bessel_i

__all__ = ["log_I1", "log_beta", "log_binomial", "sparse_multinomial_likelihood"]


def log_beta(x: Tensor, y: Tensor, tol: float = 0.0) -> Tensor:
    """The logarithm of the beta function. It is exact, so that its error is within any ``tol``."""
    return beta_function.log_beta(_floating(x), _floating(y))


def log_binomial(n: Tensor, k: Tensor, tol: float = 0.0) -> Tensor:
    """The logarithm of a binomial coefficient. It is exact, so that its error is within any ``tol``."""
    return beta_function.log_binomial(_floating(n), _floating(k))


def log_I1(orders: int, value: Tensor, terms: int = 250) -> Tensor:
    """Logarithms of the modified Bessel functions of orders 0 to ``orders``.

    Shape: ``(orders + 1, *value.shape)``, where a number counts as a vector of one entry.
    """
    return log_bessel_i(orders, value if value.dim() else value.unsqueeze(0), terms)


def sparse_multinomial_likelihood(total_count: Tensor, nonzero_logits: Tensor, nonzero_value: Tensor) -> Tensor:
    r"""The sum of multinomial log-probabilities, :math:`\sum_i \log n_i! + \sum_j (v_j \ell_j - \log v_j!)`, nats.

    Args:
        total_count: the counts' totals ``n``.
        nonzero_logits: normalised logits of the categories that were counted.
        nonzero_value: their counts ``v``. The shape of ``nonzero_logits``.
    """
    counted = nonzero_value * nonzero_logits - torch.lgamma(nonzero_value + 1)
    return torch.lgamma(total_count + 1).sum() + counted.sum()


def _floating(value: Tensor) -> Tensor:
    tensor = torch.as_tensor(value)
    return tensor if tensor.is_floating_point() else tensor.to(torch.get_default_dtype())
