"""Gradient clipping, and Adam on clipped gradients, against their mathematics."""

from __future__ import annotations

import math

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from virgil import optim
from virgil.optim import clipped_adam
from virgil.optim.clipped_adam import ClippedAdam


def with_grads(**grads):
    named = {}
    for name, grad in grads.items():
        named[name] = torch.zeros(len(grad), dtype=torch.float64, requires_grad=True)
        named[name].grad = torch.tensor(grad, dtype=torch.float64)
    return named


def test_the_norm_is_clipped_by_parameter():
    named = with_grads(long=[3.0, 4.0], short=[0.3, 0.4])
    optim.SGD({"lr": 1.0}, {"clip_norm": 1.0})(named)
    torch.testing.assert_close(named["long"].grad, torch.tensor([0.6, 0.8]).double(), rtol=1e-6, atol=0)
    torch.testing.assert_close(named["short"].grad, torch.tensor([0.3, 0.4]).double())
    assert torch.equal(named["long"], -named["long"].grad)


def test_the_norm_is_clipped_as_torch_does():
    named = with_grads(x=[3.0, 4.0, 0.1])
    theirs = with_grads(x=[3.0, 4.0, 0.1])["x"]
    torch.nn.utils.clip_grad_norm_([theirs], 0.7)
    optim.SGD({"lr": 1.0}, {"clip_norm": 0.7})(named)
    torch.testing.assert_close(named["x"].grad, theirs.grad, rtol=1e-14, atol=0)


def test_values_are_clipped():
    named = with_grads(x=[-3.0, 0.5, 4.0])
    optim.SGD({"lr": 1.0}, {"clip_value": 1.0})(named)
    assert named["x"].tolist() == [1.0, -0.5, -1.0]


def test_limits_may_depend_on_the_name():
    named = with_grads(x=[3.0], y=[3.0], z=[3.0])
    optim.SGD({"lr": 1.0}, lambda name: {"clip_value": 1.0} if name != "z" else {})(named)
    assert [leaf.item() for leaf in named.values()] == [-1.0, -1.0, -3.0]


def test_a_parameter_without_gradient_is_not_clipped():
    named = {**with_grads(x=[3.0]), "y": torch.zeros(1, requires_grad=True)}
    optim.SGD({"lr": 1.0}, {"clip_norm": 1.0})(named)
    assert named["y"].item() == 0.0


def by_hand(grads, start, lr, beta1, beta2, eps, weight_decay, clip_norm, lrd):
    """The recurrence of the docstring in Python's floats."""
    theta, mean, square = start, 0.0, 0.0
    for step, grad in enumerate(grads, 1):
        grad = min(max(grad, -clip_norm), clip_norm) + weight_decay * theta
        mean = beta1 * mean + (1 - beta1) * grad
        square = beta2 * square + (1 - beta2) * grad**2
        corrected = mean / (1 - beta1**step)
        theta -= lr * lrd**step * corrected / (math.sqrt(square / (1 - beta2**step)) + eps)
    return theta


GRADS = [0.3, -20.0, 4.0, 1e-3, -0.7, 12.0]
OPTIONS = {"lr": 0.1, "betas": (0.7, 0.95), "eps": 1e-3, "weight_decay": 0.1, "clip_norm": 2.0, "lrd": 0.9}


FORMS = {
    "fused": lambda monkeypatch: None,
    "by tensors": lambda monkeypatch: monkeypatch.setattr(clipped_adam, "_number", lambda step: None),
    "without torch's fused kernel": lambda monkeypatch: monkeypatch.delattr(torch, "_fused_adam_"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_clipped_adam_is_its_recurrence(form, dtype, monkeypatch):
    FORMS[form](monkeypatch)
    leaf = torch.full((3,), 0.5, dtype=dtype).requires_grad_()
    optimizer = ClippedAdam([leaf], **OPTIONS)
    for grad in GRADS:
        leaf.grad = torch.full((3,), grad, dtype=dtype)
        optimizer.step()
        assert torch.equal(leaf.grad, torch.full((3,), grad, dtype=dtype)), "the gradient is not written to"
    lr, (beta1, beta2), *rest = OPTIONS.values()
    expected = torch.full((3,), by_hand(GRADS, 0.5, lr, beta1, beta2, *rest), dtype=dtype)
    torch.testing.assert_close(leaf.detach(), expected)


def test_without_clipping_and_decay_it_is_adam():
    ours, theirs = (torch.tensor([0.5, -2.0], dtype=torch.float64).requires_grad_() for _ in range(2))
    optimizer, reference = ClippedAdam([ours], lr=0.1, clip_norm=1e9), torch.optim.Adam([theirs], lr=0.1)
    for grad in GRADS:
        for leaf, each in ((ours, optimizer), (theirs, reference)):
            leaf.grad = torch.tensor([grad, 1.0], dtype=torch.float64)
            each.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-13)


def test_mixed_dtypes_and_steps():
    named = {
        "single": torch.zeros(2, requires_grad=True),
        "double": torch.zeros(2, dtype=torch.float64, requires_grad=True),
        "late": torch.zeros(2, requires_grad=True),
    }
    optimizer = optim.ClippedAdam({"lr": 0.1, "lrd": 0.5})
    for step in range(3):
        for name, leaf in named.items():
            leaf.grad = None if name == "late" and step == 0 else torch.ones_like(leaf)
        optimizer(named)
    # a constant gradient: every step is lr * lrd^t up to eps
    torch.testing.assert_close(
        named["single"].detach(), torch.full((2,), -0.1 * (0.5 + 0.25 + 0.125)), rtol=1e-5, atol=0
    )
    torch.testing.assert_close(named["late"].detach(), torch.full((2,), -0.1 * (0.5 + 0.25)), rtol=1e-5, atol=0)
    torch.testing.assert_close(named["double"].detach(), named["single"].detach().double(), rtol=1e-5, atol=0)


def test_a_closure_is_called():
    leaf = torch.ones(1, requires_grad=True)
    optimizer = ClippedAdam([leaf], lr=0.1)

    def closure():
        loss = (leaf**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 1.0
    assert leaf.item() == pytest.approx(0.9)


def test_clipped_adam_can_be_captured(monkeypatch):
    """A graph made at one step is right at every step: the count is a tensor, not a number in the graph."""
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)

    def step(leaf, grad, count, mean, square):
        leaf = leaf.detach().clone().requires_grad_()
        optimizer = ClippedAdam([leaf], **OPTIONS)
        optimizer.state[leaf] = {"step": count.clone(), "exp_avg": mean.clone(), "exp_avg_sq": square.clone()}
        leaf.grad = grad
        optimizer.step()
        state = optimizer.state[leaf]
        return leaf.detach(), state["step"], state["exp_avg"], state["exp_avg_sq"]

    leaf, count = torch.tensor([0.5], dtype=torch.float64), torch.tensor(0.0)
    mean, square = torch.zeros_like(leaf), torch.zeros_like(leaf)
    graph = make_fx(step)(leaf, torch.ones_like(leaf), count, mean, square)
    for grad in GRADS:
        leaf, count, mean, square = graph(leaf, torch.full_like(leaf, grad), count, mean, square)
    lr, (beta1, beta2), *rest = OPTIONS.values()
    torch.testing.assert_close(leaf.item(), by_hand(GRADS, 0.5, lr, beta1, beta2, *rest))
