"""``HorovodOptimizer``, which is refused."""

from __future__ import annotations

from typing import Any

from virgil.errors import ArgumentError

__all__ = ["HorovodOptimizer"]


class HorovodOptimizer:
    """An optimiser that averages gradients among the processes of Horovod. There is none here.

    Raises:
        ArgumentError: always; it says what to use.
    """

    def __init__(self, pyro_optim: Any, **horovod_kwargs: Any) -> None:
        raise ArgumentError(
            "HorovodOptimizer got an optimiser to run under Horovod, which Virgil does not support. Take the gradients "
            "of loss.differentiable_loss() in a module under torch.nn.parallel.DistributedDataParallel, and step a "
            "torch optimiser."
        )
