"""Newton steps against closed forms, on convex and other losses."""

import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.newton import newton_step, newton_step_1d, newton_step_2d, newton_step_3d


def quadratic(size, batch=(4,)):
    torch.manual_seed(size)
    root = torch.randn(*batch, size, size, dtype=torch.float64)
    matrix = root @ root.mT + torch.eye(size, dtype=torch.float64)
    centre = torch.randn(*batch, size, dtype=torch.float64)
    x = torch.randn(*batch, size, dtype=torch.float64, requires_grad=True)
    apart = x - centre
    return (apart.unsqueeze(-2) @ matrix @ apart.unsqueeze(-1)).sum() / 2, x, centre, matrix


@pytest.mark.parametrize("step", [newton_step_1d, newton_step_2d, newton_step_3d])
@pytest.mark.parametrize("batch", [(), (4,), (2, 3)])
def test_one_step_minimises_a_quadratic(step, batch):
    size = int(step.__name__[-2])
    loss, x, centre, matrix = quadratic(size, batch)
    mode, covariance = step(loss, x)
    torch.testing.assert_close(mode, centre)
    torch.testing.assert_close(covariance @ matrix, torch.eye(size, dtype=torch.float64).expand(*batch, size, size))


def test_rows_may_have_any_size():
    loss, x, centre, _ = quadratic(6)
    torch.testing.assert_close(newton_step(loss, x)[0], centre)


@pytest.mark.parametrize("radius", [0.01, 0.3, 10.0])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_step_stays_in_the_trust_region_and_leads_downhill(size, radius):
    torch.manual_seed(0)
    x = torch.randn(100, size, dtype=torch.float64, requires_grad=True)

    def losses(x):  # with maxima and saddles
        return (3 * x).cos().sum(-1) + x.prod(-1) + x.square().sum(-1).sqrt()

    moved, _ = newton_step(losses(x).sum(), x, trust_radius=radius)
    step = moved - x
    (gradient,) = torch.autograd.grad(losses(x).sum(), x)
    assert (step.norm(dim=-1) <= radius * (1 + 1e-9)).all()
    assert ((step * gradient).sum(-1) < 0).all()


@pytest.mark.parametrize("radius", [None, 1.0])
def test_the_limit_has_the_derivative_of_the_minimum(radius):
    """The minimum of ``x ** 4 / 4 - a x`` is the cube root of ``a``, and its derivative ``a ** (-2 / 3) / 3``."""
    a = torch.tensor([0.5, 2.0, 7.0], dtype=torch.float64, requires_grad=True)
    x = torch.ones(3, 1, dtype=torch.float64)
    for _ in range(30):
        x = x.detach().requires_grad_()
        x, covariance = newton_step((x.pow(4) / 4 - a.unsqueeze(-1) * x).sum(), x, trust_radius=radius)
    torch.testing.assert_close(x.squeeze(-1), a.pow(1 / 3))
    torch.testing.assert_close(covariance.flatten(), 1 / (3 * a.pow(2 / 3)))
    (derivative,) = torch.autograd.grad(x.sum(), a)
    torch.testing.assert_close(derivative, a.detach().pow(-2 / 3) / 3)


def test_a_maximum_is_left():
    x = torch.tensor([[0.1, -0.2]], dtype=torch.float64)
    for _ in range(60):
        x = x.detach().requires_grad_()
        x, _ = newton_step(x.cos().sum(), x, trust_radius=1.0)
    torch.testing.assert_close(x.detach(), torch.tensor([[torch.pi, -torch.pi]], dtype=torch.float64))


def test_what_is_refused():
    x = torch.ones(2, 2, requires_grad=True)
    with pytest.raises(ArgumentError, match=r"loss of shape \(2,\); it must be one number"):
        newton_step(x.sum(-1), x)
    with pytest.raises(ArgumentError, match="without requires_grad"):
        newton_step(x.sum(), x.detach())
    with pytest.raises(ArgumentError, match="trust_radius=0.0; it must be positive"):
        newton_step(x.sum(), x, 0.0)
    with pytest.raises(ArgumentError, match=r"newton_step_3d got x of shape \(2, 2\); its rightmost size must be 3"):
        newton_step_3d(x.sum(), x)
    with pytest.raises(ArgumentError, match="x without dims"):
        newton_step(x.sum(), x.sum())
