"""One choice for each row of logarithms, by Gumbel noise."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["gumbel_choice"]


def gumbel_choice(logs: Tensor) -> Tensor:
    """An index of each row, with a probability in proportion to ``exp(logs)``.

    The largest of the logarithms, each plus its own Gumbel noise, is a draw *(Maddison, Tarlow and Minka 2014)*. An
    entry of minus infinity is never chosen where another one is finite. Shape: ``(*batch, choices)`` to ``(*batch,)``.
    """
    uniform = torch.rand(logs.shape, dtype=torch.double, device=logs.device)
    noise = -(-uniform.clamp(torch.finfo(torch.double).tiny, 1 - 2**-53).log()).log()
    return (logs + noise).argmax(-1)
