"""Quantiles of guides whose marginal distributions are known by draws only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from virgil.infer.autoguide.core.guide import AutoGuide
from virgil.infer.autoguide.core.scales import checked_probabilities
from virgil.infer.density.draws_at_once import joint_of
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.execution import Call
from virgil.nn.call import isolated
from virgil.ops.random_state import set_rng_seed
from virgil.poutine.block import Block

__all__ = ["DrawnQuantiles"]

_DRAWS = 4096


class DrawnQuantiles(AutoGuide):
    """A guide whose medians and quantiles are those of 4096 draws, the same ones each time.

    A quantile at probability p is off by about ``sqrt(p (1 - p) / 4096)`` in probability.
    """

    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The median of every latent variable, coordinate by coordinate; takes the arguments of the guide."""
        return {name: each[0] for name, each in self.quantiles([0.5], *args, **kwargs).items()}

    def quantiles(self, quantiles: Sequence[float] | Tensor, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Quantiles of every latent variable, coordinate by coordinate.

        Args:
            quantiles: probabilities, such as ``[0.05, 0.5, 0.95]``.
            *args: arguments of the guide.
            **kwargs: its keyword arguments.

        Returns:
            By site. Shape: ``(quantiles, *plates, *event)``.
        """
        self._ensure_setup(args, kwargs)
        return _drawn_quantiles(self.model, self, quantiles, args, kwargs)


@torch.no_grad()
def _drawn_quantiles(
    model: Callable[..., Any],
    guide: Callable[..., Any],
    quantiles: Sequence[float] | Tensor,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> dict[str, Tensor]:
    """Quantiles of every latent variable, of draws.

    Args:
        model: the generative program.
        guide: a guide that has been called before.
        quantiles: probabilities.
        args: arguments of both; plates that they do not cut have their full size.
        kwargs: their keyword arguments.

    Returns:
        By site. Shape: ``(quantiles, *plates, *event)``.
    """
    probs = checked_probabilities(quantiles)
    with dry_run(), Block(lambda site: True), isolated():
        set_rng_seed(0)
        joint = joint_of(Call(model, guide, args, kwargs), False)
        set_rng_seed(0)
        rows = [joint.values(joint.run(len(chunk)), len(chunk)) for chunk in joint.draws.chunks(_DRAWS)]
    draws = {name: torch.cat([row[name] for row in rows]) for name in (rows[0] if rows else {})}
    return {name: each.quantile(probs.to(each), 0) for name, each in draws.items()}
