"""Maps of unit Jacobian along batch dims, and what they refuse."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoNormal
from virgil.infer.reparam import DiscreteCosineReparam, HaarReparam, UnitJacobianReparam

LOC = torch.linspace(-1.0, 2.0, 12).reshape(3, 4)


def grid():
    with virgil.plate("rows", 3, dim=-2), virgil.plate("time", 4, dim=-1):
        return virgil.sample("x", dist.Normal(LOC, 0.7))


@pytest.mark.parametrize("kind", [HaarReparam, DiscreteCosineReparam])
@pytest.mark.parametrize(("dim", "left"), [(-1, ["rows"]), (-2, [])])
@pytest.mark.parametrize("is_inside", [False, True])
def test_slots_of_a_plate_are_mixed(kind, dim, left, is_inside):
    """The coefficients stand outside of the plate, wherever the handler stands; the density is that of the slots."""
    handler = poutine.reparam(config={"x": kind(dim, experimental_allow_batch=True)})

    def inside():
        with virgil.plate("rows", 3, dim=-2), virgil.plate("time", 4, dim=-1), handler:
            return virgil.sample("x", dist.Normal(LOC, 0.7))

    trace = poutine.trace(inside if is_inside else handler(grid)).get_trace()
    (name,) = trace.stochastic_nodes
    image, x = trace.nodes[name], trace.nodes["x"]
    assert [frame.name for frame in image.frames] == left
    assert [frame.name for frame in x.frames] == ["rows", "time"]
    assert x.value.shape == (3, 4)
    assert image.value.shape == ((3, 1, 4) if dim == -1 else (1, 1, 3, 4))
    torch.testing.assert_close(trace.log_prob_sum(), dist.Normal(LOC, 0.7).log_prob(x.value).sum())


@pytest.mark.parametrize("particles", [1, 3])
def test_a_guide_of_mixed_slots_is_fitted(particles):
    model = poutine.reparam(grid, config={"x": HaarReparam(experimental_allow_batch=True)})
    guide = AutoNormal(model)
    loss = SVI(model, guide, virgil.optim.Adam({"lr": 0.01}), Trace_ELBO(num_particles=particles)).step()
    assert torch.isfinite(torch.tensor(loss))
    assert guide()["x_haar"].shape == (3, 1, 4)


def mini_batch():
    with virgil.plate("time", 8, subsample_size=4):
        return virgil.sample("x", dist.Normal(torch.zeros(4), 1.0))


@pytest.mark.parametrize(
    ("make", "model", "message"),
    [
        (lambda: UnitJacobianReparam(3), grid, "got transform=3; it takes a transform"),
        (HaarReparam, grid, r"site 'x', HaarReparam got .* event shape \(\) and a transform of events with 1 dims"),
        (
            lambda: HaarReparam(experimental_allow_batch=True),
            mini_batch,
            "plate 'time', of which this call uses 4 of 8",
        ),
        (lambda: HaarReparam(-3, experimental_allow_batch=True), grid, "3 dims more .* batch shape is"),
    ],
)
def test_mistakes_are_named(make, model, message):
    with pytest.raises(ArgumentError, match=message):
        poutine.reparam(model, config={"x": make()})()


def test_a_mask_that_differs_between_mixed_slots_is_refused():
    def model():
        with virgil.plate("time", 4), poutine.mask(mask=torch.tensor([True, False, True, True])):
            virgil.sample("x", dist.Normal(torch.zeros(4), 1.0))

    with pytest.raises(ArgumentError, match="site 'x_haar', .* differ between slots of plate 'time'"):
        poutine.reparam(model, config={"x": HaarReparam(experimental_allow_batch=True)})()
