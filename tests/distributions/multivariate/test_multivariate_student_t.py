"""The multivariate t distribution: SciPy's density, its moments, and draws by Kolmogorov and Smirnov's test."""

import math

import pytest
import torch
from scipy import stats

import virgil.distributions as dist
from virgil.errors import ShapeError

FACTOR = torch.tensor([[1.0, 0.0, 0.0], [0.5, 2.0, 0.0], [-0.3, 0.7, 0.4]], dtype=torch.double)
LOC = torch.tensor([0.5, -1.0, 2.0], dtype=torch.double)


@pytest.mark.parametrize("df", [0.3, 2.0, 7.5, 1e4])
def test_density_and_entropy_are_those_of_scipy(df):
    torch.manual_seed(0)
    fn = dist.MultivariateStudentT(df, LOC, FACTOR)
    reference = stats.multivariate_t(LOC.numpy(), (FACTOR @ FACTOR.mT).numpy(), df=df)
    x = fn.sample((50,))
    torch.testing.assert_close(fn.log_prob(x), torch.from_numpy(reference.logpdf(x.numpy())), rtol=1e-9, atol=1e-9)
    assert fn.entropy().item() == pytest.approx(reference.entropy(), rel=1e-9)


def test_projections_of_draws_are_t_distributed():
    """True draws are refused with probability 1e-5."""
    torch.manual_seed(20240611)
    direction = torch.tensor([0.3, -1.0, 2.0], dtype=torch.double)
    x = dist.MultivariateStudentT(1.5, LOC, FACTOR).sample((2000,)) @ direction
    scale = torch.linalg.vector_norm(FACTOR.mT @ direction).item()
    assert stats.kstest(x.numpy(), stats.t(1.5, (LOC @ direction).item(), scale).cdf).pvalue > 1e-5


def test_moments_exist_where_there_are_enough_degrees_of_freedom():
    fn = dist.MultivariateStudentT(torch.tensor([0.5, 1.5, 4.0], dtype=torch.double), LOC, FACTOR)
    assert fn.mean.isnan().all(-1).tolist() == [True, False, False]
    assert fn.variance[0].isnan().all()
    assert (fn.variance[1] == math.inf).all()
    torch.testing.assert_close(fn.variance[2], 2 * (FACTOR @ FACTOR.mT).diagonal())
    torch.testing.assert_close(fn.precision_matrix @ fn.covariance_matrix, torch.eye(3).double().expand(3, 3, 3))
    assert dist.MultivariateStudentT.infer_shapes(df=(5, 1), loc=(3,), scale_tril=(2, 3, 3)) == ((5, 2), (3,))


def test_a_number_is_no_vector():
    with pytest.raises(ShapeError, match=r"loc of shape \(\) and a scale_tril of shape \(3, 3\)"):
        dist.MultivariateStudentT(1.0, torch.tensor(0.0), FACTOR)
