"""Autograd's graph: the nodes and leaves behind a tensor."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["leaves_behind", "node_of", "nodes_behind", "wants_derivative"]


def wants_derivative(*tensors: Tensor) -> bool:
    """True if a derivative by one of the tensors may be asked for, by autograd or by a transform of ``torch.func``.

    >>> wants_derivative(torch.zeros(()), torch.zeros((), requires_grad=True))
    True
    """
    return torch.is_grad_enabled() and any(each.requires_grad or _is_inside_transform(each) for each in tensors)


def _is_inside_transform(tensor: Tensor) -> bool:
    # a tensor that is taken for many draws at once does not say if it needs a gradient
    try:
        wrapped: bool = torch._C._functorch.is_functorch_wrapped_tensor(tensor)
    except AttributeError:
        return True
    return wrapped or forward_ad.unpack_dual(tensor).tangent is not None


def node_of(tensor: Any) -> Any:
    """The node that gives a tensor's gradient; ``None`` if it has none."""
    if not isinstance(tensor, Tensor) or not tensor.requires_grad:
        return None
    return tensor.grad_fn if tensor.grad_fn is not None else torch.autograd.graph.get_gradient_edge(tensor).node


def nodes_behind(nodes: Iterable[Any], stop: Iterable[Any] = ()) -> Iterator[Any]:
    """The nodes that gradients pass on their way to leaves, nearest first, from ``nodes`` up to those of ``stop``."""
    stops, seen, ahead = set(stop), set[Any](), deque(nodes)
    while ahead:
        node = ahead.popleft()
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        if node not in stops:
            ahead.extend(each for each, _ in node.next_functions)


def leaves_behind(tensors: Iterable[Tensor]) -> dict[int, Tensor]:
    """The leaves from which tensors are computed, by ``id``."""
    leaves = (getattr(node, "variable", None) for node in nodes_behind(map(node_of, tensors)))
    return {id(leaf): leaf for leaf in leaves if leaf is not None}
