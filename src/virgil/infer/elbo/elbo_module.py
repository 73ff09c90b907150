"""``ELBOModule``: an objective together with its model and guide, as a module."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor, nn

from virgil.errors import MismatchError, shown

__all__ = ["ELBOModule"]


class Differentiable(Protocol):
    """An objective."""

    def differentiable_loss(self, model: Any, guide: Any, *args: Any, **kwargs: Any) -> Tensor:
        """The loss, a scalar tensor, in nats."""
        ...


class ELBOModule(nn.Module):
    """An objective together with its model and guide: ``loss = module(*args)`` is the differentiable loss, in nats.

    Its parameters are those of model and guide, so ``torch.optim.Adam(module.parameters())`` trains both. Made by
    ``elbo(model, guide)``.
    """

    def __init__(self, elbo: Differentiable, model: nn.Module, guide: nn.Module) -> None:
        super().__init__()
        for role, program in (("model", model), ("guide", guide)):
            if not isinstance(program, nn.Module):
                raise MismatchError(
                    f"elbo(model, guide) got {shown(program)} as its {role}; both must be torch.nn.Module, "
                    "so that the result knows their parameters. With functions, use SVI, or elbo.differentiable_loss."
                )
        self.elbo = elbo
        self.model = model
        self.guide = guide

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """The differentiable loss."""
        return self.elbo.differentiable_loss(self.model, self.guide, *args, **kwargs)
