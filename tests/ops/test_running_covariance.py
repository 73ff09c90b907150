"""Running figures against those of all vectors at once."""

import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.running_covariance import RunningCovariance


def running(vectors, head):
    state = RunningCovariance.empty(vectors[0], head)
    for vector in vectors:
        state = state.updated(vector)
    return state


@pytest.mark.parametrize("head", [0, 2, 4])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_figures_are_those_of_all_vectors(head, offset):
    torch.manual_seed(0)
    vectors = torch.randn(50, 4, dtype=torch.float64) + offset
    top, bottom = running(vectors, head).covariance()
    expected = torch.cov(vectors.mT)
    torch.testing.assert_close(top, expected[:head], rtol=1e-7, atol=1e-8)
    torch.testing.assert_close(bottom, expected.diagonal()[head:], rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("head", [0, 2, 4])
@pytest.mark.parametrize("cut", [0, 1, 20, 50])
def test_two_streams_are_merged(head, cut):
    torch.manual_seed(0)
    vectors = torch.randn(50, 4, dtype=torch.float64) * 3 + 1
    left = RunningCovariance.empty(vectors[0], head) if cut == 0 else running(vectors[:cut], head)
    right = RunningCovariance.empty(vectors[0], head) if cut == 50 else running(vectors[cut:], head)
    found, expected = left.merged(right), running(vectors, head)
    assert found.count == 50
    torch.testing.assert_close(found.mean, expected.mean)
    torch.testing.assert_close(found.covariance(), expected.covariance())


def test_regularised():
    torch.manual_seed(0)
    vectors = torch.randn(15, 3, dtype=torch.float64)
    top, bottom = running(vectors, 1).covariance(regularize=True)
    expected = 0.75 * torch.cov(vectors.mT) + 0.25e-3 * torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(top, expected[:1])
    torch.testing.assert_close(bottom, expected.diagonal()[1:])


def test_what_is_refused():
    with pytest.raises(ArgumentError, match="1 have come"):
        running(torch.ones(1, 2), 0).covariance()
    with pytest.raises(ArgumentError, match=r"head=3 and shape \(2,\)"):
        RunningCovariance.empty(torch.ones(2), 3)
