"""Nodes and leaves behind a tensor, as autograd knows them."""

import torch

from virgil.ops.gradient_graph import leaves_behind, node_of, nodes_behind


def test_the_leaves_of_a_computation():
    first, second, apart = (torch.ones(2, requires_grad=True) for _ in range(3))
    result = (first * second.detach() + first.exp()).sum()
    assert leaves_behind([result]) == {id(first): first}
    assert leaves_behind([result, apart, torch.ones(1)]).keys() == {id(first), id(apart)}


def test_what_has_no_gradient_has_no_node():
    assert node_of(torch.ones(2)) is None
    assert node_of(3.0) is None
    assert list(nodes_behind([None])) == []


def test_nodes_come_nearest_first_and_end_where_they_are_stopped():
    leaf = torch.ones(2, requires_grad=True)
    middle = leaf.exp()
    result = middle.sum()
    behind = list(nodes_behind([node_of(result)]))
    assert behind == [result.grad_fn, middle.grad_fn, node_of(leaf)]
    assert list(nodes_behind([node_of(result)], [middle.grad_fn])) == behind[:2]
