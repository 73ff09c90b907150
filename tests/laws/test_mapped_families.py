"""Every family draws, and scores, for many executions at once by ``torch.func.vmap`` as it does for one.

Moments are compared with `Z` standard errors of the mean of `COUNT` draws. There are fewer than 300 comparisons; for
normal errors all of them together fail by chance with probability 300 * 2e-8 < 1e-5. Seeds are fixed.
"""

import pytest
import torch

import virgil.distributions as dist
from tests.laws.families import ROWS
from tests.laws.test_distributions import Z, table
from virgil.distributions.core.validation import unchecked
from virgil.ops.mapping import mapped, own_row

COUNT = 4000
WAYS = pytest.mark.parametrize("belongs", [False, True])  # whether parameters belong to the draw


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(20240611)


def drawn(row, count, belongs, method="sample"):
    """Draws of as many executions, each with the log-density that its own execution gives it."""
    rows = {name: value.expand(count, *value.shape) for name, value in row.params.items()}

    def execution():
        own = {name: own_row(value) for name, value in rows.items()} if belongs else {}
        fn = row.build(**own)
        value = getattr(fn, method)()
        return value, fn.log_prob(value)

    with unchecked():
        return mapped(execution, count)


@WAYS
@table(ROWS, lambda row: row.normalised and not isinstance(row.build(), dist.ImproperUniform))
def test_densities_are_those_alone(row, belongs):
    values, densities = drawn(row, 5, belongs)
    fn = row.build()
    with unchecked():
        alone = torch.stack([fn.log_prob(value) for value in values])
    torch.testing.assert_close(densities, alone, rtol=1e-6, atol=1e-8)


@WAYS
@table(ROWS, lambda row: row.moments and row.normalised)
def test_draws_have_the_mean_of_the_family(row, belongs):
    values, _ = drawn(row, COUNT, belongs)
    fn = row.build()
    with unchecked():
        mean, variance = fn.mean, fn.variance
    error = (variance / COUNT).sqrt()
    assert bool(((values.to(mean.dtype).mean(0) - mean).abs() <= Z * error + 1e-9).all())
    assert bool(((values.to(mean.dtype) - mean).square().mean(0) > 0.5 * variance - 1e-9).all())  # draws are not alike


@pytest.mark.parametrize("name", ["Beta", "Dirichlet", "Gamma", "Normal"])
def test_pathwise_derivatives_have_the_mean_of_the_exact_one(name):
    """The derivative of each draw's square, on average over draws, is that of the mean square."""
    row = ROWS[name]
    params = {each: value.clone().requires_grad_() for each, value in row.params.items()}
    fn = row.build(**params)
    exact = torch.autograd.grad((fn.variance + fn.mean.square()).sum(), params.values())
    copies = {each: value.expand(COUNT, *value.shape).clone().requires_grad_() for each, value in row.params.items()}
    with unchecked():
        (values,) = mapped(
            lambda: [row.build(**{each: own_row(value) for each, value in copies.items()}).rsample()], COUNT
        )
    slopes = torch.autograd.grad(values.square().sum(), copies.values())
    for mine, theirs in zip(slopes, exact, strict=True):
        assert bool(((mine.mean(0) - theirs).abs() <= Z * mine.std(0) / COUNT**0.5 + 1e-9).all())
