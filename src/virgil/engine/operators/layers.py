"""Attention and recurrent layers as products and pointwise functions, where torch would choose a kernel of the device.

Torch's own switches for this hold for the whole process; here a function that the recording thread calls has another
form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from virgil.engine.operators.aten import aten

__all__ = ["LOOKED_INTO", "PLAIN_LAYERS"]


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **options: Any,
) -> Tensor:
    """Attention by torch's formula; its mask is added."""
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        attn_mask = torch.where(attn_mask, 0.0, -torch.inf).to(query.dtype)
    outputs = aten._scaled_dot_product_attention_math(query, key, value, attn_mask, dropout_p, is_causal, **options)
    return outputs[0]  # type: ignore[no-any-return]


def _lstm(data: Tensor, other: Any, *args: Any) -> Any:
    """An LSTM, which is given sequences of one length with their first state, or packed ones and their batch sizes."""
    if data.device.type != "cpu" or not data.numel():
        return torch.lstm(data, other, *args)
    if isinstance(other, Tensor):
        return _packed_lstm(data, other.tolist(), *args)
    *options, batch_first = args
    data = data.transpose(0, 1) if batch_first else data
    steps, batch = data.shape[:2]
    outputs, *last = _packed_lstm(data.flatten(0, 1), [batch] * steps, other, *options)
    outputs = outputs.unflatten(0, (steps, batch))
    return outputs.transpose(0, 1) if batch_first else outputs, *last


def _packed_lstm(
    data: Tensor,
    sizes: list[int],
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    has_biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs, last hidden values and last cells of packed sequences: step by step, ``sizes`` of them at each."""
    biases = 2 if has_biases else 0
    own = 2 + biases + (first[0].shape[-1] != first[1].shape[-1])  # weights of a direction, with a projection or not
    directions = 2 if bidirectional else 1
    ends: list[tuple[Tensor, Tensor]] = []
    for layer in range(layers):
        outputs = []
        for place in range(layer * directions, (layer + 1) * directions):
            into, across, *rest = weights[place * own : (place + 1) * own]
            bias, other_bias = rest[:biases] or (None, None)
            inputs = functional.linear(data, into, bias).split(sizes)
            begin, project = (first[0][place], first[1][place]), rest[biases] if rest[biases:] else None
            output, *end = _one_way(inputs, begin, across, other_bias, project, place > layer * directions)
            outputs.append(output)
            ends.append((end[0], end[1]))
        data = torch.cat(outputs, -1) if bidirectional else outputs[0]
        if train and dropout and layer < layers - 1:
            data = torch.dropout(data, dropout, True)
    hidden, cells = zip(*ends, strict=True)
    return data, torch.stack(hidden), torch.stack(cells)


def _one_way(
    inputs: Sequence[Tensor],
    begin: tuple[Tensor, Tensor],
    weight: Tensor,
    bias: Tensor | None,
    project: Tensor | None,
    backwards: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """The cell along the steps, or from the last to the first; sequences end, or begin, where a step has others."""
    outputs: list[Tensor] = []
    ended: list[tuple[Tensor, Tensor]] = []
    steps = inputs[::-1] if backwards else inputs
    hidden, cell = (each[: len(steps[0])] for each in begin)
    for step in steps:
        size, present = len(step), len(hidden)
        if size < present:
            ended.insert(0, (hidden[size:], cell[size:]))
            hidden, cell = hidden[:size], cell[:size]
        elif size > present:
            hidden, cell = torch.cat([hidden, begin[0][present:size]]), torch.cat([cell, begin[1][present:size]])
        entry, forget, content, exit_ = (step + functional.linear(hidden, weight, bias)).chunk(4, 1)
        cell = forget.sigmoid() * cell + entry.sigmoid() * content.tanh()
        hidden = exit_.sigmoid() * cell.tanh()
        hidden = hidden if project is None else functional.linear(hidden, project)
        outputs.append(hidden)
    last = [torch.cat([here, *there]) if there else here for here, *there in zip((hidden, cell), *ended, strict=True)]
    return torch.cat(outputs[::-1] if backwards else outputs), last[0], last[1]


def _looked_into(fn: Any) -> Callable[..., Any]:
    """A function of torch's without its own question for modes, so that they see the functions that it calls."""
    names = {**fn.__globals__, "has_torch_function": lambda given: False}
    copy = FunctionType(fn.__code__, names, fn.__name__, fn.__defaults__, fn.__closure__)
    copy.__kwdefaults__ = fn.__kwdefaults__
    return copy


PLAIN_LAYERS: dict[Any, Callable[..., Any]] = {functional.scaled_dot_product_attention: _attention, torch.lstm: _lstm}
"""By a function that programs call, its plain form."""

LOOKED_INTO: dict[Any, Callable[..., Any]] = {
    functional.multi_head_attention_forward: _looked_into(functional.multi_head_attention_forward)
}
"""By a function that calls one of these, the same for a mode that stays while it is called."""
