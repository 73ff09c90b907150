"""Two distributions of which a mask chooses one."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.errors import ArgumentError, ShapeError
from virgil.infer import TraceEnum_ELBO, config_enumerate

MASK = torch.tensor([True, False, True])


def test_each_entry_is_scored_and_drawn_by_its_component():
    first, second = dist.Poisson(torch.tensor(2.0)), dist.Poisson(torch.tensor(40.0))
    fn = dist.MaskedMixture(MASK, first, second)
    assert fn.batch_shape == (3,)
    x = torch.tensor([3.0, 4.0, 5.0])
    torch.testing.assert_close(fn.log_prob(x), torch.where(MASK, second.log_prob(x), first.log_prob(x)))
    assert fn.mean.tolist() == fn.variance.tolist() == [40.0, 2.0, 40.0]
    assert fn.support is constraints.nonnegative_integer


def test_supports_of_two_kinds_are_chosen_entry_by_entry():
    loc = torch.zeros((), requires_grad=True)
    fn = dist.MaskedMixture(MASK, dist.LogNormal(loc, 1.0), dist.Normal(loc, 1.0))
    assert isinstance(fn.support, constraints.MaskedConstraint)
    value = torch.tensor([-1.0, 1.0, -1.0])
    log_prob = fn.log_prob(value)
    torch.testing.assert_close(log_prob, dist.Normal(0.0, 1.0).log_prob(torch.tensor([-1.0, 0.0, -1.0])))
    (slope,) = torch.autograd.grad(log_prob.sum(), loc)
    assert slope.item() == pytest.approx(-2.0)  # the sum of value - loc, of its logarithm in the middle
    with pytest.raises(ValueError, match="to be within the support"):
        fn.log_prob(-value)


def test_events_of_vectors():
    first, second = (dist.Normal(torch.full((2,), loc), 1.0).to_event(1) for loc in (0.0, 5.0))
    fn = dist.MaskedMixture(MASK, first, second)
    assert fn.shape() == (3, 2)
    assert fn.mean.tolist() == [[5.0, 5.0], [0.0, 0.0], [5.0, 5.0]]
    x = fn.sample()
    torch.testing.assert_close(fn.log_prob(x), torch.where(MASK, second.log_prob(x), first.log_prob(x)))


def test_draws_are_pathwise_where_both_are():
    assert dist.MaskedMixture(MASK, dist.Normal(0.0, 1.0), dist.Laplace(0.0, 1.0)).has_rsample
    assert not dist.MaskedMixture(MASK, dist.Normal(0.0, 1.0), dist.Bernoulli(0.5)).has_rsample


def test_a_change_point_is_summed_out():
    data = torch.tensor([0.1, -0.3, 4.8, 5.2])
    first, second = dist.Normal(0.0, 1.0), dist.Normal(5.0, 1.0)

    @config_enumerate
    def model():
        change = virgil.sample("change", dist.Categorical(torch.ones(5)))
        mask = torch.arange(4) >= change
        with virgil.plate("data", 4):
            virgil.sample("obs", dist.MaskedMixture(mask, first, second), obs=data)

    before, after = first.log_prob(data), second.log_prob(data)
    each = torch.stack([before[:k].sum() + after[k:].sum() for k in range(5)])
    loss = TraceEnum_ELBO().loss(model, lambda: None)
    assert loss == pytest.approx(-(each.logsumexp(0) - torch.tensor(5.0).log()).item(), rel=1e-5)


def test_wrong_arguments_are_named():
    normal = dist.Normal(0.0, 1.0)
    with pytest.raises(ArgumentError, match="takes a tensor of dtype torch.bool"):
        dist.MaskedMixture(torch.ones(3), normal, normal)
    with pytest.raises(ShapeError, match=r"event_shape \(\) and \(2,\)"):
        dist.MaskedMixture(MASK, normal, normal.expand((2,)).to_event(1))
    with pytest.raises(ShapeError, match=r"mask of shape \(3,\) and components of batch_shape \(2,\) and \(\)"):
        dist.MaskedMixture(MASK, normal.expand((2,)), normal)
