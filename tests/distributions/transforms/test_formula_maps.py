"""Maps that are formulas: against matrices and other libraries, and at the edges of their parameters."""

import numpy as np
import pytest
import torch
from torch import nn

import virgil
from tests.laws.transforms import formulas
from virgil import distributions as dist
from virgil.distributions import transforms
from virgil.distributions.transforms.flows.bent_line import invert_bent
from virgil.errors import ArgumentError


def drawn(*shape):
    return torch.randn(*shape, dtype=torch.double, generator=torch.Generator().manual_seed(sum(shape)))


def set_parameters(transform, scale=1.0):
    transform.double()
    with torch.no_grad():
        for each in transform.parameters():
            each.copy_(drawn(*each.shape) * scale)
    return transform


@pytest.mark.parametrize("name", formulas.LEARNT)
def test_what_the_inverse_undoes_does_not_depend_on_the_parameters(name):
    row = formulas.LEARNT[name]
    transform = row.make().with_cache(0)
    x = transform.inv(transform(row.x).clone())
    weights = torch.arange(1.0, x.numel() + 1, dtype=torch.double).reshape(x.shape)
    gradients = torch.autograd.grad((x * weights).sum(), list(transform.parameters()), allow_unused=True)
    assert all(each is None or each.abs().max() < 1e-7 for each in gradients)


@pytest.mark.parametrize("bias", [-3.0, 0.0, 40.0])
@pytest.mark.parametrize(("inner", "outer"), [(1.0, -1 + 1e-6), (1.0, 1e6), (-0.5, 1.9), (0.3, 0.0), (1.0, -1e-9)])
def test_a_line_with_a_bend_is_inverted(inner, outer, bias):
    x = torch.tensor([-1e3, -2.0, 0.3, 1e-9, 50.0], dtype=torch.double)
    inner, outer, bias = (torch.tensor(each, dtype=torch.double) for each in (inner, outer, bias))
    y = x + outer * (inner * x + bias).tanh()
    found = invert_bent(y, bias, inner, outer)
    assert (found + outer * (inner * found + bias).tanh() - y).abs().max() <= 1e-12 * (y.abs().max() + 1)


def test_planes_stay_apart_whatever_the_parameters():
    planar = transforms.Planar(2).double()
    with torch.no_grad():
        planar.w.copy_(torch.tensor([1.0, 0.0]))
        planar.u.copy_(torch.tensor([-40.0, 3.0]))
    direction = planar.u_hat(planar.u, planar.w)
    assert direction[0] >= -1
    assert direction[1] == 3
    x = torch.tensor([[0.0, 0.0], [1e-4, 0.5]], dtype=torch.double)
    log_det = planar.log_abs_det_jacobian(x, planar(x))
    # the slope at the bend is log(1 + exp(-40)), of which 1 + w.u_hat keeps no digit
    assert log_det[0].item() == pytest.approx(-40.0, abs=1e-10)
    assert log_det[1].item() == pytest.approx(2 * np.log(np.tanh(1e-4)), abs=1e-8)
    flat = transforms.Planar(2)
    with torch.no_grad():
        flat.w.zero_()
    assert flat(torch.ones(2)).isfinite().all()


def test_radial_maps_move_along_the_radius():
    radial = set_parameters(transforms.radial(3))
    centre = radial.x0.detach()
    for distance in (0.0, 1e-8, 1.0, 1e8):
        x = centre + distance * torch.tensor([2.0, -1.0, 2.0], dtype=torch.double) / 3
        y = radial(x)
        torch.testing.assert_close(radial.inv(y.clone()), x, rtol=1e-10, atol=1e-14)
        assert torch.linalg.matrix_rank(torch.stack([y - centre, x - centre]), atol=1e-6 * max(distance, 1)) <= 1
        assert torch.autograd.grad(radial.inv(y.clone()).sum(), radial.x0)[0].isfinite().all()


def test_reflections_are_a_product_of_matrices():
    householder = set_parameters(transforms.householder(4, 3))
    first, second, third = (torch.eye(4) - 2 * torch.outer(u, u) for u in householder.u())
    x = drawn(4)
    torch.testing.assert_close(householder(x), third @ second @ first @ x)
    assert householder.volume_preserving
    assert transforms.householder(6).u_unnormed.shape == (4, 6)


def test_sylvester_maps_are_the_formula_of_their_matrices():
    sylvester = set_parameters(transforms.sylvester(4))
    q, r, s = sylvester.Q(sylvester.b), sylvester.R(), sylvester.S()
    torch.testing.assert_close(q @ q.mT, torch.eye(4, dtype=torch.double))
    assert not r.tril(-1).any()
    assert not s.tril(-1).any()
    x = drawn(4)
    inside = s @ q.mT @ x + sylvester.b
    torch.testing.assert_close(sylvester(x), x + q @ r @ inside.tanh())
    torch.testing.assert_close(sylvester.dtanh_dx(inside), 1 - inside.tanh() ** 2)


def test_channels_are_mixed_by_a_convolution():
    torch.manual_seed(0)
    channels = transforms.generalized_channel_permute(channels=5).double()
    weight = channels.permutation @ channels.L @ channels.U
    torch.testing.assert_close(weight @ weight.mT, torch.eye(5, dtype=torch.double), rtol=0, atol=1e-5)
    x = drawn(2, 5, 3, 4)
    torch.testing.assert_close(channels(x), nn.functional.conv2d(x, weight[..., None, None]))
    torch.testing.assert_close(channels.U_diag, channels.U.diagonal())
    given = transforms.GeneralizedChannelPermute(3, permutation=torch.tensor([1, 2, 0]))
    assert given.permutation.tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert transforms.GeneralizedChannelPermute(3, permutation=given.permutation).permutation.equal(given.permutation)


@pytest.mark.parametrize(("normalization", "order"), [("weight", "fro"), ("spectral", 2)])
def test_matrices_stay_below_their_bound(normalization, order):
    make = transforms.MatrixExponential
    small = set_parameters(make(3, normalization=normalization, bound=0.5), 1e-3)
    torch.testing.assert_close(small(drawn(3)), torch.linalg.matrix_exp(small.weights) @ drawn(3))
    large = set_parameters(make(3, normalization=normalization, bound=0.5), 1e3)
    columns = large(torch.eye(3, dtype=torch.double)).mT.detach()
    scaled = large.weights * 0.5 / torch.linalg.matrix_norm(large.weights, order)
    torch.testing.assert_close(columns, torch.linalg.matrix_exp(scaled).detach())


def test_matrices_need_a_bound_that_is_known():
    with pytest.raises(ArgumentError, match=r"normalization='none of these'; it takes 'none', 'weight' or 'spectral'"):
        transforms.matrix_exponential(3, normalization="none of these")
    with pytest.raises(ArgumentError, match=r"bound=None for normalization='weight'; give the greatest norm"):
        transforms.conditional_matrix_exponential(3, 2, normalization="weight")


def test_polynomials_are_the_integrals_of_sums_of_squares():
    transform = set_parameters(transforms.polynomial(2), 0.3)
    x = drawn(2)
    coefficients = transform.arn(x).detach().numpy().reshape(3, 5, 2)
    for i in range(2):
        squares = sum(np.polynomial.Polynomial(coefficients[k, :, i]) ** 2 for k in range(3))
        expected = transform.c[i].item() + squares.integ()(x[i].item())
        assert transform(x)[i].item() == pytest.approx(expected, rel=1e-10)


def test_polynomials_agree_with_zuko():
    """Its map is the mean of squares of 1 plus a polynomial of a tenth of the number, plus a slope."""
    zuko = pytest.importorskip("zuko")
    transform = set_parameters(transforms.polynomial(1), 0.3)
    x = drawn(20, 1)
    rows = transform.arn(x).reshape(20, 1, 3, 5) * 3**0.5 * 10.0 ** torch.arange(5)
    theirs = zuko.transforms.SOSPolynomialTransform(rows - torch.tensor([1.0, 0, 0, 0, 0]), slope=0.0)
    torch.testing.assert_close(transform(x), theirs(x) + transform.c)
    log_slopes = theirs.log_abs_det_jacobian(x, theirs(x)).squeeze(-1)
    torch.testing.assert_close(transform.log_abs_det_jacobian(x, transform(x)), log_slopes)


def test_polynomials_are_inverted_far_out_and_where_they_are_flat():
    transform = set_parameters(transforms.polynomial(1), 1e-3)
    y = torch.tensor([[-1e15], [-1.0], [1e-4], [1e15]], dtype=torch.double)
    x = transform.inv(y)
    torch.testing.assert_close(transform(x), y, rtol=1e-9, atol=1e-12)


def test_a_guide_of_maps_is_fitted():
    """A conditional and an unconditional flow take part in a model, as modules whose parameters are learnt."""
    virgil.set_rng_seed(0)
    flow = transforms.iterated(2, transforms.planar, 2)

    def model():
        virgil.sample("z", dist.Normal(torch.zeros(2), 1.0).to_event(1))

    def guide():
        virgil.module("flow", flow)
        base = dist.Normal(torch.zeros(2), 1.0).to_event(1)
        virgil.sample("z", dist.TransformedDistribution(base, [flow]))

    svi = virgil.infer.SVI(model, guide, virgil.optim.Adam({"lr": 0.02}), virgil.infer.Trace_ELBO(num_particles=20))
    first = svi.evaluate_loss()
    losses = [svi.step() for _ in range(150)]
    assert sum(losses[-20:]) / 20 < 0.02 < first


def test_parameters_of_a_context_can_be_functions():
    params = (torch.zeros(1), torch.ones(2), torch.ones(2))
    x = torch.tensor([0.3, -0.4])
    for kind in (transforms.ConditionedPlanar, transforms.ConditionedRadial):
        given = params if kind is transforms.ConditionedPlanar else params[::-1]
        torch.testing.assert_close(kind(lambda given=given: given)(x), kind(given)(x))
