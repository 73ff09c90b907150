"""Wishart draws and densities, from each of the three matrices."""

import pytest
import torch
from scipy import stats

import virgil.distributions as dist
from virgil.errors import ArgumentError, ShapeError


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
    ],
)
def test_matrices_that_are_not_given_right_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
