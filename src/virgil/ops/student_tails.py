"""Masses and quantiles of the lower tail of Student's t distribution, with derivatives by the degrees of freedom."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from virgil.ops.incomplete_beta import beta_quantile_logit, log_incomplete_beta

__all__ = ["log_student_tail", "student_quantile"]

_LOG_TWO = math.log(2.0)
_TINY = 1e-100


def log_student_tail(df: Tensor, z: Tensor) -> Tensor:
    r"""The logarithm of the mass below z: of :math:`I_{\nu / (\nu + z^2)}(\nu / 2, 1 / 2) / 2` for z below zero.

    Args:
        df: degrees of freedom, > 0.
        z: the value, of median 0 and scale 1.

    >>> log_student_tail(torch.tensor(1.0), torch.tensor(-1.0)).exp()
    tensor(0.2500)
    """
    dtype = torch.promote_types(df.dtype, z.dtype)
    df, z = df.double(), z.double()
    z = torch.where(z.abs() < _TINY, z + _TINY, z)  # at zero, too, it has a slope
    half = torch.full_like(df, 0.5)
    beyond, between = log_incomplete_beta(df / 2, half, df.log() - 2 * z.abs().log())
    return torch.where(z < 0, beyond, torch.log1p(between.exp())).sub(_LOG_TWO).to(dtype)


def student_quantile(df: Tensor, mass: Tensor) -> Tensor:
    """The value with this mass below it, and its derivatives of first order.

    Args:
        df: degrees of freedom, > 0.
        mass: up to 1 / 2.

    >>> student_quantile(torch.tensor(1.0), torch.tensor(0.25)).round(decimals=4)
    tensor(-1.)
    """
    dtype = torch.promote_types(df.dtype, mass.dtype)
    df, both = torch.broadcast_tensors(df.double(), 2 * mass.double())
    half = torch.full_like(df, 0.5)
    is_far = both < 0.5
    far = beta_quantile_logit(df / 2, half, torch.where(is_far, both, 0.5))
    near = -beta_quantile_logit(half, df / 2, torch.where(is_far, 0.5, 1 - both + _TINY))
    return (-df.sqrt() * (-torch.where(is_far, far, near) / 2).exp()).to(dtype)
