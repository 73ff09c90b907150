"""Supports that cannot agree are found from the distributions; those that can hear nothing."""

import math

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.checks.asking import heard, says
from virgil.distributions import constraints, transforms
from virgil.infer import TraceEnum_ELBO
from virgil.infer.checks.regions import contains


def _program(fn):
    def run():
        virgil.sample("z", fn())

    return run


def _loc(value=5.0):
    return virgil.param("loc", torch.tensor(value))


def _vector(size=3):
    return virgil.param("vector", torch.full((size,), 2.0), constraint=constraints.positive)


def _normal():
    return dist.Normal(_loc(), 1e-3)


def _normals(size=3):
    return dist.Normal(_vector(size), 1e-3).to_event(1)


SIMPLEX = "vectors of nonnegative numbers that sum to 1"
# name: the model's distribution, the guide's, and what the message must say; no draw of these guides need lie outside
WRONG = {
    "normal for positive": (
        lambda: dist.LogNormal(0.0, 1.0),
        _normal,
        ["guide's Normal draws from all real numbers", "model's LogNormal is real numbers above 0", "or Gamma"],
    ),
    "normal for nonnegative": (lambda: dist.HalfCauchy(1.0), _normal, ["model's HalfCauchy", "LogNormal or Gamma"]),
    "lognormal for an interval": (
        lambda: dist.Uniform(0.0, 10.0),
        lambda: dist.LogNormal(_loc(0.0), 1e-3),
        ["guide's LogNormal draws from real numbers above 0", "model's Uniform is real numbers from 0 to 10"],
    ),
    "a wider interval": (
        lambda: dist.Uniform(0.0, 1.0),
        lambda: dist.Uniform(-_loc().sigmoid() / 1e3, 1.0),
        ["real numbers from 0 to 1", "such as Beta"],
    ),
    "an interval too wide in one slot": (
        lambda: dist.Uniform(torch.zeros(2), torch.tensor([1.0, 2.0])).to_event(1),
        lambda: dist.Uniform(torch.zeros(2), torch.tensor([1.0, 2.5]) + 0 * _loc()).to_event(1),
        ["guide's Uniform draws from Interval"],
    ),
    "beyond a threshold": (
        lambda: dist.Pareto(2.0, 3.0),
        lambda: dist.LogNormal(_loc(), 1e-3),
        ["guide's LogNormal draws from real numbers above 0", "model's Pareto is real numbers above 2"],
    ),
    "continuous for discrete": (
        lambda: dist.Poisson(3.0),
        _normal,
        ["all real numbers", "model's Poisson is whole numbers from 0 up", "config_enumerate", "TraceEnum_ELBO"],
    ),
    "discrete for continuous": (
        lambda: dist.Normal(0.0, 1.0),
        lambda: dist.Poisson(_loc().exp()),
        ["guide's Poisson draws from whole numbers from 0 up", "Give the variable a continuous distribution"],
    ),
    "a draw between 0 and 1 for a coin": (
        lambda: dist.Bernoulli(0.5),
        lambda: dist.Beta(_loc(), 1.0),
        ["real numbers from 0 to 1", "model's Bernoulli is whole numbers from 0 to 1"],
    ),
    "too many categories": (
        lambda: dist.Categorical(torch.ones(3)),
        lambda: dist.Categorical(logits=torch.tensor([0.0, 0.0, 0.0, -30.0]) + _loc()),
        ["whole numbers from 0 to 3", "model's Categorical is whole numbers from 0 to 2", "over the model's values"],
    ),
    "unbounded counts": (
        lambda: dist.Binomial(100, torch.tensor(0.5)),
        lambda: dist.Poisson(_loc().exp() * 0.1),
        ["whole numbers from 0 up", "whole numbers from 0 to 100"],
    ),
    "positive numbers for a simplex": (
        lambda: dist.Dirichlet(torch.ones(3)),
        lambda: dist.LogNormal(_vector(), 1e-3).to_event(1),
        ["guide's LogNormal draws", f"model's Dirichlet is {SIMPLEX}", "such as Dirichlet"],
    ),
    "a simplex for any vector": (
        lambda: dist.Normal(torch.zeros(3), 1.0).to_event(1),
        lambda: dist.Dirichlet(_vector()),
        [f"guide's Dirichlet draws from {SIMPLEX}", "all real numbers"],
    ),
    "matrices for a Cholesky factor": (
        lambda: dist.LKJCholesky(2, 1.0),
        lambda: dist.Normal(_loc().expand(2, 2), 1e-3).to_event(2),
        ["model's LKJCholesky is Cholesky factors of correlation matrices"],
    ),
    "a transform that ends elsewhere": (
        lambda: dist.Uniform(0.0, 1.0),
        lambda: dist.TransformedDistribution(dist.Normal(_loc(-9.0), 1e-3), [transforms.ExpTransform()]),
        ["guide's TransformedDistribution draws from real numbers above 0"],
    ),
    "masked": (
        lambda: dist.HalfNormal(1.0).expand([2]).mask(torch.tensor([True, False])).to_event(1),
        lambda: _normals(2),
        ["guide's Normal draws from all real numbers", "model's HalfNormal"],
    ),
}
FINE = {
    "the same": (lambda: dist.Gamma(2.0, 1.0), lambda: dist.Gamma(_vector(1)[0], 1.0)),
    "another family": (lambda: dist.HalfNormal(1.0), lambda: dist.LogNormal(_loc(0.0), 0.1)),
    "the boundary": (lambda: dist.LogNormal(0.0, 1.0), lambda: dist.Exponential(_vector(1)[0])),
    "narrower": (lambda: dist.Normal(0.0, 1.0), lambda: dist.LogNormal(_loc(0.0), 0.1)),
    "an interval inside": (lambda: dist.Uniform(0.0, 10.0), lambda: dist.Beta(_vector(1)[0], 2.0)),
    "equal up to rounding": (lambda: dist.Uniform(0.1 * 3, 1.0), lambda: dist.Uniform(0.3, _loc(0.9))),
    "narrower in each slot": (
        lambda: dist.Uniform(torch.zeros(2), torch.tensor([1.0, 2.0])).to_event(1),
        lambda: dist.Uniform(torch.zeros(2), torch.tensor([1.0, 2.0]) * _loc(0.0).exp()).to_event(1),
    ),
    "a point": (lambda: dist.Gamma(2.0, 1.0), lambda: dist.Delta(_loc())),
    "a point of whole numbers": (lambda: dist.Poisson(3.0), lambda: dist.Delta(0 * _loc() + 2.0)),
    "fewer categories": (
        lambda: dist.Categorical(torch.ones(4)),
        lambda: dist.Categorical(logits=torch.zeros(3) + _loc()),
    ),
    "a coin for two categories": (
        lambda: dist.Categorical(torch.ones(2)),
        lambda: dist.Bernoulli(logits=_loc(0.0)),
    ),
    "counts": (lambda: dist.Poisson(3.0), lambda: dist.Binomial(5, logits=_loc(0.0))),
    "a simplex by stick breaking": (
        lambda: dist.Dirichlet(torch.ones(3)),
        lambda: dist.TransformedDistribution(_normals(2), [transforms.StickBreakingTransform()]),
    ),
    "a scaled beta": (  # of which torch says that its support is the real line
        lambda: dist.Uniform(0.0, 10.0),
        lambda: dist.TransformedDistribution(dist.Beta(_vector(1)[0], 2.0), [transforms.AffineTransform(0.0, 10.0)]),
    ),
    "beyond a threshold": (
        lambda: dist.Pareto(2.0, 3.0),
        lambda: dist.TransformedDistribution(
            dist.Normal(_loc(0.0), 0.1), [transforms.ExpTransform(), transforms.AffineTransform(2.0, 1.0)]
        ),
    ),
    "angles": (lambda: dist.Uniform(-math.pi, math.pi), lambda: dist.VonMises(_loc(0.0), 3.0)),
    "a factor": (
        lambda: dist.LKJCholesky(3, 1.0),
        lambda: dist.TransformedDistribution(_normals(), [transforms.CorrCholeskyTransform()]),
    ),
    "increasing by its intervals": (
        lambda: dist.TransformedDistribution(
            dist.Normal(torch.zeros(2), 1.0).to_event(1), [transforms.OrderedTransform()]
        ),
        lambda: dist.Uniform(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 3.0]) + 0.1 * _loc().sigmoid()).to_event(1),
    ),
    "masked out": (lambda: dist.HalfNormal(1.0).mask(False), _normal),
    "flat": (
        lambda: dist.ImproperUniform(constraints.positive, (), ()),
        lambda: dist.LogNormal(_loc(0.0), 0.1),
    ),
}


@pytest.mark.parametrize(("model", "guide", "parts"), WRONG.values(), ids=WRONG)
def test_a_support_that_cannot_agree_is_an_error_before_any_bad_draw(model, guide, parts):
    found = heard(_program(model), _program(guide))
    assert found.site == "z"
    says(found, "error", "SupportError: At site 'z', the guide's", *parts)


@pytest.mark.parametrize(("model", "guide"), FINE.values(), ids=FINE)
def test_a_support_that_the_models_holds_is_fine(model, guide):
    assert heard(_program(model), _program(guide), steps=2).severity == ""


def test_a_support_that_moves_with_an_enumerated_variable_is_fine_where_some_value_allows_it():
    def model():
        k = virgil.sample("k", dist.Bernoulli(0.5), infer={"enumerate": "parallel"})
        virgil.sample("z", dist.Uniform(0.0, torch.tensor([1.0, 3.0])[k.long()]))

    def guide():
        virgil.sample("z", dist.Uniform(0.0, 2.0 + 0 * _loc()))

    assert heard(model, guide, loss=TraceEnum_ELBO()).severity == ""


# Each entry of a table of sets: the constraint, and points inside it
POINTS = {
    "real": (constraints.real, [-2.0, 0.5, 3.0]),
    "positive": (constraints.positive, [0.5, 3.0, 9.0]),
    "unit": (constraints.unit_interval, [0.25, 0.5]),
    "wide": (constraints.interval(-1.0, 5.0), [-0.5, 0.5, 4.0]),
    "below": (constraints.less_than(2.0), [-7.0, 1.0]),
    "above one": (constraints.greater_than_eq(1.0), [1.5, 9.0]),
    "counts": (constraints.nonnegative_integer, [0.0, 4.0]),
    "dice": (constraints.integer_interval(1, 6), [1.0, 6.0]),
    "coin": (constraints.boolean, [0.0, 1.0]),
}


@pytest.mark.parametrize("outer", POINTS)
@pytest.mark.parametrize("inner", POINTS)
def test_containment_of_numbers_agrees_with_their_points(outer, inner):
    """A set lies in another of its kind iff its points do: those of the table tell all of them apart."""
    (theirs, _), (ours, points) = POINTS[outer], POINTS[inner]
    of_one_kind = theirs.is_discrete == ours.is_discrete
    assert contains(theirs, ours) is (of_one_kind and bool(theirs.check(torch.tensor(points)).all()))


def test_what_a_user_has_made_is_not_known():
    class Odd(constraints.Constraint):
        def check(self, value):
            return value % 2 == 1

    assert contains(Odd(), constraints.real) is None
    assert contains(constraints.real, Odd()) is None
