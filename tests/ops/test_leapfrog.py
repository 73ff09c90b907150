"""The integrator is reversible, keeps volumes, and has an error of second order."""

from functools import partial

import pytest
import torch

from virgil.ops.leapfrog import energy_gradient, leapfrog


def potential(z):
    return z["x"].square().sum() / 2 + z["y"].cos().sum() + (z["x"] * z["y"]).sum()


def start():
    torch.manual_seed(0)
    z = {"x": torch.randn(3, dtype=torch.float64), "y": torch.randn(3, dtype=torch.float64)}
    return z, {name: torch.randn(3, dtype=torch.float64) for name in z}


def unchanged(r):
    return r


GRADIENT = partial(energy_gradient, potential)


def energy(z, r):
    return (potential(z) + sum(each.square().sum() / 2 for each in r.values())).item()


def test_one_step_by_hand():
    z, r = start()
    z_next, r_next, grads, after = leapfrog(z, r, GRADIENT, lambda r: {name: 2 * r[name] for name in r}, 0.1)
    half = {name: r[name] - 0.05 * GRADIENT(z)[0][name] for name in r}
    moved = {name: z[name] + 0.2 * half[name] for name in z}
    torch.testing.assert_close(z_next, moved)
    torch.testing.assert_close(grads, GRADIENT(moved)[0])
    torch.testing.assert_close(r_next, {name: half[name] - 0.05 * grads[name] for name in r})
    torch.testing.assert_close(after, potential(moved))


def test_it_is_reversible():
    z, r = start()
    z_next, r_next, grads, _ = leapfrog(z, r, GRADIENT, unchanged, 0.1, num_steps=20)
    back, turned, _, _ = leapfrog(z_next, {k: -v for k, v in r_next.items()}, GRADIENT, unchanged, 0.1, 20, grads)
    torch.testing.assert_close(back, z)
    torch.testing.assert_close({k: -v for k, v in turned.items()}, r)


def test_the_error_of_the_energy_is_of_second_order():
    z, r = start()
    errors = []
    for halvings in (0, 1, 2):
        end, momentum, _, _ = leapfrog(z, r, GRADIENT, unchanged, 0.1 / 2**halvings, num_steps=10 * 2**halvings)
        errors.append(abs(energy(end, momentum) - energy(z, r)))
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.1)


def test_volumes_are_kept():
    z, r = start()

    def flow(flat):
        z = {"x": flat[:3], "y": flat[3:6]}

        def gradient(z):  # with derivatives, which the integrator's own has not
            return {"x": z["x"] + z["y"], "y": -z["y"].sin() + z["x"]}, potential(z)

        end, momentum, _, _ = leapfrog(z, {"x": flat[6:9], "y": flat[9:]}, gradient, unchanged, 0.3, num_steps=3)
        return torch.cat([end["x"], end["y"], momentum["x"], momentum["y"]])

    jacobian = torch.autograd.functional.jacobian(flow, torch.cat([*z.values(), *r.values()]))
    torch.testing.assert_close(torch.linalg.det(jacobian), torch.ones((), dtype=torch.float64))


def test_no_step_gives_the_gradient_here():
    z, r = start()
    same, momentum, grads, after = leapfrog(z, r, GRADIENT, unchanged, 0.1, num_steps=0)
    torch.testing.assert_close((same, momentum), (z, r))
    torch.testing.assert_close((grads, after), GRADIENT(z))
    assert not after.requires_grad
