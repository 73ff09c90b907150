"""``reparam``: variables stated by way of others, by objects with ``apply``."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.laws.handlers import Shifting
from virgil import poutine
from virgil.errors import ArgumentError


class Widening:
    """States the variable by another distribution."""

    def apply(self, msg):
        return {"fn": dist.Normal(0.0, 2.0), "value": msg["value"], "is_observed": msg["is_observed"]}


def model():
    loc = virgil.sample("loc", dist.Normal(0.0, 1.0))
    with poutine.scale(scale=0.5), virgil.plate("data", 3), poutine.mask(mask=torch.tensor([True, False, True])):
        z = virgil.sample("z", dist.Normal(loc, 2.0))
        return virgil.sample("x", dist.Normal(z, 1.0), obs=torch.ones(3))


def test_the_joint_density_changes_by_the_jacobian_alone():
    """Shifting a variable has the Jacobian 1, so the density of the offset is that of the variable."""
    shifted = poutine.trace(poutine.reparam(model, config={"z": Shifting()})).get_trace()
    assert shifted.stochastic_nodes == ["loc", "z_offset"]
    values = {name: shifted.nodes[name].value for name in ("loc", "z")}
    plain = poutine.trace(poutine.condition(model, data=values)).get_trace()
    torch.testing.assert_close(shifted.log_prob_sum(), plain.log_prob_sum())


def test_a_function_chooses_and_observations_go_on():
    seen = []

    def config(site):
        seen.append((site["name"], site["is_observed"]))
        return Widening() if site["name"] == "x" else None

    trace = poutine.trace(poutine.reparam(model, config=config)).get_trace()
    assert seen == [("loc", False), ("z", False), ("x", True)]
    assert trace.nodes["x"].observed
    assert trace.nodes["x"].fn.scale.expand(3).tolist() == [2.0, 2.0, 2.0]


class Silent:
    def apply(self, msg):
        return {"fn": msg["fn"]}


@pytest.mark.parametrize(
    ("config", "message"),
    [(None, "needs config="), (3, "config=3; it takes"), ({"z": Silent()}, "site 'z', Silent.*no value, is_observed")],
)
def test_mistakes_are_named(config, message):
    with pytest.raises(ArgumentError, match=message):
        poutine.reparam(model, config=config)()


def test_a_value_for_a_function_of_variables_without_values_is_refused():
    shifted = poutine.reparam(model, config={"z": Shifting()})
    with pytest.raises(
        ArgumentError, match=r"'z', which Shifting has made a function of 'z_offset'.*Condition the prog"
    ):
        poutine.trace(poutine.condition(shifted, data={"z": torch.ones(3)})).get_trace()
    inside = poutine.reparam(poutine.condition(model, data={"z": torch.ones(3)}), config={"loc": Shifting()})
    assert poutine.trace(inside).get_trace().observation_nodes == ["loc", "z", "x"]


def test_a_whole_execution_of_a_restated_program_can_be_given():
    shifted = poutine.reparam(model, config={"z": Shifting()})
    trace = poutine.trace(shifted).get_trace()
    again = poutine.trace(poutine.condition(shifted, data=trace)).get_trace()
    torch.testing.assert_close(again.log_prob_sum(), trace.log_prob_sum())
    values = {"z": trace.nodes["z"].value, "z_offset": trace.nodes["z_offset"].value}
    partly = poutine.trace(poutine.condition(shifted, data=values)).get_trace()
    assert torch.equal(partly.nodes["z"].value, values["z"])
