"""Writes into tensors that nothing else shares, as new values of them."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch.fx import Graph, Node

from virgil.engine.operators.aten import aten, present
from virgil.ops.operators import OpOverload, schema_of

__all__ = ["Renaming", "in_full", "last_uses", "pure_form", "without_writes", "writes"]


_PURE: dict[Any, OpOverload] = present({aten.normal_.default: aten.normal_functional.default})


class Renaming(NamedTuple):
    """How a graph is computed without writing.

    Attributes:
        pure: of every node that writes, the operator that gives what it writes into its first argument.
        root: of every node that writes, the node whose tensor it has written: what gives it is its value from there on.
    """

    pure: dict[Node, OpOverload]
    root: dict[Node, Node]


def without_writes(graph: Graph) -> Renaming | None:
    """The renaming of a graph; ``None`` where a tensor is written that is given, or of which another is read later."""
    renaming = Renaming({}, {})
    family: dict[Node, Node] = {}  # what first had the memory of a node's tensor
    members: dict[Node, list[Node]] = {}
    last = last_uses(graph)
    for place, node in enumerate(graph.nodes):
        if writes(node):
            pure, written = pure_form(node.target), node.args[0]
            if pure is None or not isinstance(written, Node) or family[written].op != "call_function":
                return None
            root = renaming.root.get(written, written)
            others = (each for each in members[family[root]] if renaming.root.get(each, each) is not root)
            if any(last.get(each, place) > place for each in others):
                return None
            renaming.pure[node], renaming.root[node] = pure, root
        family[node] = _family(node, family)
        members.setdefault(family[node], []).append(node)
    return renaming


def last_uses(graph: Graph) -> dict[Node, int]:
    """The place of the last node that reads each node, for those that are read."""
    return {read: place for place, node in enumerate(graph.nodes) for read in node.all_input_nodes}


def writes(node: Node) -> bool:
    """True if a node's operator changes a tensor."""
    return isinstance(node.target, OpOverload) and schema_of(node.target).is_mutable


def _family(node: Node, family: dict[Node, Node]) -> Node:
    target: Any = node.target
    if target is operator.getitem or target is aten._unsafe_view.default or writes(node):
        shares = True
    else:
        shares = isinstance(target, OpOverload) and target.is_view
    return family[node.all_input_nodes[0]] if shares else node


@functools.cache
def pure_form(target: Any) -> OpOverload | None:
    """The operator that gives what another one writes into its first argument, and only there; ``None`` for others."""
    if target in _PURE:
        return _PURE[target]
    schema = schema_of(target)
    changed = [each.alias_info is not None and each.alias_info.is_write for each in schema.arguments]
    name = schema.name.removeprefix("aten::")
    if changed != [True] + [False] * (len(changed) - 1) or torch.Tag.inplace_view in target.tags or name[-1] != "_":
        return None
    alike = getattr(aten, name[:-1]).overloads().values()
    return next((each for each in alike if _takes(each) == _takes(target) and len(schema_of(each).returns) == 1), None)


def _takes(target: OpOverload) -> list[tuple[str, str]]:
    return [(each.name, str(each.type)) for each in schema_of(target).arguments]


def in_full(func: Any, args: Sequence[Any]) -> list[Any]:
    """Positional arguments with the operator's own defaults, which another operator may lack."""
    rest = (each for each in schema_of(func).arguments[len(args) :] if not each.kwarg_only)
    return [*args, *(each.default_value for each in rest)]
