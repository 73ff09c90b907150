"""Einsum over factors in plates, with the old arguments."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import opt_einsum
import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.pyro.ops.adjoint import as_leaves, with_backward
from virgil.pyro.ops.packed import dims_of, named
from virgil.pyro.ops.plated_tree import Tree, contract_to_tensor
from virgil.pyro.ops.rings import LinearRing, LogRing, MapRing, MarginalRing, Ring, SampleRing

__all__ = ["einsum", "naive_ubersum", "ubersum"]

_LOG = "pyro.ops.einsum.torch_log"
_RINGS: dict[str, type[Ring]] = {
    "torch": LinearRing,
    _LOG: LogRing,
    "pyro.ops.einsum.torch_map": MapRing,
    "pyro.ops.einsum.torch_marginal": MarginalRing,
    "pyro.ops.einsum.torch_sample": SampleRing,
}


def einsum(
    equation: str,
    *operands: Tensor,
    plates: str = "",
    backend: str = "torch",
    cache: Any = None,
    modulo_total: bool = False,
) -> tuple[Tensor, ...]:
    """Einsum with several outputs, whose operands and outputs may stand in plates.

    Dims that are plates are multiplied over, and not summed. A dim that is always with a plate is a variable for each
    of its slots::

        einsum("ab,ai,bi->b", w, x, y, plates="i")  # is einsum("ab,a,a,b,b->b", w, *x.T, *y.T) for two slots

    Args:
        equation: such as ``"ab,bc->a,c"``.
        *operands: the tensors.
        plates: the letters of plates.
        backend: ``"torch"`` for numbers, or the name of a module ``pyro.ops.einsum.torch_log``, ``torch_marginal``,
            ``torch_map`` or ``torch_sample``, for logarithms.
        cache: not read.
        modulo_total: not read; totals are always right.

    Returns:
        A tensor for each output.

    Raises:
        ValueError: sizes that differ, an equation without outputs, or an output with a dim and not its plates.
        NotImplementedError: time would be exponential in a plate's size.
    """
    inputs, outputs, sizes = _parsed(equation, operands)
    ring = _ring(backend, {dim: sizes[dim] for dim in plates if dim in sizes})
    leaves = as_leaves(operands) if backend not in ("torch", _LOG) else list(operands)
    tree: Tree = OrderedDict()
    for dims, leaf in zip(inputs, leaves, strict=True):
        tree.setdefault(frozenset(dims).intersection(plates), []).append(named(leaf.view_as(leaf), dims))
    summed = frozenset(sizes).difference(plates)
    results = []
    with torch.set_grad_enabled(torch.is_grad_enabled() or leaves != list(operands)):
        for output in outputs:
            target = frozenset(output).intersection(plates)
            total = contract_to_tensor(tree, summed, target, frozenset(output) - target, ring=ring)
            order = [dims_of(total).index(dim) for dim in output]
            result = named(total.permute(order), output)
            results.append(with_backward(result, inputs, operands, leaves, plates, isinstance(ring, MarginalRing)))
    return tuple(results)


def ubersum(equation: str, *operands: Tensor, **kwargs: Any) -> tuple[Tensor, ...]:
    """:func:`einsum` of logarithms, where plates may be called ``batch_dims``."""
    return einsum(equation, *operands, **_log_options(kwargs))


def naive_ubersum(equation: str, *operands: Tensor, **kwargs: Any) -> tuple[Tensor, ...]:
    """:func:`ubersum` by writing out each slot of each plate, which may take exponential time."""
    options = _log_options(kwargs)
    inputs, outputs, sizes = _parsed(equation, operands)
    plates, ring = options.get("plates", ""), _ring(options["backend"], {})
    plates = "".join(dim for dim in plates if dim in sizes)
    holding = {dim: [frozenset(term).intersection(plates) for term in inputs if dim in term] for dim in sizes}
    local = {dim: sorted(frozenset.intersection(*terms)) for dim, terms in holding.items() if dim not in plates}
    symbols: dict[tuple[Any, ...], str] = {}

    def symbol(dim: str, slot: Mapping[str, int]) -> str:
        key = (dim, *(slot[plate] for plate in local[dim]))
        return symbols.setdefault(key, opt_einsum.get_symbol(1000 + len(symbols)))

    flat = []
    for dims, operand in zip(inputs, operands, strict=True):
        for slot in _slots(dims, plates, sizes):
            part = operand[tuple(slot.get(dim, slice(None)) for dim in dims)]
            names = "".join(symbol(dim, slot) for dim in dims if dim not in plates)
            flat.append(named(part.view_as(part), names))
    every = frozenset(symbols.values())
    results = []
    for output in outputs:
        _check_plates(output, local)
        parts = []
        for slot in _slots(output, plates, sizes):
            names = "".join(symbol(dim, slot) for dim in output if dim not in plates)
            total = ring.sumproduct(flat, every.difference(names))
            parts.append(total.permute([dims_of(total).index(name) for name in names]))
        shape = [sizes[dim] for dim in output if dim in plates]
        stacked = torch.stack(parts).reshape((*shape, *parts[0].shape))
        now = "".join(dim for dim in output if dim in plates) + "".join(dim for dim in output if dim not in plates)
        results.append(stacked.permute([now.index(dim) for dim in output]))
    return tuple(results)


def _check_plates(output: str, local: Mapping[str, list[str]]) -> None:
    for dim in output:
        if not frozenset(local.get(dim, ())) <= frozenset(output):
            raise ValueError(f"A result with the dim {dim!r} needs its plates {local[dim]}, and has {output!r}.")


def _slots(dims: str, plates: str, sizes: Mapping[str, int]) -> list[dict[str, int]]:
    own = [dim for dim in dims if dim in plates]
    return [dict(zip(own, slot, strict=True)) for slot in product(*(range(sizes[dim]) for dim in own))]


def _log_options(kwargs: dict[str, Any]) -> dict[str, Any]:
    options = {"backend": _LOG, **kwargs}
    if "batch_dims" in options:
        options["plates"] = options.pop("batch_dims")
    return options


def _ring(backend: str, sizes: dict[str, int]) -> Ring:
    if backend not in _RINGS:
        raise ArgumentError(f"einsum got backend={backend!r}; it takes {', '.join(map(repr, _RINGS))}.")
    return _RINGS[backend](dim_to_size=sizes)


def _parsed(equation: str, operands: Sequence[Tensor]) -> tuple[list[str], list[str], dict[str, int]]:
    """Inputs, outputs, and the size of each dim."""
    sides = equation.replace(" ", "").split("->")
    if len(sides) != 2:
        raise ArgumentError(f"einsum got the equation {equation!r}; it takes inputs, '->', and outputs.")
    inputs, outputs = sides[0].split(","), sides[1].split(",")
    if len(inputs) != len(operands):
        raise ArgumentError(f"einsum got the equation {equation!r} and {len(operands)} operands.")
    sizes: dict[str, int] = {}
    for dims, operand in zip(inputs, operands, strict=True):
        if len(dims) != operand.dim() or len(set(dims)) != len(dims):
            raise ArgumentError(f"einsum got an operand of shape {tuple(operand.shape)} for the dims {dims!r}.")
        for dim, size in zip(dims, operand.shape, strict=True):
            if sizes.setdefault(dim, size) != size:
                raise ArgumentError(f"einsum got dim {dim!r} in the sizes {sizes[dim]} and {size}.")
    unknown = set("".join(outputs)).difference(sizes)
    if unknown:
        raise ArgumentError(f"einsum got the equation {equation!r}; no input has {sorted(unknown)}.")
    return inputs, outputs, sizes
