"""Products of chains of matrices of logarithms. The number of rounds is the logarithm of the chain's length."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from virgil.ops.log_numbers import LEAST, SMALLEST, Binary, Logs
from virgil.ops.mapping import is_mapped
from virgil.ops.semiring import SUM, Semiring

__all__ = ["chain_product"]


def chain_product(logs: Tensor, semiring: Semiring = SUM) -> Tensor:
    """The product of the matrices of a chain, neighbours first *(Sarkka and Garcia-Fernandez 2021)*.

    Sums are taken in double precision. A term counts as zero if it is less than ``exp(-699)`` times the product of the
    largest entries in its row and in its column.

    Args:
        logs: the matrices, from first to last. Shape: ``(*batch, steps, states, states)`` with at least one step.
        semiring: how the state between two matrices is eliminated.

    Returns:
        Shape: ``(*batch, states, states)``.
    """
    if logs.shape[-3] == 1:
        return logs[..., 0, :, :]
    if semiring is not SUM:
        return _reduced(logs, semiring)
    return _reduced(logs.double(), SUM).to(logs.dtype) if is_mapped() else _Sum.apply(logs)[0]


def _reduced(logs: Tensor, semiring: Semiring) -> Tensor:
    """The product in any semiring."""
    while logs.shape[-3] > 1:
        paired, last = _tail_cut(logs)
        left, right = _halves(paired)
        pairs = semiring.reduce(left.unsqueeze(-1) + right.unsqueeze(-3), (-2,))
        logs = _joined(pairs, last)
    return logs[..., 0, :, :]


class _Sum(torch.autograd.Function):
    """The sum over all paths, in rounds of products of neighbours.

    The derivative with respect to the logarithms of a matrix is the share of the result that passes through each entry.
    For a product ``p = l @ r`` it is ``l * (q @ r.T)`` on the left and ``r * (l.T @ q)`` on the right, where ``q`` is
    the derivative for ``p``, divided by ``p``. Scales of rows and columns cancel, so that the scaled float64s serve.
    """

    @staticmethod
    def forward(logs: Tensor) -> tuple[Tensor, ...]:
        form = Binary if torch.compiler.is_compiling() else Logs
        numbers, rounds = form.from_logs(logs), []
        while numbers[-1].shape[-3] > 1:
            paired, last = zip(*map(_tail_cut, numbers), strict=True)
            lefts, rights = zip(*map(_halves, paired), strict=True)
            rows = lefts[-1].amax(-1, keepdim=True).clamp_min(LEAST)  # which those of zeros have
            columns = rights[-1].amax(-2, keepdim=True).clamp_min(LEAST)
            left, right = form.assembled(lefts, rows), form.assembled(rights, columns)
            product = (left @ right).clamp_min_(SMALLEST)
            *mantissas, sizes = form.taken_apart(product)
            numbers = tuple(map(_joined, (*mantissas, sizes.add_(rows).add_(columns)), last))
            rounds += [left, right, product] if logs.requires_grad else []
        return form.to_logs(numbers).to(logs.dtype)[..., 0, :, :], *rounds

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        total, *rounds = output
        ctx.mark_non_differentiable(*rounds)
        ctx.save_for_backward(*inputs, total, *rounds)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        logs, total, *rounds = ctx.saved_tensors
        if torch.is_grad_enabled():  # a derivative of this one is wanted
            return torch.autograd.grad(_reduced(logs, SUM), logs, grads[0], create_graph=True)
        grad = torch.where(total == -torch.inf, 0.0, grads[0]).double().unsqueeze(-3)
        while rounds:
            *rounds, left, right, product = rounds
            grad, last = grad.split([product.shape[-3], grad.shape[-3] - product.shape[-3]], -3)
            quotient = grad / product
            both = torch.stack([(quotient @ right.mT).mul_(left), (left.mT @ quotient).mul_(right)], -3)
            grad = _joined(both.flatten(-4, -3), last)
        return grad.to(logs.dtype)


def _halves(chain: Tensor) -> tuple[Tensor, Tensor]:
    """The first and the second matrix of each pair."""
    pairs = chain.unflatten(-3, (-1, 2))
    return pairs.select(-3, 0), pairs.select(-3, 1)


def _tail_cut(chain: Tensor) -> tuple[Tensor, Tensor]:
    """The matrices that have a partner, and the last matrix if it has none."""
    even = chain.shape[-3] // 2 * 2
    return chain[..., :even, :, :], chain[..., even:, :, :]


def _joined(pairs: Tensor, last: Tensor) -> Tensor:
    return torch.cat([pairs, last], -3) if last.shape[-3] else pairs
