"""The trial by which particles are found to run at once."""

import torch

import virgil
import virgil.distributions as dist
from virgil.infer.density.execution import Call
from virgil.infer.density.vectorize import _together


def guide():
    virgil.sample("w", dist.Normal(virgil.param("loc", torch.zeros(3)), 1.0).to_event(1))


def model():
    w = virgil.sample("w", dist.Normal(torch.zeros(3), 1.0).to_event(1))
    with virgil.plate("data", 2):
        virgil.sample("x", dist.Normal(w.sum(-1), 1.0), obs=torch.zeros(2))


def test_as_many_are_tried_as_no_dim_of_the_programs_has():
    pair = _together(Call(model, guide, (), {}), -2)
    assert pair.guide.nodes["w"].value.shape == (5, 1, 3)
    assert pair.model.nodes["x"].extended_log_prob().shape == (5, 2)


def test_without_such_dims_two_are_tried():
    def scalar():
        virgil.sample("z", dist.Normal(0.0, 1.0))

    assert _together(Call(scalar, scalar, (), {}), -1).guide.nodes["z"].value.shape == (2,)
