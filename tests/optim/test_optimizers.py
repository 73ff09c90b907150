"""One law over all optimisers: they step as torch's own do, whatever order parameters come in."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import nn

import virgil
from virgil import optim
from virgil.errors import ArgumentError, ParamError
from virgil.optim import Optimizer
from virgil.optim.clipped_adam import ClippedAdam
from virgil.optim.dct_adam import DCTAdam
from virgil.params import ParamStore

SHAPES = {"a": (3,), "b": (2, 2), "c": ()}
# name -> options; Muon takes matrices and SparseAdam sparse gradients, so they have tests of their own
OPTIONS = {
    "ASGD": {"lr": 0.05},
    "SGD": {"lr": 0.05, "momentum": 0.9},
    "Adadelta": {"lr": 0.5},
    "Adafactor": {"lr": 0.05},
    "Adagrad": {"lr": 0.05},
    "Adam": {"lr": 0.05, "betas": (0.8, 0.9)},
    "AdamW": {"lr": 0.05, "weight_decay": 0.1},
    "Adamax": {"lr": 0.05},
    "ClippedAdam": {"lr": 0.05, "clip_norm": 0.5, "lrd": 0.9},
    "DCTAdam": {"lr": 0.05, "subsample_aware": True},
    "NAdam": {"lr": 0.05},
    "RAdam": {"lr": 0.05},
    "RMSprop": {"lr": 0.05, "centered": True},
    "Rprop": {"lr": 0.05},
}
FUSED = {"Adam", "AdamW", "Adagrad"}  # equal to torch's default up to rounding
OWN = {"ClippedAdam": ClippedAdam, "DCTAdam": DCTAdam}
each_optimizer = pytest.mark.parametrize("name", OPTIONS)


def torch_class(name):
    return OWN.get(name) or getattr(torch.optim, name)


def leaves(dtype=torch.float64):
    torch.manual_seed(0)
    return {name: torch.randn(shape, dtype=dtype).requires_grad_() for name, shape in SHAPES.items()}


def loss_of(named):
    return sum(((leaf - 3) ** 2).sum() for leaf in named.values())


def backward(named):
    optim.zero_grads(named.values())
    loss = loss_of(named)
    loss.backward()
    return loss.item()


def test_every_torch_optimizer_has_its_name():
    kinds = {
        name
        for name in torch.optim.__all__
        if inspect.isclass(getattr(torch.optim, name)) and name not in ("Optimizer",)
    }
    assert kinds == {*OPTIONS, "LBFGS", "Muon", "SparseAdam"} - OWN.keys()
    assert kinds <= set(optim.__all__)
    for name in kinds - {"LBFGS"}:
        assert getattr(optim, name).__name__ == name
        assert "Options: lr" in getattr(optim, name).__doc__


@each_optimizer
def test_options_by_keywords_are_those_of_a_dict(name):
    results = []
    for optimizer in (getattr(optim, name)(OPTIONS[name]), getattr(optim, name)(**OPTIONS[name])):
        named = leaves()
        for _ in range(3):
            backward(named)
            optimizer(named)
        results.append(named)
    assert all(torch.equal(results[0][each], results[1][each]) for each in SHAPES)


@each_optimizer
def test_keywords_are_checked_as_options_are(name):
    with pytest.raises(ArgumentError, match=f"{name} got an unknown option 'lrr'. Did you mean 'lr'"):
        getattr(optim, name)(lrr=0.1)
    with pytest.raises(ArgumentError, match=f"{name} got lr= beside .*Give all options in the dict, or all by"):
        getattr(optim, name)(OPTIONS[name], lr=0.1)


def test_a_function_of_names_gets_a_modules_parameter_by_its_own_name():
    net, seen = nn.Sequential(nn.Linear(1, 1)), []

    def options(name):
        seen.append(name)
        return {"lr": 0.5 if name == "net.0.weight" else 0.1}

    with ParamStore() as store:
        virgil.module("net", net)
        virgil.param("loc", torch.zeros(()))
        named = dict(store.named_parameters())
        for leaf in named.values():
            leaf.grad = torch.ones_like(leaf)
        before = {name: leaf.detach().clone() for name, leaf in named.items()}
        optim.SGD(options)(named)
    moved = {name: (before[name] - leaf.detach()).flatten()[0].item() for name, leaf in named.items()}
    assert seen == ["net.0.weight", "net.0.bias", "loc"]
    assert moved == pytest.approx({"net$$$0.weight": 0.5, "net$$$0.bias": 0.1, "loc": 0.1})


@each_optimizer
def test_a_step_goes_downhill(name):
    named, optimizer = leaves(), getattr(optim, name)(OPTIONS[name])
    losses = []
    for _ in range(5):
        losses.append(backward(named))
        optimizer(named)
    losses.append(loss_of(named).item())
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]


@each_optimizer
def test_it_equals_torchs_own(name):
    ours, theirs = leaves(), leaves()
    optimizer, reference = getattr(optim, name)(OPTIONS[name]), torch_class(name)([*theirs.values()], **OPTIONS[name])
    for _ in range(20):
        backward(ours)
        optimizer(ours)
        backward(theirs)
        reference.step()
    for key in SHAPES:
        if name in FUSED:
            torch.testing.assert_close(ours[key], theirs[key], rtol=1e-13, atol=1e-13)
        else:
            assert torch.equal(ours[key], theirs[key])


@pytest.mark.parametrize("name", sorted(FUSED))
def test_a_kernel_that_is_chosen_is_kept(name):
    ours, theirs = leaves(), leaves()
    options = {**OPTIONS[name], "foreach": False}
    optimizer, reference = getattr(optim, name)(options), torch_class(name)([*theirs.values()], **options)
    for _ in range(5):
        backward(ours)
        optimizer(ours)
        backward(theirs)
        reference.step()
    assert all(torch.equal(ours[key], theirs[key]) for key in SHAPES)


@each_optimizer
def test_parameters_may_come_late(name):
    """A late parameter steps as one that has an optimiser to itself."""
    named, optimizer = leaves(), getattr(optim, name)(OPTIONS[name])
    alone, own = leaves(), {key: getattr(optim, name)(OPTIONS[name]) for key in SHAPES}
    for step, count in enumerate([1, 1, 2, 2, 3, 3]):
        now = list(SHAPES)[:count]
        backward(named)
        optimizer({key: named[key] for key in now})
        backward(alone)
        for key in now:
            own[key]({key: alone[key]})
        for key in SHAPES:
            assert torch.equal(named[key], alone[key]), (step, key)


@each_optimizer
@pytest.mark.parametrize("through_file", [False, True])
def test_a_restored_run_equals_an_uninterrupted_one(name, through_file, tmp_path):
    named, optimizer = leaves(), getattr(optim, name)(OPTIONS[name])
    for _ in range(3):
        backward(named)
        optimizer(named)
    again = {key: leaf.detach().clone().requires_grad_() for key, leaf in named.items()}
    restored = getattr(optim, name)(OPTIONS[name])
    if through_file:
        optimizer.save(tmp_path / "state")
        restored.load(tmp_path / "state")
    else:
        restored.set_state(optimizer.get_state())
    for step in range(4):
        backward(named)
        optimizer(named)
        backward(again)
        order = reversed(again.items()) if step == 0 else again.items()
        restored(dict(order))  # by name: the order of arrival does not matter
    assert all(torch.equal(named[key], again[key]) for key in SHAPES)


@each_optimizer
def test_a_state_is_restored_into_an_optimizer_that_ran(name):
    named, optimizer = leaves(), getattr(optim, name)(OPTIONS[name])
    start, values = optimizer.get_state(), {key: leaf.detach().clone() for key, leaf in named.items()}
    results = []
    for _ in range(2):
        for _ in range(3):
            backward(named)
            optimizer(named)
        results.append({key: leaf.detach().clone() for key, leaf in named.items()})
        optimizer.set_state(start)
        with torch.no_grad():
            for key, leaf in named.items():
                leaf.copy_(values[key])
    assert all(torch.equal(results[0][key], results[1][key]) for key in SHAPES)


@pytest.mark.gpu
@each_optimizer
def test_it_steps_on_a_gpu_as_on_the_cpu(name):
    on_cpu, on_gpu = leaves(), {key: leaf.detach().cuda().requires_grad_() for key, leaf in leaves().items()}
    first, second = getattr(optim, name)(OPTIONS[name]), getattr(optim, name)(OPTIONS[name])
    for step in range(4):
        for named, optimizer in ((on_cpu, first), (on_gpu, second)):
            backward(named)
            optimizer(named)
        if step == 1:
            second.set_state(first.get_state())  # a state moves to where the parameters are
    for key in SHAPES:
        torch.testing.assert_close(on_gpu[key].cpu(), on_cpu[key])


def test_options_may_depend_on_the_name():
    named = {"guide.loc": torch.zeros(1, requires_grad=True), "scale": torch.zeros(1, requires_grad=True)}
    seen = []

    def options(module, name):
        seen.append((module, name))
        return {"lr": 1.0 if module == "guide" else 0.5}

    optimizer = optim.SGD(options)
    for leaf in named.values():
        leaf.grad = torch.ones(1)
    optimizer(named)
    optimizer(named)
    assert seen == [("guide", "loc"), ("", "scale")]
    assert [leaf.item() for leaf in named.values()] == [-2.0, -1.0]


def test_there_are_as_few_groups_as_options():
    named = {f"p{index}": torch.zeros(1, requires_grad=True) for index in range(6)}
    optimizer = optim.Adam(lambda name: {"lr": 0.1} if name < "p3" else {"betas": (0.5, 0.9)})
    for leaf in named.values():
        leaf.grad = torch.ones(1)
    optimizer(named)
    groups = optimizer.torch_optimizer.param_groups
    assert [len(group["params"]) for group in groups] == [3, 3]
    assert [group["lr"] for group in groups] == [0.1, 0.001], "the defaults are torch's, not those of the first group"
    assert [group["betas"] for group in groups] == [(0.9, 0.999), (0.5, 0.9)]


def test_only_the_given_parameters_are_stepped():
    named = leaves()
    optimizer = optim.SGD({"lr": 0.1})
    backward(named)
    optimizer(named)
    before, grad = named["a"].detach().clone(), named["a"].grad
    optimizer({"b": named["b"]})
    assert torch.equal(named["a"], before)
    assert named["a"].grad is grad, "gradients stay in place"


def test_a_parameter_without_gradient_stays():
    named = leaves()
    optimizer = optim.Adam({"lr": 0.1, "weight_decay": 1.0})
    backward(named)
    named["a"].grad = None
    before = named["a"].detach().clone()
    optimizer(named)
    assert torch.equal(named["a"], before)


def test_a_new_leaf_of_an_old_name_starts_afresh():
    optimizer, fresh = optim.Adam({"lr": 0.1}), optim.Adam({"lr": 0.1})
    first, second = {"x": torch.zeros(2, requires_grad=True)}, {"x": torch.zeros(3, requires_grad=True)}
    reference = {"x": torch.zeros(3, requires_grad=True)}
    backward(first)
    optimizer(first)
    for named, each in ((second, optimizer), (reference, fresh)):
        backward(named)
        each(named)
    assert torch.equal(second["x"], reference["x"])
    assert optimizer.get_state()["params"]["x"]["shape"] == (3,)


def test_one_tensor_with_two_names_is_stepped_once():
    leaf = torch.zeros(1, requires_grad=True)
    leaf.grad = torch.ones(1)
    optim.SGD({"lr": 1.0})({"encoder": leaf, "decoder": leaf})
    assert leaf.item() == -1.0


def test_leaves_of_the_store_in_use():
    with ParamStore() as store:
        value = store.get_param("x", torch.ones(1))
        value.sum().backward()
        optimizer = optim.SGD({"lr": 1.0})
        optimizer({value.unconstrained()})
        assert store["x"].item() == 0.0
        assert list(optimizer.get_state()["params"]) == ["x"]


def test_leaves_outside_the_store_are_numbered():
    first, second = (torch.zeros(size, requires_grad=True) for size in (1, 2))
    with ParamStore() as store:
        inside = store.get_param("x", torch.zeros(3)).unconstrained()
        optimizer = optim.Adam({"lr": 0.5})
        ours, theirs = (
            [first, inside, second],
            [each.detach().clone().requires_grad_() for each in (first, inside, second)],
        )
        peer = torch.optim.Adam(theirs, lr=0.5)
        for turn in range(3):
            for leaf in (*ours, *theirs):
                leaf.grad = torch.full_like(leaf, 1.0 + turn)
            optimizer(reversed(ours) if turn else ours)
            peer.step()
    assert list(optimizer.get_state()["params"]) == ["tensor_0", "x", "tensor_1"]
    for leaf, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(leaf, other)
    with pytest.raises(ArgumentError, match="got a str among its parameters"):
        optimizer(["x"])


def test_a_computed_tensor_is_refused():
    leaf = torch.ones(1, requires_grad=True)
    with pytest.raises(ParamError, match=r"'x' as the result of a computation.*\.unconstrained\(\)"):
        optim.SGD({"lr": 1.0})({"x": leaf.exp()})


def test_muon_takes_matrices():
    weight = nn.Parameter(torch.eye(2))
    weight.grad = torch.eye(2)
    optim.Muon({"lr": 0.1})({"weight": weight})
    assert weight[0, 0].item() < 1
    bias = nn.Parameter(torch.ones(2))
    with pytest.raises(ArgumentError, match=r"Muon got parameter 'bias' of shape \(2,\)"):
        optim.Muon({"lr": 0.1})({"bias": bias})


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")  # torch's own, once a process
@pytest.mark.parametrize("name", ["SparseAdam", "SGD", "Adagrad"])
def test_sparse_gradients(name):
    table = nn.Embedding(4, 2, sparse=True)
    table(torch.tensor([1])).sum().backward()
    before = table.weight.detach().clone()
    getattr(optim, name)({"lr": 0.1})({"table": table.weight})
    changed = (table.weight != before).any(-1)
    assert changed.tolist() == [False, True, False, False]


def test_sparse_adam_needs_sparse_gradients():
    leaf = torch.ones(2, requires_grad=True)
    leaf.grad = torch.ones(2)
    with pytest.raises(ArgumentError, match=r"dense gradient for parameter 'x'.*Use Adam"):
        optim.SparseAdam({"lr": 0.1})({"x": leaf})


@pytest.mark.parametrize("make", [lambda: optim.LBFGS({"lr": 1.0}), lambda: Optimizer(torch.optim.LBFGS, {})])
def test_lbfgs_is_refused(make):
    with pytest.raises(ArgumentError, match=r"closure.*Use Adam"):
        make()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: optim.Adam({"lrr": 0.1}), r"Adam got an unknown option 'lrr'\. Did you mean 'lr'\?"),
        (lambda: optim.Adam({"lr": -0.1}), r"Adam got options .*Invalid learning rate"),
        (lambda: optim.Adam(0.1), "Adam got options 0.1, a float; it takes a dict"),
        (lambda: optim.ClippedAdam({"lrd": 2.0}), r"lrd=2\.0, where a number in \(0, 1\] was expected"),
        (lambda: Optimizer(torch.nn.Linear, {}), "takes a class of torch.optim"),
        (lambda: optim.SGD({"lr": 0.1}, {"clip": 1.0}), r"unknown key 'clip'\. Did you mean 'clip_"),
        (lambda: optim.SGD({"lr": 0.1}, {"clip_norm": 0.0}), "takes a positive number"),
    ],
)
def test_wrong_options_are_errors_at_once(make, says):
    with pytest.raises(ArgumentError, match=f"(?s){says}"):
        make()


def test_wrong_options_of_one_parameter():
    optimizer = optim.Adam(lambda name: {"learning_rate": 0.1})
    with pytest.raises(ArgumentError, match="unknown option 'learning_rate'"):
        optimizer({"x": torch.ones(1, requires_grad=True)})
