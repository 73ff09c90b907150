import torch

from virgil.ops.newton_cg import Point, newton_cg


def point_of(function):
    def point_at(place):
        hessian = torch.autograd.functional.hessian(function, place)
        given = place.clone().requires_grad_()
        value = function(given)
        slope = torch.autograd.grad(value, given)[0]
        return Point(float(value.detach()), slope, lambda vector: hessian @ vector)

    return point_at


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def test_a_quadratic_takes_steps_to_the_solution_of_its_system():
    matrix = torch.tensor([[4.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
    right = torch.tensor([1.0, 2.0], dtype=torch.float64)
    found = newton_cg(point_of(lambda x: x @ matrix @ x / 2 - right @ x), torch.zeros(2, dtype=torch.float64))
    assert found.arrived
    assert torch.allclose(found.place, torch.linalg.solve(matrix, right), atol=1e-5)


def test_a_bent_valley():
    found = newton_cg(point_of(rosenbrock), torch.tensor([-1.2, 1.0], dtype=torch.float64))
    assert found.arrived
    assert torch.allclose(found.place, torch.ones(2, dtype=torch.float64), atol=1e-3)
    assert all(later < earlier for earlier, later in zip(found.values, found.values[1:], strict=False))


def test_negative_curvature_at_the_start_leads_to_a_minimum():
    def double_well(x):
        return (x[0] ** 2 - 1) ** 2 + x[1] ** 2

    found = newton_cg(point_of(double_well), torch.tensor([0.01, 0.5], dtype=torch.float64))
    assert found.arrived
    assert torch.allclose(found.place, torch.tensor([1.0, 0.0], dtype=torch.float64), atol=1e-4)


def test_places_outside_are_left_again():
    def barrier(x):
        return x[0] - torch.log(x[0]) if x[0] > 0 else x[0] * torch.inf * -1

    found = newton_cg(point_of(barrier), torch.tensor([3.0], dtype=torch.float64))
    assert found.arrived
    assert abs(float(found.place) - 1.0) < 1e-4


def test_an_end_without_a_minimum_is_told():
    found = newton_cg(point_of(lambda x: -x.sum()), torch.zeros(2, dtype=torch.float64), max_steps=5)
    assert not found.arrived
