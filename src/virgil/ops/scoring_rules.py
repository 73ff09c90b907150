"""Scores of predictions, given as draws, against what came: proper, and lower where the prediction is better."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from virgil.errors import ArgumentError

__all__ = ["crps_empirical", "energy_score_empirical"]


def crps_empirical(pred: Tensor, truth: Tensor) -> Tensor:
    r"""The continuous ranked probability score of draws: :math:`E|X - y| - \frac12 E|X - X'|`.

    It is also :math:`\int (F(x) - 1[x \ge y])^2 dx`, with the draws' distribution function :math:`F`. Of one draw it is
    the absolute error. The mean over pairs is taken from sorted draws: the space between two neighbours is part of the
    distance of as many pairs as there are draws below it, times those above it. Formula: *(Gneiting and Raftery 2007,
    equation 21)*.

    Args:
        pred: draws of the prediction. Shape: ``(num, *shape)``.
        truth: what came. Shape: ``shape``.

    Returns:
        Shape: ``shape``. In the unit of ``truth``.

    Raises:
        ArgumentError: shapes that do not fit.

    >>> crps_empirical(torch.tensor([0.0, 1.0, 5.0]), torch.tensor(1.0)).round(decimals=4)
    tensor(0.5556)
    """
    if pred.shape[1:] != truth.shape or pred.dim() != truth.dim() + 1:
        raise ArgumentError(
            f"crps_empirical got pred of shape {tuple(pred.shape)} and truth of shape {tuple(truth.shape)}; pred takes "
            "one more dim on the left, of draws."
        )
    num = pred.shape[0]
    below = torch.arange(1, num, dtype=pred.dtype, device=pred.device)
    spaces = pred.sort(0).values.diff(dim=0)
    pairs = (below * (num - below) / num**2).reshape(-1, *[1] * truth.dim())
    return (pred - truth).abs().mean(0) - (pairs * spaces).sum(0)


def energy_score_empirical(
    pred: Tensor,
    truth: Tensor,
    pred_batch_size: int | None = None,
    cdist: Callable[[Tensor, Tensor], Tensor] = torch.cdist,
) -> Tensor:
    r"""The energy score of draws of a vector: :math:`E|X - y| - \frac12 E|X - X'|` with the Euclidean norm.

    Of vectors with one entry it is :func:`crps_empirical`. It takes the distances of all pairs of draws. Formula:
    *(Gneiting and Raftery 2007, equation 22)*.

    Args:
        pred: draws of the prediction. Shape: ``(*batch, num, size)``.
        truth: what came, once or several times. Shape: ``(*batch, size)`` or ``(*batch, count, size)``.
        pred_batch_size: of how many draws the distances are held in memory at once; of all, if not given.
        cdist: distances of the rows of two matrices, as :func:`torch.cdist` gives them.

    Returns:
        Shape: ``(*batch,)`` or ``(*batch, count)``. In the unit of ``truth``.

    Raises:
        ArgumentError: shapes that do not fit, or a number of draws that is not positive.

    >>> energy_score_empirical(torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([3.0, 4.0]))
    tensor(1.2500)
    """
    is_one = truth.dim() == pred.dim() - 1
    truths = truth.unsqueeze(-2) if is_one else truth
    if pred.dim() < 2 or truths.dim() != pred.dim() or pred.shape[-1] != truths.shape[-1]:
        raise ArgumentError(
            f"energy_score_empirical got pred of shape {tuple(pred.shape)} and truth of shape {tuple(truth.shape)}; it "
            "takes (*batch, num, size) and (*batch, size) or (*batch, count, size)."
        )
    if pred_batch_size is not None and pred_batch_size < 1:
        raise ArgumentError(f"energy_score_empirical got pred_batch_size={pred_batch_size}; it must be positive.")
    num = pred.shape[-2]
    from_truth: Tensor | float = 0.0
    from_others: Tensor | float = 0.0
    for part in pred.split(pred_batch_size or num, -2):
        from_truth = from_truth + cdist(part, truths).sum(-2)
        from_others = from_others + cdist(part, pred).sum((-2, -1))
    score = torch.as_tensor(from_truth) / num - torch.as_tensor(from_others).unsqueeze(-1) / (2 * num**2)
    return score.squeeze(-1) if is_one else score
