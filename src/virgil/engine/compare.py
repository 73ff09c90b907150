"""Whether two traces of one function are the same graph."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.fx import Node

from virgil.engine.graph import Recording

__all__ = ["first_difference"]


def first_difference(left: Recording, right: Recording) -> tuple[Node | None, Node | None] | None:
    """The first pair of nodes that differ, one of them ``None`` where a graph has ended; ``None`` for equal graphs."""
    ours, theirs = list(left.graph.nodes), list(right.graph.nodes)
    places = {node: place for nodes in (ours, theirs) for place, node in enumerate(nodes)}
    for one, other in zip(ours, theirs, strict=False):
        if not _same_node(one, other, left, right, places):
            return one, other
    shared = min(len(ours), len(theirs))
    if len(ours) == len(theirs):
        return None
    return (ours[shared], None) if len(ours) > shared else (None, theirs[shared])


def _same_node(one: Node, other: Node, left: Recording, right: Recording, places: dict[Node, int]) -> bool:
    if one.op != other.op:
        return False
    if one.op == "get_attr":
        return _same(left.constants[str(one.target)], right.constants[str(other.target)], places)
    if one.op == "call_function" and one.target is not other.target:
        return False
    return _same(one.args, other.args, places) and _same(one.kwargs, other.kwargs, places)


def _same(one: Any, other: Any, places: dict[Node, int]) -> bool:
    if isinstance(one, Node) and isinstance(other, Node):
        return places[one] == places[other]
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(_same(a, b, places) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(each, other[key], places) for key, each in one.items())
    if isinstance(one, Tensor):
        if one.dtype != other.dtype or one.shape != other.shape:
            return False
        return torch.equal(one, other) or (one.is_floating_point() and torch.allclose(one, other, 0, 0, equal_nan=True))
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other)
