"""At the edges of their parameters, log-densities in float64 keep ten digits, of families that state this."""

import mpmath as mp
import pytest
import torch

from tests.laws.edge_densities import EDGES
from virgil.distributions.core.validation import unchecked

EXACT = {
    "GaussianScaleMixture", "LKJ", "LKJCholesky", "MixtureOfDiagNormals", "MixtureOfDiagNormalsSharedCovariance",
    "MultivariateStudentT", "ProjectedNormal", "SineBivariateVonMises", "VonMises3D",
}  # fmt: skip


@pytest.fixture(autouse=True)
def double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.double)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("name", sorted(EXACT))
def test_values_keep_ten_digits(name):
    row = EDGES[name]
    for case in row.cases():
        tensors = {key: torch.tensor(each) for key, each in case.items()}
        exact = row.exact(**{key: mp.mpf(each.item()) for key, each in tensors.items()})
        with unchecked():
            ours = row.ours(**tensors)
        if mp.isfinite(exact):
            assert abs(ours.item() - exact) <= 1e-10 * max(1, abs(exact)), case
