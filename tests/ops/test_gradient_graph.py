"""Nodes and leaves behind a tensor, as autograd knows them."""

import pytest
import torch
from torch.autograd import forward_ad

import virgil.distributions as dist
from virgil.ops.gradient_graph import leaves_behind, node_of, nodes_behind, wants_derivative
from virgil.ops.mapping import mapped, own_row


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


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own, in forward mode
def test_a_derivative_is_wanted_by_a_leaf_and_inside_every_transform():
    plain, leaf = torch.ones(2), torch.ones(2, requires_grad=True)
    assert not wants_derivative(plain)
    assert wants_derivative(plain, leaf)
    with torch.no_grad():
        assert not wants_derivative(leaf)
    with forward_ad.dual_level():
        assert wants_derivative(forward_ad.make_dual(plain, plain))
    seen = []
    torch.func.vmap(lambda x: seen.append(wants_derivative(leaf.detach() * x)) or x)(plain)
    torch.func.grad(lambda x: seen.append(wants_derivative(x)) or x.sum())(plain)
    assert seen == [True, True]


def test_where_torch_has_moved_the_name_a_derivative_is_wanted(monkeypatch):
    monkeypatch.delattr(torch._C._functorch, "is_functorch_wrapped_tensor")
    assert wants_derivative(torch.ones(2))


@pytest.mark.parametrize("many", [False, True])
def test_draws_of_a_mixture_are_the_same_with_and_without_a_derivative(many):
    """Without one they skip its computation; for many draws at once they cannot know."""
    generator = torch.Generator().manual_seed(0)
    locs, scales, logits = (torch.rand(4, 3, generator=generator) + 0.5 for _ in range(3))

    def draw(locs: torch.Tensor) -> torch.Tensor:
        return dist.MixtureOfDiagNormals(locs, scales, logits[:, 0]).rsample()

    def drawn(locs: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(1)
        return mapped(lambda: [draw(own_row(locs.expand(2, 4, 3)))], 2)[0] if many else draw(locs)

    leaf = locs.clone().requires_grad_()
    with_derivative = drawn(leaf)
    torch.testing.assert_close(with_derivative, drawn(locs))
    # moved together, the locations move each draw as far, and shares of the components sum to one
    gradient = torch.autograd.grad(with_derivative.sum(), leaf)[0]
    torch.testing.assert_close(gradient.sum(), torch.tensor(float(with_derivative.numel())), rtol=1e-5, atol=0)
