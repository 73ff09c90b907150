"""Optimisers that differentiate a loss themselves."""

from __future__ import annotations

import pytest
import torch
from pyro.optim import Adam
from pyro.optim.multi import MixedMultiOptimizer, MultiOptimizer, Newton, PyroMultiOptimizer, TorchMultiOptimizer

from virgil.errors import ArgumentError, ShapeError


def quadratic():
    """A loss with its minimum at 5 and at 1, 2, 3; each parameter's part depends on the other in places."""
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = torch.tensor([0.0, 0.0, 0.0], requires_grad=True)
    loss = ((x - 5) ** 2).sum() + 2 * ((y - torch.tensor([1.0, 2.0, 3.0])) ** 2).sum()
    return loss, {"x": x, "y": y}


def test_newton_is_at_the_minimum_of_a_quadratic_after_one_step():
    loss, params = quadratic()
    updated = Newton().get_step(loss, params)
    assert torch.equal(updated["x"], torch.full((2, 2), 5.0))
    assert updated["x"].requires_grad
    assert params["x"][0, 0].item() == 1.0
    assert Newton().step(loss, params) is None
    assert torch.allclose(params["y"], torch.tensor([1.0, 2.0, 3.0]))
    assert params["y"].is_leaf


def test_newton_stays_within_the_trust_radius():
    loss, params = quadratic()
    updated = Newton({"x": 0.1}).get_step(loss, params)
    assert ((updated["x"] - params["x"]).norm(dim=-1) <= 0.1 + 1e-6).all()
    assert torch.allclose(updated["y"], torch.tensor([1.0, 2.0, 3.0]))


def test_newton_wants_a_dim():
    x = torch.tensor(1.0, requires_grad=True)
    with pytest.raises(ShapeError, match="Newton got the parameter 'x' without a dim"):
        Newton().step(x**2, {"x": x})


@pytest.mark.parametrize(
    "make",
    [lambda: TorchMultiOptimizer(torch.optim.Adam, {"lr": 0.1}), lambda: PyroMultiOptimizer(Adam({"lr": 0.1}))],
)
def test_optimisers_of_gradients_take_a_loss(make):
    loss, params = quadratic()
    optimizer = make()
    optimizer.step(loss, params)
    assert torch.allclose(params["x"].detach(), torch.tensor([[1.1, 2.1], [3.1, 4.1]]))
    with pytest.raises(NotImplementedError, match="has no differentiable step"):
        optimizer.get_step(loss, params)


def test_parts_step_from_the_same_values():
    x, y, z = (torch.full((1,), value, requires_grad=True) for value in (1.0, 2.0, 3.0))
    loss = (x * y * z + x**2 + y**2 + z**2).sum()
    parts = [(["x"], TorchMultiOptimizer(torch.optim.SGD, {"lr": 0.1})), (["y"], Adam({"lr": 0.1})), (["z"], Newton())]
    MixedMultiOptimizer(parts).step(loss, {"x": x, "y": y, "z": z})
    assert x.item() == pytest.approx(1 - 0.1 * (2 * 3 + 2 * 1))
    assert y.item() == pytest.approx(1.9)
    assert z.item() == pytest.approx(-1 * 2 / 2)  # where 2 z + x y is zero


def test_mixed_newtons_are_differentiable():
    loss, params = quadratic()
    updated = MixedMultiOptimizer([(["x"], Newton()), (["y"], Newton({"y": 0.1}))]).get_step(loss, params)
    assert set(updated) == {"x", "y"}
    assert updated["y"].requires_grad


def test_a_parameter_has_one_optimiser():
    with pytest.raises(ArgumentError, match="got the parameter 'x' for two optimisers"):
        MixedMultiOptimizer([(["x"], Adam({"lr": 0.1})), (["y", "x"], Newton())])


def test_a_class_of_a_program_has_a_step_or_a_get_step():
    class Halving(MultiOptimizer):
        def get_step(self, loss, params):
            return {name: each / 2 for name, each in params.items()}

    class Zeroing(MultiOptimizer):
        def step(self, loss, params):
            for each in params.values():
                each.data.zero_()

    loss, params = quadratic()
    MixedMultiOptimizer([(["x"], Halving()), (["y"], Zeroing())]).step(loss, params)
    assert params["x"][0].tolist() == [0.5, 1.0]
    assert params["y"].tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(NotImplementedError, match="MultiOptimizer has no differentiable step"):
        MultiOptimizer().step(loss, params)
