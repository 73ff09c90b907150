"""Plain trees take apart and put together what torch's do, for the containers that they know."""

from collections import OrderedDict, namedtuple

import pytest
import torch
from torch.fx.immutable_collections import immutable_dict, immutable_list
from torch.utils import _pytree

from virgil.ops import plain_trees, trees

Pair = namedtuple("Pair", ["left", "right"])
TREES = {
    "a leaf": 1.5,
    "nothing": None,
    "a string": "abc",
    "empty": [(), [], {}],
    "nested": ({"b": [1, (2, 3)], "a": None}, [Pair({"x": 4}, (5,))], OrderedDict(z=6, y=[7])),
    "a size": (torch.Size([2, 3]), 8),
    "arguments in a graph": (immutable_list([1, immutable_list([2])]), immutable_dict({"a": 3})),
    "a set": [{9}, frozenset({1})],
}


@pytest.mark.parametrize("name", TREES)
def test_they_are_torchs(name):
    tree = TREES[name]
    leaves, spec = plain_trees.tree_flatten(tree)
    assert leaves == _pytree.tree_leaves(tree) == plain_trees.tree_leaves(tree)
    rebuilt = plain_trees.tree_unflatten(leaves, spec)
    assert (rebuilt, type(rebuilt)) == (tree, type(tree))
    assert spec == plain_trees.tree_flatten(rebuilt)[1]


def test_structures_tell_apart_what_is_nested_otherwise():
    specs = [
        repr(plain_trees.tree_flatten(each)[1]) for each in ([1, 2], (1, 2), [[1], 2], {"a": 1, "b": 2}, Pair(1, 2))
    ]
    assert len(set(specs)) == len(specs)


def test_leaves_of_a_type_are_mapped():
    tree = {"a": [torch.ones(2), 3], "b": (torch.zeros(1), "x")}
    found = plain_trees.tree_map_only(torch.Tensor, len, tree)
    assert found == {"a": [2, 3], "b": (1, "x")} == _pytree.tree_map_only(torch.Tensor, len, tree)


def test_torchs_own_are_used_where_they_are():
    assert trees.tree_flatten is _pytree.tree_flatten
    assert sorted(trees.__all__) == sorted(plain_trees.__all__)
