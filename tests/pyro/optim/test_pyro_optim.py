"""Optimisers as old programs hold them."""

from __future__ import annotations

import pyro
import pyro.distributions as dist
import pyro.optim
import pytest
import torch
from pyro.infer import SVI, Trace_ELBO
from pyro.optim import PyroOptim
from pyro.optim.lr_scheduler import PyroLRScheduler
from pyro.optim.optim import is_scheduler

from virgil.errors import ArgumentError, FileFormatError, ParamError


def declare(*names):
    for name in names:
        pyro.param(name, torch.ones(2))
    store = pyro.get_param_store()
    return {name: store.unconstrained(name) for name in names}


def backward(leaves, factor=1.0):
    for place, leaf in enumerate(leaves.values(), 1):
        leaf.grad = torch.full_like(leaf, factor * place)


def run(optimizer, leaves, steps=3):
    for step in range(steps):
        backward(leaves, 1.0 + step)
        optimizer(list(leaves.values()))
    return torch.cat([leaf.detach().clone() for leaf in leaves.values()])


def rate_of(optimizer, leaf):
    return optimizer.optim_objs[leaf].param_groups[0]["lr"]


@pytest.mark.parametrize("name", ["Adam", "SGD", "ClippedAdam", "DCTAdam", "AdagradRMSProp", "RMSprop"])
def test_a_function_by_name_makes_a_pyro_optim(name):
    options = {"eta": 0.1} if name == "AdagradRMSProp" else {"lr": 0.1}
    optimizer = getattr(pyro.optim, name)(options)
    assert isinstance(optimizer, PyroOptim)
    assert optimizer.pt_optim_constructor.__name__ == name
    assert issubclass(optimizer.pt_optim_constructor, torch.optim.Optimizer)
    assert optimizer.pt_optim_args == options
    leaves = declare("a")
    before = leaves["a"].detach().clone()
    assert not torch.equal(run(optimizer, leaves), before)


def test_a_rate_is_read_and_set_by_the_parameters_own_optimiser():
    optimizer, leaves = pyro.optim.SGD({"lr": 0.5, "momentum": 0.0}), declare("a", "b", "c")
    assert not optimizer.optim_objs
    run(optimizer, leaves, 1)
    assert set(optimizer.optim_objs) == set(leaves.values())
    a, b, c = leaves.values()
    optimizer.optim_objs[b].param_groups[0]["lr"] = 0.25
    assert [rate_of(optimizer, leaf) for leaf in (a, b, c)] == [0.5, 0.25, 0.5]
    before = torch.stack([a, b, c]).detach()
    backward(leaves)
    optimizer([a, b, c])
    moved = before - torch.stack([a, b, c]).detach()
    assert torch.allclose(moved[:, 0], torch.tensor([0.5, 0.5, 1.5]))


def test_the_rate_of_adagrad_rmsprop_is_set_by_either_name():
    optimizer, leaves = pyro.optim.AdagradRMSProp({"eta": 0.5}), declare("a", "b")
    run(optimizer, leaves, 1)
    a, b = leaves.values()
    optimizer.optim_objs[a].param_groups[0]["lr"] = 0.25
    assert [rate_of(optimizer, leaf) for leaf in (a, b)] == [0.25, 0.5]
    again = pyro.optim.AdagradRMSProp({"eta": 1.0})
    again.set_state(optimizer.get_state())
    run(again, leaves, 1)
    assert [rate_of(again, leaf) for leaf in (a, b)] == [0.25, 0.5]


def test_a_rate_that_is_lowered_for_each_parameter_is_lowered_once():
    optimizer, leaves = pyro.optim.Adam({"lr": 0.5}), declare("a", "b", "c")
    run(optimizer, leaves, 1)
    for _ in range(3):
        for each in optimizer.optim_objs.values():
            for group in each.param_groups:
                group["lr"] *= 0.5
    assert [rate_of(optimizer, leaf) for leaf in leaves.values()] == [0.0625] * 3
    alone = pyro.optim.Adam({"lr": 0.0625})
    pyro.clear_param_store()
    others = declare("a", "b", "c")
    for leaf, other in zip(leaves.values(), others.values(), strict=True):
        other.data.copy_(leaf.data)
    state = optimizer.get_state()
    alone.set_state(state)
    assert torch.allclose(run(optimizer, leaves), run(alone, others))
    assert len(optimizer.optimizer.torch_optimizer.param_groups) <= 2


def test_the_state_is_torchs_of_each_parameter():
    optimizer, leaves = pyro.optim.Adam({"lr": 0.1}), declare("a", "b")
    run(optimizer, leaves, 2)
    state = optimizer.get_state()
    assert set(state) == {"a", "b"}
    expected = torch.zeros(2, requires_grad=True)
    torch_optimizer = torch.optim.Adam([expected], lr=0.1)
    for step in range(2):
        expected.grad = torch.full((2,), 1.0 + step)
        torch_optimizer.step()
    own = torch_optimizer.state_dict()
    assert state["a"]["state"][0].keys() == own["state"][0].keys()
    assert torch.allclose(state["a"]["state"][0]["exp_avg"], own["state"][0]["exp_avg"])
    assert state["a"]["param_groups"][0]["lr"] == 0.1
    assert state["a"]["param_groups"][0]["params"] == [0]
    assert optimizer.optim_objs[leaves["b"]].state_dict()["state"].keys() == {0}


@pytest.mark.parametrize("in_file", [False, True])
@pytest.mark.parametrize("before_joining", [False, True])
def test_a_state_goes_on_where_it_was_taken(in_file, before_joining, tmp_path):
    first, leaves = pyro.optim.Adam({"lr": 0.1}), declare("a", "b")
    run(first, leaves)
    first.optim_objs[leaves["a"]].param_groups[0]["lr"] = 0.01
    values = {name: leaf.detach().clone() for name, leaf in leaves.items()}
    state = first.get_state()
    first.save(tmp_path / "optim")
    expected = run(first, leaves)
    pyro.clear_param_store()
    leaves, second = declare("a", "b"), pyro.optim.Adam({"lr": 0.5})
    if not before_joining:
        run(second, leaves, 1)
    for name, leaf in leaves.items():
        leaf.data.copy_(values[name])
    if in_file:
        second.load(tmp_path / "optim", map_location=lambda storage, location: storage)
    else:
        second.set_state(state)
    assert torch.allclose(run(second, leaves), expected)
    assert rate_of(second, leaves["a"]) == 0.01


def test_a_state_taken_before_parameters_come_is_kept():
    first, leaves = pyro.optim.Adam({"lr": 0.1}), declare("a", "b")
    run(first, leaves)
    second = pyro.optim.Adam({"lr": 0.5})
    second.set_state(first.get_state())
    again = second.get_state()
    assert set(again) == {"a", "b"}
    assert again["b"]["param_groups"][0]["lr"] == 0.1
    assert torch.equal(again["b"]["state"][0]["exp_avg"], first.get_state()["b"]["state"][0]["exp_avg"])


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (3, "set_state got an int that is no state of an optimiser"),
        ({"a": {"param_groups": []}}, "for parameter 'a'; it takes torch's state_dict"),
        ({"a": {"state": {0: {"momentum": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]}}, "remembers"),
    ],
)
def test_a_state_that_is_none_is_refused(state, message):
    optimizer, leaves = pyro.optim.Adam({"lr": 0.1}), declare("a")
    run(optimizer, leaves)
    before = optimizer.get_state()["a"]["state"][0]["exp_avg"]
    with pytest.raises(ParamError, match=message):
        optimizer.set_state(state)
    assert torch.equal(optimizer.get_state()["a"]["state"][0]["exp_avg"], before)


def test_a_foreign_file_is_refused(tmp_path):
    declare("a")
    pyro.get_param_store().save(tmp_path / "params")
    with pytest.raises(FileFormatError, match="holds parameters, but the state of an optimiser was expected"):
        pyro.optim.Adam({"lr": 0.1}).load(tmp_path / "params")
    torch.save({"a": {"state": {}, "param_groups": []}}, tmp_path / "old")
    with pytest.raises(FileFormatError, match="virgil convert"):
        pyro.optim.Adam({"lr": 0.1}).load(tmp_path / "old")


def test_options_by_one_name_and_by_two():
    net, seen = torch.nn.Linear(1, 1), []

    def by_one(name):
        seen.append(name)
        return {"lr": 0.1}

    def by_two(module_name, param_name):
        seen.append((module_name, param_name))
        return {"lr": 0.1}

    pyro.module("net", net)
    pyro.param("loc", torch.zeros(1))
    leaves = dict(pyro.get_param_store().named_parameters())
    for options in (by_one, by_two):
        backward(leaves)
        pyro.optim.Adam(options)(list(leaves.values()))
    assert seen == [
        *("net.weight", "net.bias", "loc"),
        *(("net", "weight"), ("net", "bias"), ("loc", "loc")),
    ]


def test_a_subclass_of_a_program_takes_steps_by_its_own_call():
    calls = []

    class Halving(PyroOptim):
        def __call__(self, params, *args, **kwargs):
            params = list(params)
            calls.append(len(params))
            for leaf in params:
                leaf.grad.mul_(0.5)
            super().__call__(params, *args, **kwargs)

    def model():
        return pyro.sample("x", dist.Normal(pyro.param("loc", torch.tensor(3.0)), 1.0), obs=torch.tensor(1.0))

    found = []
    for kind in (Halving, PyroOptim):
        pyro.clear_param_store()
        svi = SVI(model, lambda: None, kind(torch.optim.SGD, {"lr": 0.1}), Trace_ELBO())
        svi.step()
        found.append(3.0 - pyro.param("loc").item())
        assert isinstance(svi.optim, kind)
    assert calls == [1]
    assert found == pytest.approx([0.1, 0.2])
    svi = SVI(model, lambda: None, Halving(torch.optim.SGD, {"lr": 0.1}), Trace_ELBO())
    assert svi.run(3, progress=False).engine == "eager"
    assert calls == [1] * 4


def test_gradients_are_clipped():
    optimizer, leaves = PyroOptim(torch.optim.SGD, {"lr": 1.0}, {"clip_norm": 1.0}), declare("a")
    leaves["a"].grad = torch.tensor([3.0, 4.0])
    optimizer([leaves["a"]])
    assert torch.allclose(leaves["a"].detach(), 1 - torch.tensor([0.6, 0.8]), atol=1e-5)
    assert optimizer.pt_clip_args == {"clip_norm": 1.0}


# -- schedulers ------------------------------------------------------------------------------------------------------


def exponential():
    return pyro.optim.ExponentialLR({"optimizer": torch.optim.SGD, "optim_args": {"lr": 0.5}, "gamma": 0.5})


def test_a_scheduler_is_a_pyro_lr_scheduler_and_a_pyro_optim():
    scheduler = exponential()
    assert isinstance(scheduler, PyroLRScheduler)
    assert isinstance(scheduler, PyroOptim)
    assert isinstance(pyro.optim.PyroLRScheduler(torch.optim.lr_scheduler.StepLR, SCHEDULE), PyroLRScheduler)
    assert scheduler.pt_scheduler_constructor is torch.optim.lr_scheduler.ExponentialLR
    assert scheduler.pt_optim_constructor is torch.optim.SGD
    assert scheduler.pt_optim_args == {"lr": 0.5}
    assert scheduler.kwargs == {"gamma": 0.5}


SCHEDULE = {"optimizer": torch.optim.SGD, "optim_args": {"lr": 0.5}, "step_size": 1}


def test_svi_steps_and_the_program_advances_the_schedule():
    def model():
        pyro.sample("x", dist.Normal(pyro.param("loc", torch.tensor(3.0)), 1.0), obs=torch.tensor(1.0))

    scheduler = exponential()
    svi = SVI(model, lambda: None, scheduler, Trace_ELBO())
    assert svi.optim is scheduler
    rates = []
    for _ in range(3):
        svi.step()
        (each,) = svi.optim.optim_objs.values()
        rates.append((each.get_last_lr()[0], each.optimizer.param_groups[0]["lr"]))
        svi.optim.step()
    assert rates == [(0.5, 0.5), (0.25, 0.25), (0.125, 0.125)]
    assert each.gamma == 0.5
    with pytest.raises(ArgumentError, match="one schedule for all"):
        each.step()


@pytest.mark.parametrize("in_file", [False, True])
def test_a_schedule_goes_on_where_its_state_was_taken(in_file, tmp_path):
    first, leaves = exponential(), declare("a")
    run(first, leaves, 1)
    first.step()
    first.step()
    second = exponential()
    if in_file:
        first.save(tmp_path / "optim")
        second.load(tmp_path / "optim")
    else:
        second.set_state(first.get_state())
    run(second, leaves, 1)
    assert second.optim_objs[leaves["a"]].get_last_lr() == [0.125]
    assert second.get_state()["a"]["scheduler"]["gamma"] == 0.5


def test_the_old_state_of_a_schedule_is_counted():
    scheduler, leaves = exponential(), declare("a")
    own = {"state": {}, "param_groups": [{"lr": 0.125, "initial_lr": 0.5, "momentum": 0, "params": [0]}]}
    scheduler.set_state({"a": {"scheduler": {"gamma": 0.5, "last_epoch": 2}, "optimizer": own}})
    run(scheduler, leaves, 1)
    assert scheduler.optim_objs[leaves["a"]].get_last_lr() == [0.125]


def test_a_plateau_without_its_metrics_is_refused():
    options = {"optimizer": torch.optim.SGD, "optim_args": {"lr": 0.5}}
    scheduler = pyro.optim.ReduceLROnPlateau(options)
    own = {"state": {}, "param_groups": [{"lr": 0.5, "params": [0]}]}
    with pytest.raises(ParamError, match="without the metrics"):
        scheduler.set_state({"a": {"scheduler": {"best": 1.0, "last_epoch": 2}, "optimizer": own}})
    leaves = declare("a")
    run(scheduler, leaves, 1)
    scheduler.step(metrics=1.0)
    again = pyro.optim.ReduceLROnPlateau(options)
    again.set_state(scheduler.get_state())
    assert again.calls == 1


def test_is_scheduler():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    assert not is_scheduler(optimizer)
    assert is_scheduler(torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer))
    assert is_scheduler(torch.optim.lr_scheduler.StepLR(optimizer, 1))


def test_horovod_is_refused():
    with pytest.raises(ArgumentError, match="DistributedDataParallel"):
        pyro.optim.HorovodOptimizer(pyro.optim.Adam({"lr": 0.1}))


def test_old_paths_of_torch_classes():
    from pyro.optim.adagrad_rmsprop import AdagradRMSProp
    from pyro.optim.clipped_adam import ClippedAdam
    from pyro.optim.dct_adam import DCTAdam

    for kind in (AdagradRMSProp, ClippedAdam, DCTAdam):
        assert issubclass(kind, torch.optim.Optimizer)
        optimizer = PyroOptim(kind, {})
        assert optimizer.pt_optim_constructor is kind
