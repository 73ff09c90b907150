"""The widely applicable information criterion: what a model is expected to lose on new data."""

from __future__ import annotations

from torch import Tensor

from virgil.errors import ArgumentError

__all__ = ["waic"]


def waic(
    input: Tensor, log_weights: Tensor | None = None, pointwise: bool = False, dim: int = 0
) -> tuple[Tensor, Tensor]:
    r"""WAIC, :math:`-2 (\mathrm{lppd} - p)`, and the effective number of parameters :math:`p` *(Watanabe 2010)*.

    Over posterior draws :math:`s` of the log-likelihood :math:`\ell_{si}` of each observation, ``lppd`` is
    :math:`\sum_i \log E_s e^{\ell_{si}}` and :math:`p` is :math:`\sum_i \mathrm{Var}_s\, \ell_{si}`
    *(Vehtari, Gelman and Gabry 2017, section 2.3)*.

    Args:
        input: the log-likelihoods, nats. Shape: draws along ``dim``, observations along the other dims.
        log_weights: logarithms of the draws' weights, which need not be normalised. Shape: ``(num,)``. Equal ones, if
            not given.
        pointwise: if true, each observation's part of both figures is returned, and not their sums.
        dim: the dim of the draws, two or more.

    Returns:
        WAIC and ``p``, nats.

    Raises:
        ArgumentError: fewer than two draws, or not one weight for each.
    """
    draws = input.movedim(dim, -1)
    num = draws.shape[-1]
    log_weights = draws.new_zeros(num) if log_weights is None else log_weights
    if num < 2 or log_weights.shape != (num,):
        raise ArgumentError(
            f"waic got log-likelihoods of shape {tuple(input.shape)} and weights of shape {tuple(log_weights.shape)}; "
            f"it takes two or more draws along dim {dim}, and one weight for each."
        )
    weights = log_weights.log_softmax(-1)
    density = (draws + weights).logsumexp(-1)
    shares = weights.exp()
    deviations = draws - (shares * draws).sum(-1, keepdim=True)
    parameters = (shares * deviations.square()).sum(-1) * (num / (num - 1))
    criterion = -2 * (density - parameters)
    return (criterion, parameters) if pointwise else (criterion.sum(), parameters.sum())
