"""Categorical's log_prob, which looks labels up without repeating the weights, against torch's, which repeats them."""

import pytest
import torch

import virgil.distributions as dist

BATCHES = [(), (3,), (2, 3), (2, 1), (4, 2, 3), (4, 1, 3)]
LABELS = [(), (3,), (1,), (2, 3), (2, 1), (5, 1, 1), (4, 2, 3), (5, 4, 1, 1), (4, 1, 3), (1, 2, 1)]


def broadcasts(*shapes):
    try:
        torch.broadcast_shapes(*shapes)
    except RuntimeError:
        return False
    return True


CASES = [
    (batch, wide, labels)
    for batch in BATCHES
    for wide in (batch, (4, 2, 3))
    for labels in LABELS
    if broadcasts(batch, wide, labels) and torch.broadcast_shapes(batch, wide) == torch.Size(wide)
]


@pytest.mark.parametrize("by", ["probs", "logits"])
def test_it_is_torch_s_in_every_broadcast_shape(by):
    generator = torch.Generator().manual_seed(0)
    assert len(CASES) > 40
    for batch, wide, labels in CASES:
        weights = torch.rand(*batch, 6, dtype=torch.float64, generator=generator).requires_grad_()
        value = torch.randint(6, labels, generator=generator)
        ours = dist.Categorical(**{by: weights}).expand(wide).log_prob(value)
        torchs = torch.distributions.Categorical(**{by: weights}).expand(wide).log_prob(value)
        torch.testing.assert_close(ours, torchs)
        cotangent = torch.randn(ours.shape, dtype=torch.float64, generator=generator)
        (mine,) = torch.autograd.grad(ours, weights, cotangent)
        (its,) = torch.autograd.grad(torchs, weights, cotangent)
        torch.testing.assert_close(mine, its)


def test_expanding_twice_keeps_the_weights_narrow():
    narrow = dist.Categorical(torch.tensor([0.2, 0.8])).expand([1, 3]).expand([2, 3])
    assert narrow._narrow_logits().shape == (2,)
    assert narrow.log_prob(torch.tensor([[0], [1]])).shape == (2, 3)
    assert narrow.sample().shape == (2, 3)
    torch.testing.assert_close(
        narrow.entropy(), torch.distributions.Categorical(torch.tensor([0.2, 0.8])).entropy().expand(2, 3)
    )


def test_categorical_of_logits_is_torchs():
    torch.manual_seed(0)
    logits = torch.randn(2, 3, dtype=torch.double, requires_grad=True)
    ours, theirs = dist.Categorical(logits=logits), torch.distributions.Categorical(logits=logits)
    for value in (torch.tensor([0, 2]), torch.tensor([[0], [1], [2]]), torch.tensor(1)):
        torch.testing.assert_close(ours.log_prob(value), theirs.log_prob(value))
    torch.testing.assert_close(ours.probs, theirs.probs)
    with pytest.raises(ValueError, match="not both"):
        dist.Categorical(probs=logits.exp(), logits=logits)
    with pytest.raises(ValueError, match="at least one-dimensional"):
        dist.Categorical(logits=torch.tensor(0.0))
