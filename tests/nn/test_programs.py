"""A module program is the program written as functions: the same sites, loss, gradients and step on the same noise."""

import pytest
import torch

import virgil
from tests.nn.pairs import ARGS, of_functions, of_modules, svi_of
from tests.nn.programs import PROGRAMS
from virgil.optim import zero_grads
from virgil.params import ParamStore
from virgil.poutine import trace


def sites(program):
    virgil.set_rng_seed(1)
    nodes = trace(program).get_trace(*ARGS).nodes
    return {name: site for name, site in nodes.items() if site.kind not in ("args", "return")}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_sites_are_those_of_the_functions(name):
    module, model, guide = of_modules(name)
    function, _ = of_functions(name, module, guide)
    got = sites(model)
    with ParamStore():
        expected = sites(function)
    assert got.keys() == expected.keys()
    assert [each for each in got if got[each].is_latent] == [each for each in expected if expected[each].is_latent]
    for each, site in expected.items():
        assert (got[each].kind, got[each].observed, got[each].frames) == (site.kind, site.observed, site.frames), each
        torch.testing.assert_close(got[each].value, site.value, msg=each)
        if site.kind == "sample":
            torch.testing.assert_close(got[each].log_prob, site.log_prob, msg=each)


def steps(svi):
    """Two steps: losses, and the gradients and leaves after them, by name."""
    virgil.set_rng_seed(2)
    loss, leaves = svi.problem.gradients(ARGS, {})
    gradients = {name: None if leaf.grad is None else leaf.grad.clone() for name, leaf in leaves.items()}
    zero_grads(leaves.values())
    losses = [svi.step(*ARGS) for _ in range(2)]
    return [loss, *losses], gradients, {name: leaf.detach().clone() for name, leaf in leaves.items()}


@pytest.mark.parametrize("name", PROGRAMS)
def test_loss_gradients_and_steps_are_those_of_the_functions(name):
    module, model, guide = of_modules(name)
    functions = of_functions(name, module, guide)
    losses, gradients, leaves = steps(svi_of(name, model, guide))
    with ParamStore():
        expected_losses, expected_gradients, expected_leaves = steps(svi_of(name, *functions))
    assert gradients.keys() == expected_gradients.keys()
    torch.testing.assert_close(losses, expected_losses)
    torch.testing.assert_close(gradients, expected_gradients)
    torch.testing.assert_close(leaves, expected_leaves)
    assert any(gradient is not None and bool(gradient.any()) for gradient in gradients.values())
