"""Cholesky factors of matrices that rounding has left barely positive, and of the inverse of a matrix."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["precision_to_scale_tril", "safe_cholesky"]

_JITTER = 4.0  # units in the last place of the largest entry, for each row


def safe_cholesky(x: Tensor) -> Tensor:
    """The lower Cholesky factor of a matrix whose diagonal is raised by a few units in the last place.

    Args:
        x: a positive semidefinite matrix. Shape: ``(*batch, size, size)``.

    Raises:
        torch.linalg.LinAlgError: it has eigenvalues that are negative by more than rounding.
    """
    size = x.shape[-1]
    if size == 1:
        return x.clamp_min(torch.finfo(x.dtype).tiny).sqrt()
    if not size:
        return x
    largest = x.detach().abs().amax((-2, -1))
    jitter = (_JITTER * size * torch.finfo(x.dtype).eps) * largest.unsqueeze(-1).expand(*largest.shape, size)
    factor: Tensor = torch.linalg.cholesky(x + torch.diag_embed(jitter))
    return factor


def precision_to_scale_tril(P: Tensor) -> Tensor:
    r"""The lower Cholesky factor of the inverse of ``P``, from that of ``P`` itself.

    With the entries of ``P`` in the opposite order :math:`J P J = L L^T`, the factor is :math:`(J L J)^{-T}`, which is
    lower triangular.

    Args:
        P: a positive definite matrix. Shape: ``(*batch, size, size)``.

    >>> precision_to_scale_tril(torch.tensor([[4.0, 0.0], [0.0, 16.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    upper = torch.linalg.cholesky(P.flip(-2, -1)).flip(-2, -1)
    identity = torch.eye(P.shape[-1], dtype=P.dtype, device=P.device)
    result: Tensor = torch.linalg.solve_triangular(upper.mT, identity, upper=False)
    return result
