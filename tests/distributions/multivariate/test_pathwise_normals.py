"""Normal vectors whose draws have other pathwise derivatives: the same mean gradient, with less variance.

Means are compared with five standard errors of the mean of `COUNT` draws; 12 comparisons fail by chance with
probability 1e-5. Ratios of variances are far from their bounds. Seeds are fixed.
"""

import pytest
import torch

import virgil.distributions as dist
from virgil.errors import ShapeError

COUNT = 4000
LOC = torch.tensor([0.5, -0.3, 0.1], dtype=torch.double)
FACTOR = torch.tensor([[1.0, 0.0, 0.0], [0.9, 0.6, 0.0], [-0.7, 0.4, 0.5]], dtype=torch.double)
CONTROL = 0.3 * torch.ones(2, 1, 3, dtype=torch.double)
MADE = {
    "reparameterised": lambda loc, factor: dist.MultivariateNormal(loc, scale_tril=factor),
    "transported": dist.OMTMultivariateNormal,
    "turned": lambda loc, factor: dist.AVFMultivariateNormal(loc, factor, CONTROL),
}
COST = torch.tensor([[1.0, 0.5, -0.2], [0.5, 0.3, 0.1], [-0.2, 0.1, 2.0]], dtype=torch.double)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(20240611)


def quadratic(z):
    return ((z @ COST) * z).sum(-1)


def gradients(made, loss=quadratic):
    """The gradient with respect to the Cholesky factor of each draw's loss. Shape: (COUNT, 3, 3)."""
    factor = FACTOR.expand(COUNT, 3, 3).clone().requires_grad_()
    (found,) = torch.autograd.grad(loss(made(LOC, factor).rsample()).sum(), factor)
    return found.tril()


@pytest.mark.parametrize("name", MADE)
def test_gradients_have_the_mean_of_the_closed_form(name):
    factor = FACTOR.clone().requires_grad_()
    (exact,) = torch.autograd.grad((COST * (factor @ factor.mT)).sum(), factor)  # E z' C z = tr(C S) + m' C m
    found = gradients(MADE[name])
    assert ((found.mean(0) - exact.tril()).abs() <= 5 * found.std(0) / COUNT**0.5 + 1e-12).all()


def test_least_transport_varies_less():
    plain, transported = (gradients(MADE[name]).var(0).sum() for name in ("reparameterised", "transported"))
    assert transported < 0.9 * plain


def test_a_descent_of_the_control_variate_makes_the_variance_smaller():
    control = torch.full((2, 3, 3), 0.1, dtype=torch.double) + 0.1 * torch.randn(2, 3, 3, dtype=torch.double)
    control.requires_grad_()
    factor = FACTOR.clone().requires_grad_()
    optimizer = torch.optim.Adam([control], lr=0.03)
    for _ in range(40):
        optimizer.zero_grad()
        quadratic(dist.AVFMultivariateNormal(LOC, factor, control).rsample((20,))).sum().backward()
        optimizer.step()
    learnt = gradients(lambda loc, factor: dist.AVFMultivariateNormal(loc, factor, control.detach()))
    assert learnt.var(0).sum() < 0.9 * gradients(MADE["reparameterised"]).var(0).sum()


def test_the_control_variate_has_the_gradient_of_squared_gradients():
    """Of each draw, by finite differences on the same noise."""

    def squares(control):
        torch.manual_seed(3)
        factor = FACTOR.expand(5, 3, 3).clone().requires_grad_()
        loss = quadratic(dist.AVFMultivariateNormal(LOC, factor, control).rsample()).sum()
        return torch.autograd.grad(loss, factor, retain_graph=True)[0].tril().square().sum(), loss

    control = (CONTROL * torch.tensor([1.0, -2.0, 0.5])).requires_grad_()
    (found,) = torch.autograd.grad(squares(control)[1], control)
    for place in torch.cartesian_prod(torch.arange(2), torch.arange(3)).tolist():
        step = torch.zeros_like(CONTROL)
        step[place[0], 0, place[1]] = 1e-5
        up, down = (squares(control.detach() + sign * step)[0] for sign in (1, -1))
        assert found[place[0], 0, place[1]].item() == pytest.approx(((up - down) / 2e-5).item(), rel=1e-6)


def test_control_variates_of_other_shapes_are_refused():
    with pytest.raises(ShapeError, match=r"it takes \(\*batch, 2, rows, n\)"):
        dist.AVFMultivariateNormal(LOC, FACTOR, torch.zeros(3, 1, 3))
