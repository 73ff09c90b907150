"""The motion of Hamiltonian Monte Carlo, mass matrices and the warm-up."""

import math
from itertools import pairwise

import pytest
import torch

from virgil.errors import ArgumentError
from virgil.infer.mcmc import ArrowheadMassMatrix, BlockMassMatrix, WarmupAdapter
from virgil.infer.mcmc.hamiltonian import Hamiltonian, State
from virgil.infer.mcmc.target import target_of_function
from virgil.infer.mcmc.warmup import windows

FLOAT64 = {"dtype": torch.float64}
PRECISION = torch.tensor([[2.0, 0.6, 0.1], [0.6, 1.5, -0.3], [0.1, -0.3, 0.8]], **FLOAT64)


def potential(params):
    z = torch.cat([params["a"].reshape(1), params["b"]])
    return z @ PRECISION @ z / 2 + z[0] ** 4 / 4


def dynamics(shape=None):
    mass = BlockMassMatrix()
    mass.configure(shape or {("a", "b"): (3, 3)}, options=FLOAT64)
    if shape is None:
        mass.inverse_mass_matrix = {("a", "b"): PRECISION.inverse()}
    params = {"a": torch.tensor(0.3, **FLOAT64), "b": torch.tensor([-0.4, 0.9], **FLOAT64)}
    target = target_of_function(potential, None, params).ordered(mass.names)
    z = target.layout.vector(params)
    r = torch.tensor([0.5, -1.1, 0.2], **FLOAT64)
    return Hamiltonian(target, mass), State(z, r, *target.energy(z))


def test_a_leap_is_its_own_inverse_backward_in_time():
    motion, start = dynamics()
    there = motion.leap(start, 0.1, 25)
    back = motion.leap(there, -0.1, 25)
    torch.testing.assert_close(back.z, start.z, rtol=0, atol=1e-12)
    torch.testing.assert_close(back.r, start.r, rtol=0, atol=1e-12)


def test_the_energy_error_is_of_second_order():
    motion, start = dynamics()
    before = motion.energy(start)
    errors = [abs(motion.energy(motion.leap(start, 1.0 / steps, steps)) - before) for steps in (40, 80, 160)]
    assert 3.6 < errors[0] / errors[1] < 4.4
    assert 3.6 < errors[1] / errors[2] < 4.4


def test_a_leap_keeps_volumes():
    motion, start = dynamics()

    def moved(place):
        z, r = place.split(3)
        end = motion.leap(State(z, r, *motion.target.energy(z)), 0.2, 3)
        return torch.cat([end.z, end.r])

    place, step = torch.cat([start.z, start.r]), 1e-5
    columns = [
        (moved(place + step * axis) - moved(place - step * axis)) / (2 * step) for axis in torch.eye(6, **FLOAT64)
    ]
    assert float(torch.linalg.det(torch.stack(columns))) == pytest.approx(1.0, abs=1e-7)


@pytest.mark.parametrize("names", [["b", "a"], ["a", "b"]])
def test_a_target_in_another_order_is_the_same(names):
    params = {"a": torch.tensor(0.3, **FLOAT64), "b": torch.tensor([-0.4, 0.9], **FLOAT64)}
    target = target_of_function(potential, None, params).ordered(names)
    energy, slope = target.energy(target.layout.vector(params))
    leaves = {name: value.clone().requires_grad_() for name, value in params.items()}
    value = potential(leaves)
    value.backward()
    assert energy == pytest.approx(value.item())
    for name, found in target.layout.params(slope).items():
        torch.testing.assert_close(found, leaves[name].grad)


SHAPES = [{("a", "b"): (3,)}, {("a", "b"): (3, 3)}, {("b",): (2, 2), ("a",): (1,)}]


@pytest.mark.parametrize("kind", [BlockMassMatrix, ArrowheadMassMatrix])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_mass_matrix_is_the_inverse_of_what_velocities_take(kind, shape):
    mass = kind()
    mass.configure(shape, options=FLOAT64)
    generator = torch.Generator().manual_seed(3)
    for _ in range(30):
        z = {"a": torch.randn((), generator=generator, **FLOAT64), "b": torch.randn(2, generator=generator, **FLOAT64)}
        mass.update(z, {name: 2 * value + 0.1 for name, value in z.items()})
    mass.end_adaptation()
    axes = torch.eye(3, **FLOAT64)
    inverse = torch.stack([mass.velocity(axis) for axis in axes], 1)
    root = torch.stack([mass.momentum(axis) for axis in axes], 1)
    torch.testing.assert_close(root @ root.mT, inverse.inverse())
    white = torch.stack([mass.whitened(axis) for axis in axes], 1)
    torch.testing.assert_close(white @ root, axes)
    r = {"a": torch.tensor(0.7, **FLOAT64), "b": torch.tensor([0.2, -1.0], **FLOAT64)}
    row = torch.cat([r[name].reshape(-1) for name in mass.names])
    found = mass.kinetic_grad(r)
    torch.testing.assert_close(torch.cat([found[name].reshape(-1) for name in mass.names]), inverse @ row)
    again = mass.scale(mass.unscale(r), r)
    for name, value in r.items():
        torch.testing.assert_close(again[name], value)
    (dense, *_) = mass.inverse_mass_matrix.values()
    size = len(dense)
    torch.testing.assert_close(dense if dense.dim() == 2 else dense.diag(), inverse[:size, :size])


def test_the_inverse_is_the_covariance_drawn_to_the_identity():
    mass = BlockMassMatrix()
    mass.configure({("x",): (2, 2)}, options=FLOAT64)
    rows = torch.tensor([[1.0, 0.0], [0.0, 2.0], [2.0, 1.0], [-1.0, 1.0]], **FLOAT64)
    for row in rows:
        mass.update({"x": row}, None)
    mass.end_adaptation()
    wanted = 4 / 9 * rows.mT.cov() + 1e-3 * 5 / 9 * torch.eye(2, **FLOAT64)
    torch.testing.assert_close(mass.inverse_mass_matrix["x",], wanted)


def test_a_mass_matrix_of_another_shape_is_refused():
    mass = BlockMassMatrix()
    mass.configure({("x",): (2,)})
    with pytest.raises(ArgumentError, match=r"has the shape \(2,\); got \(2, 2\)"):
        mass.inverse_mass_matrix = {("x",): torch.eye(2)}


@pytest.mark.parametrize("steps", [1, 5, 19, 20, 37, 149, 150, 151, 500, 1000, 2345])
def test_windows_cover_the_warm_up_and_double(steps):
    found = windows(steps)
    assert found[0].start == 0
    assert found[-1].end == steps - 1
    assert all(before.end + 1 == after.start for before, after in pairwise(found))
    lengths = [window.end - window.start + 1 for window in found[1:-1]]
    assert all(after == 2 * before for before, after in pairwise(lengths[:-1]))
    if len(lengths) > 1:
        assert lengths[-1] >= 2 * lengths[-2]


def test_the_windows_of_a_thousand_steps_are_stans():
    ends = [window.end for window in windows(1000)]
    assert ends == [74, 99, 149, 249, 449, 949, 999]


def test_the_step_size_finds_the_acceptance_that_is_wanted():
    # the acceptance falls with the step size as exp(-size), so that 0.8 is reached at -log(0.8)
    adapter = WarmupAdapter(adapt_step_size=True, target_accept_prob=0.8)
    adapter.configure(3000)
    for step in range(3000):
        adapter.step(step, {}, math.exp(-adapter.step_size))
    assert adapter.step_size == pytest.approx(-math.log(0.8), rel=0.05)
