"""What a module's attributes are, when they are read by statements, and what is refused."""

import pytest
import torch
from torch import nn

import virgil
import virgil.distributions as dist
from tests.nn.layers import Constrained, Declared, Linear, Methods, Network, Parameters, Recurrent, observe
from tests.nn.pairs import ARGS
from virgil.distributions import constraints
from virgil.errors import ArgumentError, FitWarning, ParamError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoNormal
from virgil.nn import PyroModule, PyroModuleList, PyroParam, PyroSample, clear, to_pyro_module_
from virgil.poutine import trace


def test_a_random_attribute_is_drawn_once_a_call_and_anew_in_the_next():
    net = Methods()
    first, second = (trace(net.model).get_trace(*ARGS).nodes["w"].value for _ in range(2))
    assert not torch.equal(first, second)
    assert not torch.equal(net.w, net.w)  # outside of a call nothing is shared


def test_an_error_in_a_call_leaves_nothing_shared():
    net = Methods()
    draws = []

    def broken(x):
        draws.append(net.w)
        raise ZeroDivisionError

    net.forward = broken
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            net(ARGS[0])
    assert not torch.equal(*draws)


def test_what_is_assigned_in_a_call_is_read_there():
    class Growing(PyroModule):
        def __init__(self):
            super().__init__()
            self.gain = PyroParam(torch.tensor(1.0), constraint=constraints.positive)

        def forward(self):
            before = self.gain.item()
            self.gain = torch.tensor(before + 1)
            return before, self.gain.item()

    net = Growing()
    assert net() == pytest.approx((1.0, 2.0))
    assert net() == pytest.approx((2.0, 3.0))


@pytest.mark.parametrize("make", [Parameters, Linear, Network, Constrained, Declared, Recurrent])
def test_making_and_looking_at_a_module_leaves_the_store_alone(make):
    net = make()
    for module in net.modules():
        for name in [name for name, _ in module.named_parameters(recurse=False)]:
            getattr(module, name.removesuffix("_unconstrained"))
    assert list(virgil.get_param_store()) == []
    with trace() as tracer:
        make()
    assert list(tracer.trace) == []


def test_a_functional_program_learns_the_parameters_that_it_reads():
    layer = PyroModule[nn.Linear](2, 1)

    def model(x, y):
        observe((x @ layer.weight.T)[:, 0] + layer.bias, y)

    _, leaves = SVI(model, lambda x, y: None, virgil.optim.SGD({"lr": 0.1}), Trace_ELBO()).problem.gradients(ARGS, {})
    assert leaves == {"weight": layer._parameters["weight"], "bias": layer._parameters["bias"]}


# One owner of a parameter


def test_the_store_holds_the_modules_leaves_by_name():
    net = Network()
    guide = AutoNormal(net)
    fit = SVI(net, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO()).run(3, *ARGS, progress=False)
    assert fit.num_steps == 3
    store = virgil.get_param_store()
    assert store.unconstrained("AutoNormal.locs.fc1.weight") is guide.locs._parameters["fc1.weight"]
    constrained = Constrained()
    constrained(*ARGS)
    assert store.unconstrained("spread") is constrained.spread_unconstrained
    store["spread"] = torch.tensor(4.0)
    torch.testing.assert_close(constrained.spread, torch.tensor(4.0))


def test_a_new_module_begins_with_its_own_values_and_a_cleared_store_changes_none():
    old = Parameters()
    old(*ARGS)
    new = Parameters()
    values = [each.clone() for each in (old.w, new.w)]
    new(*ARGS)
    virgil.clear_param_store()
    old(*ARGS)
    assert torch.equal(old.w, values[0])
    assert torch.equal(new.w, values[1])


class SameName(PyroModule):
    def __init__(self, name=""):
        super().__init__(name)
        self.w = nn.Parameter(torch.zeros(2))

    def forward(self, x, y):
        virgil.factor("pull", -self.w.square().sum() - self.w.sum(), has_rsample=True)


@pytest.mark.parametrize("make", [Parameters, lambda: virgil.poutine.block(Parameters(), hide=["y"])])
def test_two_modules_with_a_parameter_of_one_name(make):
    svi = SVI(make(), SameName(), virgil.optim.Adam({"lr": 0.1}), Trace_ELBO())
    with pytest.raises(ParamError, match=r"'w' belongs to two modules.*name"):
        svi.step(*ARGS)
    svi = SVI(Parameters(), SameName("guide"), virgil.optim.Adam({"lr": 0.1}), Trace_ELBO())
    svi.step(*ARGS)
    assert set(virgil.get_param_store()) == {"w", "b", "guide.w"}


@pytest.mark.parametrize("make", [Linear, lambda: virgil.module("net", nn.Linear(2, 1))])
def test_a_module_that_is_made_inside_the_program(make):
    def model(x, y):
        net = make()
        observe((net.linear if isinstance(net, Linear) else net)(x)[:, 0], y)

    svi = SVI(model, lambda x, y: None, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO())
    with pytest.raises(ParamError, match="make a module once"):
        svi.step(*ARGS)


def test_one_module_in_model_and_guide():
    class Both(PyroModule):
        def __init__(self):
            super().__init__()
            self.loc = nn.Parameter(torch.zeros(()))

        @virgil.nn.pyro_method
        def model(self, x, y):
            observe(virgil.sample("z", dist.Normal(self.loc, 1.0)) * x[:, 0], y)

        @virgil.nn.pyro_method
        def guide(self, x, y):
            virgil.sample("z", dist.Normal(self.loc, 0.5))

    both = Both()
    _, leaves = SVI(both.model, both.guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO()).problem.gradients(ARGS, {})
    assert leaves == {"loc": both._parameters["loc"]}


def test_a_functional_call_leaves_the_store_alone():
    net = Linear()
    values = {name: each.detach().clone().requires_grad_() * 2 for name, each in net.named_parameters()}
    with virgil.poutine.block():
        torch.func.functional_call(net, values, ARGS)
    assert list(virgil.get_param_store()) == []


@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_a_frozen_guide_stays_and_the_model_goes_on(engine):
    net = Linear(["bias"])
    guide = AutoNormal(net)
    svi = SVI(net, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO())
    svi.run(3, *ARGS, progress=False)
    guide.requires_grad_(False)
    before = {name: each.clone() for name, each in guide.state_dict().items()}
    weight = net.linear.weight.clone()
    svi.run(3, *ARGS, engine=engine, progress=False)
    assert all(torch.equal(each, before[name]) for name, each in guide.state_dict().items())
    assert not torch.equal(net.linear.weight, weight)


# Per-parameter options of an optimiser

RATES = {
    "by name": (lambda name: {"lr": 0.5 if name == "linear.bias" else 0.0}),
    "by module and name": (lambda module, name: {"lr": 0.5 if (module, name) == ("linear", "bias") else 0.0}),
}


@pytest.mark.parametrize("options", RATES)
def test_options_by_parameter(options):
    net = Linear()
    before = {name: each.clone() for name, each in net.state_dict().items()}
    SVI(net, lambda x, y: None, virgil.optim.Adam(RATES[options]), Trace_ELBO()).step(*ARGS)
    changed = [name for name, each in net.state_dict().items() if not torch.equal(each, before[name])]
    assert changed == ["linear.bias"]


# Attributes


def test_named_parameters_with_constrained_values():
    net = Constrained()
    net.part = Parameters()
    values = dict(net.named_pyro_params(prefix="net"))
    assert list(values) == ["net.w", "net.spread", "net.part.w", "net.part.b"]
    torch.testing.assert_close(values["net.w"], torch.tensor([0.3, 0.7]))
    assert list(dict(net.named_pyro_params(recurse=False))) == ["w", "spread"]


def test_restarts_begin_where_the_functions_of_parameters_say():
    torch.manual_seed(0)
    net = Constrained()
    svi = SVI(net, lambda x, y: None, virgil.optim.SGD({"lr": 0.0}), Trace_ELBO())
    fit = svi.run(1, *ARGS, restarts=4, engine="eager", progress=False)
    assert len({float(each.losses[0]) for each in fit.restarts}) == 4


def test_clearing_leaves_an_empty_module():
    net = Declared()
    net.part, net.z = Parameters(), PyroSample(dist.Normal(0.0, 1.0))
    clear(net)
    assert not list(net.parameters())
    assert not hasattr(net, "part")
    assert not hasattr(net, "z")
    net.z = PyroParam(torch.ones(2))
    assert list(net.state_dict()) == ["z_unconstrained"]


def test_there_is_one_class_for_each_networks_class():
    assert PyroModule[nn.Linear] is PyroModule[nn.Linear]
    assert PyroModule[nn.Module] is PyroModule
    assert PyroModule[Linear] is Linear
    assert PyroModuleList is PyroModule[nn.ModuleList]
    assert issubclass(PyroModule[nn.Linear], nn.Linear)
    assert issubclass(PyroModule[nn.Linear], PyroModule)


def test_conversion_of_one_level():
    network = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Linear(1, 1)))
    to_pyro_module_(network, recurse=False)
    assert isinstance(network, PyroModule)
    assert not isinstance(network[0], PyroModule)
    to_pyro_module_(network)
    assert isinstance(network[1][0], PyroModule)
    assert set(trace(network).get_trace(torch.ones(1)).param_nodes) == {
        "0.weight",
        "0.bias",
        "1.0.weight",
        "1.0.bias",
    }


def test_an_attribute_that_is_not_there():
    with pytest.raises(AttributeError, match="'Network' object has no attribute 'fc4'"):
        _ = Network().fc4


# What is refused


def _circle():
    net = PyroModule()
    net.a = PyroSample(lambda self: dist.Normal(self.b, 1.0))
    net.b = PyroSample(lambda self: dist.Normal(self.a, 1.0))
    return net.a


class Early(PyroModule):
    def __init__(self):
        self.w = PyroParam(torch.ones(()))
        super().__init__()


def _without_value():
    net = PyroModule()
    net.w = PyroParam(constraint=constraints.positive)
    return net.w


def _outside():
    net = PyroModule()
    net.w = PyroParam(torch.ones(()), constraint=constraints.positive)
    net.w = torch.tensor(-1.0)


def _learnt_prior():
    net = Constrained()
    net.z = PyroSample(dist.Normal(0.0, net.spread))


class Shift(dist.transforms.Transform, nn.Module):
    """A transform with a parameter."""

    domain = codomain = constraints.real
    bijective = True
    __hash__ = nn.Module.__hash__

    def __init__(self):
        nn.Module.__init__(self)
        dist.transforms.Transform.__init__(self)
        self.shift = nn.Parameter(torch.zeros(()))


REFUSED = {
    "a prior with a network": (
        lambda: PyroSample(dist.TransformedDistribution(dist.Normal(0.0, 1.0), [Shift()])),
        ArgumentError,
        "holds a tensor that is learnt",
    ),
    "a circle": (_circle, ArgumentError, "'a' reads itself"),
    "an attribute before the module": (Early, ArgumentError, r"Early\.w is assigned before"),
    "no initial value": (_without_value, ParamError, "'w' has no initial value"),
    "a value outside the constraint": (_outside, ParamError, "'w' got an initial value outside"),
    "a prior of what is learnt": (_learnt_prior, ArgumentError, r"PyroSample\(lambda self"),
    "a nested prior of a leaf": (
        lambda: PyroSample(dist.Normal(nn.Parameter(torch.zeros(2)), 1.0).to_event(1)),
        ArgumentError,
        "holds a tensor that is learnt",
    ),
    "a prior that is none": (lambda: PyroSample(3.0), ArgumentError, "PyroSample got 3.0"),
    "a class that is no network": (lambda: PyroModule[int], ArgumentError, "takes a class of networks"),
    "a name that is none": (lambda: PyroModule(3), ArgumentError, "takes a string"),
    "clearing something else": (lambda: clear(nn.Linear(1, 1)), ArgumentError, "takes a PyroModule"),
    "converting something else": (lambda: to_pyro_module_(3), ArgumentError, "takes a torch.nn.Module"),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_what_is_refused(mistake):
    make, kind, says = REFUSED[mistake]
    with pytest.raises(kind, match=says):
        make()


@pytest.mark.parametrize("lazily", [False, True])
def test_a_parameter_begins_as_it_does_at_a_param_statement(lazily):
    """Whole numbers become floats, and counts the shares of their sum with a warning."""
    values = {"n": torch.full((2, 1), 10), "shares": torch.tensor([1.0, 3.0])}
    module = PyroModule("net")
    module.n = PyroParam((lambda: values["n"]) if lazily else values["n"], constraints.positive)
    torch.testing.assert_close(module.n.detach(), torch.full((2, 1), 10.0))
    with pytest.warns(FitWarning, match=r"shares.* begins inside"):
        module.shares = PyroParam((lambda: values["shares"]) if lazily else values["shares"], constraints.simplex)
    torch.testing.assert_close(module.shares.detach(), torch.tensor([0.25, 0.75]))
    module.n = torch.full((2, 1), 4)
    torch.testing.assert_close(module.n.detach(), torch.full((2, 1), 4.0))
