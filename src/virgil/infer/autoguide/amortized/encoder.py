"""The network that maps a slot's data to the parameters of its posterior."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from virgil.distributions import constraints
from virgil.infer.autoguide.core.parameters import SiteParameters

__all__ = ["Data", "encoded", "make_encoder"]

# By observed site: features, shape (slots, items, features), and presence, shape (slots, items, 1).
Data = Mapping[str, tuple[Tensor, Tensor]]


def make_encoder(parameters: SiteParameters, data: Data, hidden: int, outputs: int, seed: int) -> None:
    """Make the weights; standardisation begins at the data's mean and standard deviation, and the outputs at zero.

    Args:
        parameters: where to put them.
        data: of some slots.
        hidden: size of the hidden layers.
        outputs: size of what comes out.
        seed: of the initial weights.
    """
    generator = torch.Generator().manual_seed(seed)

    def linear(name: str, inputs: int, like: Tensor) -> None:
        weight = torch.randn(inputs, hidden, generator=generator) / math.sqrt(inputs)
        parameters.add(f"{name}.weight", weight.to(like))
        parameters.add(f"{name}.bias", like.new_zeros(hidden))

    width = 0
    for name, (rows, present) in data.items():
        seen = present.sum().clamp(min=1.0)
        centre = (rows * present).sum((0, 1)) / seen
        spread = (((rows - centre) * present).square().sum((0, 1)) / seen).sqrt()
        parameters.add(f"{name}.centre", centre)
        parameters.add(f"{name}.spread", torch.where(spread > 1e-6, spread, 1.0), constraints.positive)
        linear(f"{name}.item", rows.shape[-1], rows)
        width += rows.shape[-1] + hidden + 1
        like = rows
    linear("head", width, like)
    parameters.add("out.weight", like.new_zeros(hidden, outputs))
    parameters.add("out.skip", like.new_zeros(width, outputs))
    parameters.add("out.bias", like.new_zeros(outputs))


def encoded(weights: Mapping[str, Tensor], data: Data) -> Tensor:
    r"""The outputs of the encoder, by slot. Shape: ``(slots, outputs)``.

    With :math:`u_j` the standardised features of item :math:`j` of :math:`n`, and :math:`\phi` and :math:`\psi` one
    hidden layer each,

    .. math:: c = \bigl(\bar u, \overline{\phi(u)}, \log(1 + n)\bigr), \qquad
        \mathrm{out} = W \psi(c) + V c + b

    which does not depend on the items' order *(Zaheer et al. 2017, theorem 2)*, and is linear in the mean for a
    suitable :math:`V`.
    """
    pooled = []
    for name, (rows, present) in data.items():
        rows = (rows - weights[f"{name}.centre"]) / weights[f"{name}.spread"]
        count = present.sum(1)
        share = present / count.clamp(min=1.0)[:, None]
        item = functional.silu(rows @ weights[f"{name}.item.weight"] + weights[f"{name}.item.bias"])
        pooled += [(rows * share).sum(1), (item * share).sum(1), count.log1p()]
    context = torch.cat(pooled, -1)
    head = functional.silu(context @ weights["head.weight"] + weights["head.bias"])
    return head @ weights["out.weight"] + context @ weights["out.skip"] + weights["out.bias"]
