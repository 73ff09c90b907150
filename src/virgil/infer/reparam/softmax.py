"""Relaxed one-hot vectors, stated as uniform noise."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil import distributions as dist
from virgil.infer.reparam.reparameteriser import Reparam, computed, refuse_observed, refused, state
from virgil.infer.reparam.wrapped_families import innermost, rebuilt
from virgil.poutine.reparam import ReparamMessage, ReparamResult

__all__ = ["GumbelSoftmaxReparam"]

_MEAN = 0.5772156649015329  # of a Gumbel variable


class GumbelSoftmaxReparam(Reparam):
    r"""States a latent ``RelaxedOneHotCategorical`` as ``x_uniform``, :math:`u`, uniform on (0, 1) for each label.

    :math:`x = \mathrm{softmax}\bigl((\ell - \log(-\log u)) / T\bigr)` with logits :math:`\ell` and temperature
    :math:`T` *(Maddison, Mnih and Teh 2017)*. A posterior with a mode in each corner of the simplex becomes one with a
    single mode. There is one variable more than the simplex has dims.

    Raises:
        ArgumentError: the variable is observed, or no ``RelaxedOneHotCategorical``.
    """

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """State the noise; the variable itself is a function of it."""
        refuse_observed(self, msg)
        name, fn, value = msg["name"], msg["fn"], msg["value"]
        family = innermost(fn)
        if type(family) is not dist.RelaxedOneHotCategorical:
            raise refused(self, msg, "a RelaxedOneHotCategorical")
        logits, temperature = family.logits, family.temperature
        if isinstance(temperature, Tensor) and temperature.dim():
            temperature = temperature.unsqueeze(-1)
        begin = None
        if value is not None:  # of the noise that gives it, that with the mean of Gumbel variables
            gumbel = temperature * value.log() - logits
            begin = (-(gumbel.mean(-1, keepdim=True) - _MEAN - gumbel).exp()).exp()
        uniform = state(f"{name}_uniform", rebuilt(fn, _uniform), begin)
        return computed(torch.softmax((logits - (-uniform.log()).log()) / temperature, -1), len(fn.event_shape))


def _uniform(family: dist.RelaxedOneHotCategorical) -> dist.TorchDistributionMixin:
    zero = torch.zeros_like(family.logits)
    return dist.Uniform(zero, torch.ones_like(zero)).to_event(1)
