"""How well chains of draws have mixed: autocorrelation, effective sample size, R-hat.

Chains and draws are two dims of a tensor; all other dims are a batch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.ops.fourier_convolution import next_fast_len

__all__ = ["autocorrelation", "autocovariance", "effective_sample_size", "gelman_rubin", "split_gelman_rubin"]


def autocovariance(input: Tensor, dim: int = 0) -> Tensor:
    r"""The covariance of a series with itself at each lag: :math:`\sum_t x_t x_{t+k} / (n - k)` for a centred series.

    It is computed by a Fourier transform of the series, padded so that its end does not meet its beginning.

    Args:
        input: series along a dim.
        dim: that dim.

    Returns:
        The shape of ``input``; along ``dim`` the lags 0 to ``n - 1``.

    >>> autocovariance(torch.tensor([1.0, -1.0, 1.0, -1.0])).round(decimals=3)
    tensor([ 1., -1.,  1., -1.])
    """
    series = input.movedim(dim, -1)
    length = series.shape[-1]
    centred = series - series.mean(-1, keepdim=True)
    spectrum = torch.fft.rfft(centred, n=next_fast_len(2 * length))
    power = spectrum.real.square() + spectrum.imag.square()
    products = torch.fft.irfft(power, n=next_fast_len(2 * length))[..., :length]
    terms = torch.arange(length, 0, -1, dtype=series.dtype, device=series.device)
    result: Tensor = (products / terms).movedim(-1, dim)
    return result


def autocorrelation(input: Tensor, dim: int = 0) -> Tensor:
    """:func:`autocovariance` divided by its value at lag 0, the variance; 1 for a series that is constant."""
    covariance = autocovariance(input, dim)
    variance = covariance.narrow(dim, 0, 1)
    is_constant = (input == input.narrow(dim, 0, 1)).all(dim, keepdim=True) | (variance == 0)
    return torch.where(is_constant, 1.0, covariance / torch.where(is_constant, 1.0, variance))


def gelman_rubin(input: Tensor, chain_dim: int = 0, sample_dim: int = 1) -> Tensor:
    r"""R-hat: the standard deviation of all draws over that within chains, near 1 where the chains agree.

    With :math:`W` the mean of the chains' variances, :math:`B / n` the variance of their means:
    :math:`\hat R = \sqrt{((n - 1) / n \cdot W + B / n) / W}` *(Gelman and Rubin 1992)*.

    Args:
        input: draws. Two chains or more, of two draws or more.
        chain_dim: the dim of the chains.
        sample_dim: the dim of the draws in a chain.

    Returns:
        The shape of ``input`` without the two dims. NaN where all chains are constant and the same.

    Raises:
        ArgumentError: too few chains or draws.
    """
    chains = _chains_first(input, chain_dim, sample_dim, "gelman_rubin", least_chains=2, least_draws=2)
    within, total = _variances(chains)
    return (total / within).sqrt()


def split_gelman_rubin(input: Tensor, chain_dim: int = 0, sample_dim: int = 1) -> Tensor:
    """:func:`gelman_rubin` of the halves of the chains, which also sees a trend *(Gelman et al. 2013, section 11.4)*.

    Where the number of draws is odd, the one in the middle is left out.

    Args:
        input: draws. One chain or more, of four draws or more.
        chain_dim: the dim of the chains.
        sample_dim: the dim of the draws in a chain.

    Raises:
        ArgumentError: too few chains or draws.
    """
    chains = _chains_first(input, chain_dim, sample_dim, "split_gelman_rubin", least_chains=1, least_draws=4)
    half = chains.shape[1] // 2
    within, total = _variances(torch.cat([chains[:, :half], chains[:, -half:]]))
    return (total / within).sqrt()


def effective_sample_size(input: Tensor, chain_dim: int = 0, sample_dim: int = 1) -> Tensor:
    r"""The number of independent draws with the same standard error of the mean as all these draws.

    It is :math:`m n / (1 + 2 \sum_k \rho_k)` for ``m`` chains of ``n`` draws, where :math:`\rho_k` is the correlation
    of draws ``k`` apart: that of the one chain, or :math:`1 - (W - \gamma_k) / \hat V` with the mean autocovariance
    :math:`\gamma_k` of the chains, the variance :math:`W` within chains and that of all draws, :math:`\hat V`. The sum
    is Geyer's initial monotone sequence, which keeps noise out: sums of two neighbours,
    :math:`\rho_{2k} + \rho_{2k+1}`, are positive and fall for a reversible chain, so the sum ends before the first that
    is not positive, and none counts for more than the one before it *(Geyer 1992, section 3.3; Stan Development Team
    2018, section 15.4)*.

    Args:
        input: draws. One chain or more, of two draws or more.
        chain_dim: the dim of the chains.
        sample_dim: the dim of the draws in a chain.

    Returns:
        The shape of ``input`` without the two dims. It may exceed the number of draws, where neighbours differ more
        than independent draws do. NaN where all draws are the same.

    Raises:
        ArgumentError: too few chains or draws.
    """
    chains = _chains_first(input, chain_dim, sample_dim, "effective_sample_size", least_chains=1, least_draws=2)
    count, length = chains.shape[:2]
    covariance = autocovariance(chains, 1).mean(0)
    within, total = _variances(chains)
    correlation = covariance / covariance[0] if count == 1 else 1 - (within - covariance) / total
    correlation[0] = torch.where(total == 0, math.nan, 1.0)
    pairs = correlation[: length // 2 * 2].unflatten(0, (-1, 2)).sum(1)
    counted = (pairs > 0).cumprod(0)
    counted[0] = 1
    monotone = (pairs * counted).cummin(0).values
    result: Tensor = count * length / (2 * monotone.sum(0) - 1)
    return result


def _variances(chains: Tensor) -> tuple[Tensor, Tensor]:
    """The variance within chains, and that of all draws."""
    length = chains.shape[1]
    within = chains.var(1).mean(0)
    between = chains.mean(1).var(0) if chains.shape[0] > 1 else torch.zeros_like(within)
    return within, within * (length - 1) / length + between


def _chains_first(
    input: Tensor, chain_dim: int, sample_dim: int, asked: str, least_chains: int, least_draws: int
) -> Tensor:
    if input.dim() < 2:
        raise ArgumentError(f"{asked} got shape {tuple(input.shape)}; it takes a dim of chains and a dim of draws.")
    chains = input.movedim((chain_dim, sample_dim), (0, 1))
    count, length = chains.shape[:2]
    if count < least_chains or length < least_draws:
        raise ArgumentError(
            f"{asked} got {count} chains of {length} draws; it takes {least_chains} chains or more, "
            f"of {least_draws} draws or more."
        )
    return chains
