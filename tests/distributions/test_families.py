"""Families of Virgil's own, and torch's where Virgil computes differently: what the laws do not reach."""

import math

import pytest
import torch
from scipy import stats
from torch import distributions as td

import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.errors import ArgumentError, ShapeError


def test_delta_scores_its_point_alone_and_carries_gradients():
    v = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    density = torch.tensor([0.5, -0.5], requires_grad=True)
    fn = dist.Delta(v, density, event_dim=1)
    assert (fn.batch_shape, fn.event_shape) == ((2,), (2,))
    fn.rsample((3,)).sum().backward()
    assert v.grad.tolist() == [[3.0, 3.0], [3.0, 3.0]]
    log_prob = fn.log_prob(torch.tensor([[1.0, 2.0], [3.0, 5.0]]))
    assert log_prob.tolist() == [0.5, -math.inf]
    log_prob[0].backward()
    assert density.grad.tolist() == [1.0, 0.0]
    with pytest.raises(ShapeError, match=r"event_dim=2 and a value v of shape \(\)"):
        dist.Delta(torch.tensor(0.0), event_dim=2)


def test_unit_carries_a_factor():
    fn = dist.Unit(torch.tensor([1.0, 2.0]), has_rsample=True)
    assert fn.has_rsample
    assert fn.expand((3, 2)).has_rsample
    assert fn().shape == (2, 0)
    assert fn.log_prob(fn.sample((3,))).tolist() == [[1.0, 2.0]] * 3


def test_improper_uniform_scores_and_refuses_to_sample():
    fn = dist.ImproperUniform(constraints.positive, (2,), (3,))
    assert fn.log_prob(torch.ones(2, 3)).tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="within the support"):
        fn.log_prob(-torch.ones(2, 3))
    with pytest.raises(ArgumentError, match="cannot be sampled"):
        fn.sample()
    with pytest.raises(ShapeError, match="has 1 dims"):
        dist.ImproperUniform(constraints.simplex, (2,), ())


def test_empirical_counts_ties_together():
    fn = dist.Empirical(torch.tensor([1.0, 1.0, 4.0]), torch.zeros(3))
    assert fn.log_prob(torch.tensor(1.0)).exp().item() == pytest.approx(2 / 3)
    assert fn.log_prob(torch.tensor(2.0)).item() == -math.inf
    assert fn.mean.item() == pytest.approx(2.0)
    assert fn.variance.item() == pytest.approx(2.0)
    assert fn.enumerate_support().tolist() == [1.0, 1.0, 4.0]
    assert not fn.has_enumerate_support
    assert fn.sample_size == 3
    rows = dist.Empirical(torch.tensor([[1.0, 2.0], [1.0, 3.0]]), torch.tensor([0.0, math.log(3.0)]))
    assert (rows.batch_shape, rows.event_shape) == ((), (2,))
    assert rows.log_prob(torch.tensor([1.0, 3.0])).exp().item() == pytest.approx(0.75)
    assert rows.has_enumerate_support
    with pytest.raises(ShapeError, match="must be the left part"):
        dist.Empirical(torch.zeros(3), torch.zeros(4))


def test_folded_takes_single_numbers():
    with pytest.raises(ShapeError, match="folds single numbers"):
        dist.FoldedDistribution(dist.Normal(torch.zeros(2), 1.0).to_event(1))
    fn = dist.FoldedDistribution(dist.Normal(1.0, 2.0))
    assert fn.cdf(torch.tensor(50.0)).item() == pytest.approx(1.0)


def test_beta_binomial_of_unequal_counts_is_not_enumerated():
    fn = dist.BetaBinomial(1.0, 1.0, torch.tensor([2, 3]))
    assert fn.log_prob(torch.tensor([0.0, 0.0])).exp().tolist() == pytest.approx([1 / 3, 1 / 4])
    with pytest.raises(NotImplementedError, match="unequal total_count"):
        fn.enumerate_support()


def test_generalised_pareto_of_every_sign():
    c = torch.tensor([-0.5, 0.0, 0.5], dtype=torch.double, requires_grad=True)
    fn = dist.GeneralizedPareto(torch.zeros(3, dtype=torch.double), torch.ones(3, dtype=torch.double), c)
    log_prob = fn.log_prob(torch.ones(3, dtype=torch.double))
    # (1 + c)^(-1/c - 1) at x = 1; exp(-1) at c = 0
    assert log_prob.exp().tolist() == pytest.approx([0.5, math.exp(-1), 1.5**-3])
    assert torch.autograd.grad(log_prob.sum(), c)[0].isfinite().all()
    assert not fn.support.check(torch.tensor([3.0, 3.0, 3.0])).all()


def test_categorical_of_logits_is_torchs():
    torch.manual_seed(0)
    logits = torch.randn(2, 3, dtype=torch.double, requires_grad=True)
    ours, theirs = dist.Categorical(logits=logits), td.Categorical(logits=logits)
    for value in (torch.tensor([0, 2]), torch.tensor([[0], [1], [2]]), torch.tensor(1)):
        torch.testing.assert_close(ours.log_prob(value), theirs.log_prob(value))
    torch.testing.assert_close(ours.probs, theirs.probs)
    with pytest.raises(ValueError, match="not both"):
        dist.Categorical(probs=logits.exp(), logits=logits)
    with pytest.raises(ValueError, match="at least one-dimensional"):
        dist.Categorical(logits=torch.tensor(0.0))


@pytest.mark.parametrize("family", [dist.Normal, dist.LogNormal])
def test_a_scale_given_once_scores_like_one_given_everywhere(family):
    torch.manual_seed(0)
    value = torch.rand(4, 3, dtype=torch.double)
    loc, scale = torch.randn(3, dtype=torch.double), torch.tensor(0.7, dtype=torch.double, requires_grad=True)
    once, everywhere = family(loc, scale), family(loc, scale.expand(3))
    for ours, theirs in ((once, everywhere), (once.expand((4, 3)), everywhere), (family(loc, 0.7), everywhere)):
        torch.testing.assert_close(ours.log_prob(value), theirs.log_prob(value))
    ours, theirs = (torch.autograd.grad(fn.log_prob(value).sum(), scale)[0] for fn in (once, everywhere))
    torch.testing.assert_close(ours, theirs)
    assert once.expand((4, 3)).log_prob(value[0, 0]).shape == (4, 3)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_half_cauchy_at_extreme_scales(scale):
    # at x = scale the density is 1 / (pi * scale)
    log_prob = dist.HalfCauchy(scale).log_prob(torch.tensor(scale))
    assert log_prob.item() == pytest.approx(-math.log(math.pi) - math.log(scale), rel=1e-5)
    assert dist.HalfCauchy(scale, validate_args=False).log_prob(torch.tensor(-scale)).item() == -math.inf


def test_bernoulli_scores_values_of_every_dtype_and_shape():
    fn = dist.Bernoulli(logits=torch.zeros(2))
    for value in (torch.tensor([True, False]), torch.tensor([1, 0]), torch.tensor(1.0), torch.ones(3, 2)):
        log_prob = fn.log_prob(value)
        torch.testing.assert_close(log_prob, torch.full(log_prob.shape, math.log(0.5)))


def test_wishart_draws_without_a_warning_and_positive_definite():
    torch.manual_seed(0)
    fn = dist.Wishart(torch.tensor(4.0), torch.eye(3))
    assert fn.support.check(fn.rsample((100,))).all()


def test_wishart_takes_one_of_three_matrices():
    torch.manual_seed(0)
    factor = torch.tensor([[1.0, 0.0, 0.0], [0.3, 0.8, 0.0], [-0.2, 0.5, 1.4]], dtype=torch.double)
    covariance = factor @ factor.mT
    given = {"scale_tril": factor, "covariance_matrix": covariance, "precision_matrix": covariance.inverse()}
    df, value = torch.tensor([4.5, 6.0], dtype=torch.double), covariance + torch.eye(3)
    expected = stats.wishart(4.5, covariance.numpy()).logpdf(value.numpy())
    for name, matrix in given.items():
        for fn in (dist.Wishart(df, **{name: matrix}), dist.Wishart(df[0], **{name: matrix}).expand((2,))):
            assert fn.log_prob(value)[0].item() == pytest.approx(expected)
            assert fn.mean[0].numpy() == pytest.approx(4.5 * covariance.numpy())
            assert fn.expand((3, 2)).sample((4,)).shape == (4, 3, 2, 3, 3)
    assert dist.Wishart(4, covariance).log_prob(value).item() == pytest.approx(
        stats.wishart(4, covariance.numpy()).logpdf(value.numpy())
    )


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: dist.Wishart(4.0), ArgumentError, "got no matrix; it takes exactly one of"),
        (
            lambda: dist.Wishart(4.0, torch.eye(2), torch.eye(2)),
            ArgumentError,
            "covariance_matrix and precision_matrix",
        ),
        (lambda: dist.Wishart(4.0, torch.ones(2)), ShapeError, r"covariance_matrix of shape \(2,\)"),
        (lambda: dist.Wishart(4.0, torch.ones(2, 3)), ShapeError, r"takes one of shape \(\*batch, n, n\)"),
        (lambda: dist.Wishart(1.0, torch.eye(3)), ValueError, "parameter df"),
        (lambda: dist.LKJCholesky(1), ArgumentError, "dim=1; it takes a number of rows, 2 or more"),
        (lambda: dist.LKJCholesky(3, -1.0), ValueError, "parameter concentration"),
    ],
)
def test_matrices_that_are_not_given_right_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_correlations_under_lkj_are_beta():
    """Each off-diagonal entry r has (r + 1) / 2 ~ Beta(a, a), a = concentration + dim / 2 - 1 (section 3.2).

    Of 20,000 draws the mean and the mean square lie within 5 standard errors: a false alarm in 10^6.
    """
    torch.manual_seed(0)
    for dim, concentration in ((2, 1), (4, 2.5)):
        factor = dist.LKJCholesky(dim, concentration).sample((20_000,))
        entries = (factor @ factor.mT)[:, 0, 1:].double()
        a = concentration + dim / 2 - 1
        marginal = stats.beta(a, a, loc=-1, scale=2)
        for power in (1, 2):
            error = (marginal.moment(2 * power) - marginal.moment(power) ** 2) ** 0.5 / 20_000**0.5
            assert entries.pow(power).mean(0).numpy() == pytest.approx(marginal.moment(power), abs=5 * error)
