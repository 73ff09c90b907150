"""Traced functions against the functions themselves, parameters included."""

import pyro
import pyro.distributions as dist
import torch
from pyro.ops import jit


def test_a_traced_function_reads_parameters_anew():
    @jit.trace(ignore_warnings=True)
    def fn(x):
        scale = pyro.param("scale", torch.tensor(0.5), constraint=dist.constraints.positive)
        return (x / scale).square().sum(), x + 1

    x = torch.arange(3.0)
    torch.testing.assert_close(fn(x), (x.square().sum() / 0.25, x + 1))
    pyro.get_param_store()["scale"] = torch.tensor(2.0)
    value, _ = fn(x + 1)
    torch.testing.assert_close(value, (x + 1).square().sum() / 4)
    leaf = pyro.get_param_store().unconstrained("scale")
    (gradient,) = torch.autograd.grad(value, leaf)
    torch.testing.assert_close(gradient, -2 * value.detach())  # the leaf is the scale's logarithm
    assert len(fn.compiled) == 1


def test_a_log_density_is_traced():
    def model(x):
        return pyro.sample("y", dist.Normal(x, pyro.param("s", torch.tensor(1.5))))

    @jit.trace(ignore_warnings=True)
    def log_prob(x, y):
        return pyro.poutine.trace(pyro.condition(model, data={"y": y})).get_trace(x).log_prob_sum()

    for shift in (0.0, 2.0):
        x, y = torch.tensor(0.3), torch.tensor(-1.0) + shift
        torch.testing.assert_close(log_prob(x, y), dist.Normal(x, torch.tensor(1.5)).log_prob(y))


def test_keywords_and_numbers_of_arguments_have_traces_of_their_own():
    fn = jit.trace(lambda *xs, power=1: sum(xs) ** power)
    x = torch.ones(2)
    assert fn.compile_time is None
    assert [fn(x).tolist(), fn(x, x).tolist(), fn(x, x, power=3).tolist()] == [[1.0] * 2, [2.0] * 2, [8.0] * 2]
    assert len(fn.compiled) == 3
    assert fn.compile_time > 0
