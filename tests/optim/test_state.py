"""States of optimisers and their files: what does not fit is refused whole."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save

from virgil import optim
from virgil.errors import FileFormatError, ParamError
from virgil.params import ParamStore


def stepped(optimizer, steps=2, size=2):
    named = {"x": torch.zeros(size, requires_grad=True), "y": torch.zeros((), requires_grad=True)}
    for _ in range(steps):
        for leaf in named.values():
            leaf.grad = torch.ones_like(leaf)
        optimizer(named)
    return optimizer, named


def assert_same(left, right):
    assert left["optimizer"] == right["optimizer"]
    assert left["schedule"] == right["schedule"]
    assert left["params"].keys() == right["params"].keys()
    for name, param in left["params"].items():
        other = right["params"][name]
        assert param["shape"] == other["shape"]
        assert param["values"].keys() == other["values"].keys()
        for key, value in param["values"].items():
            assert torch.equal(value, other["values"][key]) if isinstance(value, torch.Tensor) else value == other[key]


def test_a_state_waits_for_its_parameters(tmp_path):
    optimizer, _ = stepped(optim.Adam({"lr": 0.1}))
    optimizer.save(tmp_path / "state")
    waiting = optim.Adam({"lr": 0.1})
    waiting.load(tmp_path / "state")
    assert_same(waiting.get_state(), optimizer.get_state())
    waiting({"x": torch.zeros(2, requires_grad=True)})  # takes its part; the other still waits
    assert_same(waiting.get_state(), optimizer.get_state())


def test_a_state_is_a_copy():
    optimizer, named = stepped(optim.Adam({"lr": 0.1}))
    state, again = optimizer.get_state(), optimizer.get_state()
    optimizer(named)
    assert_same(state, again)
    optimizer.set_state(state)
    optimizer(named)
    assert_same(state, again)


def test_a_parameter_that_the_state_lacks_starts_afresh():
    optimizer, _ = stepped(optim.Adam({"lr": 0.1}))
    optimizer.set_state(optim.Adam({"lr": 0.1}).get_state())
    assert optimizer.get_state()["params"]["x"]["values"] == {}


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (stepped(optim.SGD({"lr": 0.1}))[0].get_state(), "is that of SGD, but this optimiser is Adam"),
        (stepped(optim.Adam({"lr": 0.1}), size=3)[0].get_state(), r"'x' with shape \(3,\).*shape \(2,\)"),
        (None, "no state of an optimiser"),
        ({"x": 1}, "no state of an optimiser"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(state, says):
    optimizer, _ = stepped(optim.Adam({"lr": 0.1}))
    before = optimizer.get_state()
    with pytest.raises(ParamError, match=says):
        optimizer.set_state(state)
    assert_same(optimizer.get_state(), before)


def test_a_waiting_state_that_does_not_fit_its_parameter():
    optimizer = optim.Adam({"lr": 0.1})
    optimizer.set_state(stepped(optim.Adam({"lr": 0.1}), size=3)[0].get_state())
    with pytest.raises(ParamError, match="'x' with shape"):
        stepped(optimizer)


def test_any_truncated_file_is_refused_whole(tmp_path):
    optimizer, _ = stepped(optim.Adam({"lr": 0.1}))
    before = optimizer.get_state()
    optimizer.save(tmp_path / "state")
    content = (tmp_path / "state").read_bytes()
    for length in range(0, len(content), 7):
        (tmp_path / "cut").write_bytes(content[:length])
        with pytest.raises(FileFormatError, match="cut"):
            optimizer.load(tmp_path / "cut")
    assert_same(optimizer.get_state(), before)


def _foreign(header):
    about = {"kind": "optimiser state", "version": 1, "header": header}
    return save({"0.step": torch.ones(())}, metadata={"virgil": json.dumps(about)})


@pytest.mark.parametrize(
    "header",
    [
        None,
        {},
        {"optimizer": "Adam", "params": [["x"]], "schedule": None},
        {"optimizer": "Adam", "params": [["x", [2], {"step": {"tensor": "1.step"}}]], "schedule": None},
        {"optimizer": "Adam", "params": [], "schedule": "x"},
    ],
)
def test_a_damaged_header_is_refused(header, tmp_path):
    (tmp_path / "state").write_bytes(_foreign(header))
    with pytest.raises(FileFormatError):
        optim.Adam({"lr": 0.1}).load(tmp_path / "state")


def test_parameters_are_no_state(tmp_path):
    ParamStore().save(tmp_path / "params")
    with pytest.raises(FileFormatError, match="holds parameters, but optimiser state were expected"):
        optim.Adam({"lr": 0.1}).load(tmp_path / "params")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            optim.Adam({"lr": 0.1, "amsgrad": True}),
            r"remembers 'max_exp_avg_sq' of parameter 'x', but the state lacks it",
        ),
        (optim.SGD({"lr": 0.1}), "is that of Adam, but this optimiser is SGD"),
    ],
)
def test_a_file_that_other_options_wrote(given, says, tmp_path):
    stepped(optim.Adam({"lr": 0.1}))[0].save(tmp_path / "state")
    optimizer, named = stepped(given)
    before = optimizer.get_state()
    with pytest.raises(FileFormatError, match=says):
        optimizer.load(tmp_path / "state")
    assert_same(optimizer.get_state(), before)
    optimizer(named)


class Remembers(torch.optim.SGD):
    """Keeps something in its state that is no tensor."""

    def step(self, closure=None):
        for leaf in self.param_groups[0]["params"]:
            self.state[leaf]["names"] = ["a"]


def test_what_has_no_written_form_is_refused_before_writing(tmp_path):
    optimizer, _ = stepped(optim.Optimizer(Remembers, {"lr": 0.1}))
    with pytest.raises(ParamError, match="Remembers remembers 'names' of parameter 'x' as a list"):
        optimizer.save(tmp_path / "state")
    assert not list(tmp_path.iterdir())
