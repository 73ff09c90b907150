"""What inference and older programs ask of every family beside its density: the kind of its draws, its shapes."""

import pytest
import torch
from torch import distributions as td

import virgil.distributions as dist
from tests.laws.families import ROWS
from tests.laws.test_distributions import table
from virgil.errors import ArgumentError

SAMPLED = {name: row for name, row in ROWS.items() if name != "ImproperUniform"}


def wrapped(fn):
    """The distribution, and what the shape algebra makes of it."""
    mask = torch.tensor([True, False])
    return {
        "itself": fn,
        "expanded": fn.expand_by((3,)),
        "repeated": dist.ExpandedDistribution(fn, (3, 2)),
        "joined": fn.to_event(1),
        "masked": fn.mask(mask),
        "all of them": fn.mask(mask).expand_by((3,)).to_event(1),
    }


@table(SAMPLED)
def test_draws_without_a_pathwise_derivative_are_detached(row):
    params = {name: each.clone().requires_grad_() for name, each in row.params.items()}
    fn = row.build(**params)
    before = fn.has_rsample
    for name, each in wrapped(fn).items():
        if each is fn:
            continue
        assert each.has_rsample_(False) is each, name
        assert not each.has_rsample
        assert not each().requires_grad
        assert fn.has_rsample is before  # what wraps it has a copy
    assert not fn.has_rsample_(False).has_rsample
    for each in wrapped(fn).values():
        assert not each.has_rsample
        assert not each().requires_grad


@pytest.mark.parametrize("value", [2, None, "yes"])
def test_the_kind_of_draws_is_true_or_false(value):
    with pytest.raises(ArgumentError, match="has_rsample_ of Normal got .*; it takes True or False"):
        dist.Normal(0.0, 1.0).has_rsample_(value)


def test_a_plain_inner_distribution_is_not_changed():
    inner = td.Independent(td.Normal(torch.zeros(3, 2), 1.0), 1)
    outer = dist.Independent(inner, 1).has_rsample_(False)
    assert not outer.has_rsample
    assert inner.has_rsample


UNMASKED = {name: row for name, row in SAMPLED.items() if name != "MaskedDistribution"}


@table(UNMASKED)
@pytest.mark.parametrize("pathwise", [True, False])
def test_score_parts_split_the_log_density(row, pathwise):
    fn = row.build().has_rsample_(pathwise)
    x = fn.sample((3,))
    log_prob = fn.log_prob(x)
    parts = fn.score_parts(x)
    assert type(parts).__name__ == "ScoreParts"
    torch.testing.assert_close(parts.log_prob, log_prob)
    for part, expected in ((parts.entropy_term, pathwise), (parts.score_function, not pathwise)):
        if expected:
            torch.testing.assert_close(part, log_prob)
        else:
            assert isinstance(part, int)
            assert part == 0
    joined = fn.to_event(1).score_parts(x)
    for part, whole in zip(parts, joined, strict=True):
        torch.testing.assert_close(whole, part.sum(-1) if isinstance(part, torch.Tensor) else part)


@table(SAMPLED)
@pytest.mark.parametrize("pathwise", [True, False])
def test_a_mask_leaves_the_score(row, pathwise):
    fn = row.build().has_rsample_(pathwise)
    mask = torch.tensor([True, False])
    x = fn.sample()
    plain, parts = fn.score_parts(x), fn.mask(mask).score_parts(x)
    torch.testing.assert_close(parts.log_prob, torch.where(mask, plain.log_prob, 0.0))
    torch.testing.assert_close(parts.score_function, plain.score_function)
    if pathwise:
        torch.testing.assert_close(parts.entropy_term, parts.log_prob)
    repeated = dist.ExpandedDistribution(fn, (3, 2)).score_parts(x)
    torch.testing.assert_close(repeated.log_prob, plain.log_prob.expand(3, 2))


def test_scaled_score_parts_have_the_score_unscaled():
    parts = dist.Bernoulli(torch.tensor([0.3, 0.6])).score_parts(torch.ones(2))
    scaled = parts.scale_and_mask(5.0, torch.tensor([True, False]))
    torch.testing.assert_close(scaled.log_prob, torch.tensor([5.0, 0.0]) * parts.log_prob)
    torch.testing.assert_close(scaled.score_function, parts.score_function)
    assert scaled.entropy_term == 0
    assert (parts.scale_and_mask(mask=False).log_prob == 0).all()
    assert parts.scale_and_mask() == parts


# a row whose constructor is the class itself, with names that are those of its arguments
PLAIN = {
    name: row
    for name, row in ROWS.items()
    if row.params and isinstance(row.make, type) and not issubclass(row.make, dist.Delta | dist.Empirical)
}


@table(PLAIN)
def test_shapes_follow_from_those_of_the_arguments(row):
    fn = row.build()
    found = type(fn).infer_shapes(**{name: each.shape for name, each in row.params.items()})
    assert found == (fn.batch_shape, fn.event_shape)
    single = type(fn).infer_shapes(**{name: each.shape[1:] for name, each in row.params.items()})
    assert single == (torch.Size(()), fn.event_shape)


@pytest.mark.parametrize(
    ("family", "shapes", "expected"),
    [
        (dist.Normal, {"loc": (3, 1), "scale": (2,)}, ((3, 2), ())),
        (dist.MultivariateNormal, {"scale_tril": (5, 3, 3), "loc": (3,)}, ((5,), (3,))),
        (dist.LowRankMultivariateNormal, {"cov_factor": (5, 3, 2), "cov_diag": (3,), "loc": (3,)}, ((5,), (3,))),
        (dist.Multinomial, {"total_count": (), "logits": (2, 3)}, ((2,), (3,))),
        (dist.OneHotCategorical, {"logits": (2, 3)}, ((2,), (3,))),
        (dist.Categorical, {"logits": (2, 3)}, ((2,), ())),
    ],
)
def test_shapes_of_arguments_with_events_of_their_own(family, shapes, expected):
    assert family.infer_shapes(**shapes) == tuple(torch.Size(each) for each in expected)


@pytest.mark.parametrize("family", [dist.Delta, dist.TransformedDistribution, dist.Wishart])
def test_shapes_that_do_not_follow_are_refused(family):
    with pytest.raises(ArgumentError, match=f"The shapes of {family.__name__} do not follow"):
        family.infer_shapes(v=(3,))


# ---------------------------------------------------------------------------------------------------- products

CONJUGATE = ("Beta", "Dirichlet", "Gamma", "Normal")


def _two(name):
    row = ROWS[name]
    return row.build(), row.build(**{key: each.flip(0) + 0.1 for key, each in row.params.items()})


@pytest.mark.parametrize("name", CONJUGATE)
def test_a_product_of_two_densities_is_one_of_the_family(name):
    """f(x) g(x) = product(x) exp(log_normalizer) at every x."""
    f, g = _two(name)
    x = f.sample((5,))
    product, log_normalizer = f.conjugate_update(g)
    assert type(product) is type(f)
    torch.testing.assert_close(f.log_prob(x) + g.log_prob(x), product.log_prob(x) + log_normalizer)
    joined, total = f.to_event(1).conjugate_update(g.to_event(1))
    assert joined.event_shape == f.to_event(1).event_shape
    torch.testing.assert_close(f.log_prob(x).sum(-1) + g.log_prob(x).sum(-1), joined.log_prob(x) + total)
    repeated, each = dist.ExpandedDistribution(f, (5, 2)).conjugate_update(g)
    torch.testing.assert_close(f.log_prob(x) + g.log_prob(x), repeated.log_prob(x) + each)
    mask = torch.tensor([True, False])
    masked, kept = f.mask(mask).conjugate_update(g)
    both = torch.where(mask, f.log_prob(x) + g.log_prob(x), 0.0)
    torch.testing.assert_close(both, masked.log_prob(x) + kept)


def test_a_product_that_does_not_exist_is_refused():
    with pytest.raises(ArgumentError, match="Cauchy has no conjugate_update"):
        dist.Cauchy(0.0, 1.0).conjugate_update(dist.Cauchy(0.0, 1.0))
    with pytest.raises(NotImplementedError, match="conjugate_update of Beta got Gamma"):
        dist.Beta(2.0, 3.0).conjugate_update(dist.Gamma(2.0, 3.0))


def test_methods_under_old_names_say_the_new_ones():
    fn = dist.Normal(torch.zeros(2), 1.0)
    with pytest.warns(DeprecationWarning, match="Write to_event"):
        assert fn.independent(1).event_shape == (2,)
    with pytest.raises(ArgumentError, match="reshape of Normal is two methods now"):
        fn.reshape(sample_shape=(3,))
