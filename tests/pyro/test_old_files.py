"""Files that pyro-ppl wrote become files of Virgil's, and nothing in a file is run."""

from __future__ import annotations

import builtins
import io
import os
import pickle
import random
import zipfile
from pathlib import Path

import pyro
import pytest
import torch
from pyro.nn import PyroModule, PyroParam
from safetensors.torch import load_file
from torch import nn

from virgil.cli import main
from virgil.errors import FileFormatError
from virgil.params.constraint import same_constraint
from virgil.pyro.old_files import convert

OLD = Path(__file__).parent / "old_files"
PAIR = [0.25, 0.5]
# by name the value, and the constraint where it has a plain name
STORE = {
    "real": (PAIR, pyro.distributions.constraints.real),
    "positive": (PAIR, pyro.distributions.constraints.positive),
    "nonnegative": (PAIR, pyro.distributions.constraints.nonnegative),
    "unit_interval": (PAIR, pyro.distributions.constraints.unit_interval),
    "interval": (PAIR, pyro.distributions.constraints.interval(-1.0, torch.tensor(2.0))),
    "greater_than": (PAIR, pyro.distributions.constraints.greater_than(-1.0)),
    "greater_than_eq": (PAIR, pyro.distributions.constraints.greater_than_eq(-1.0)),
    "less_than": (PAIR, pyro.distributions.constraints.less_than(1.0)),
    "half_open_interval": (PAIR, pyro.distributions.constraints.half_open_interval(0.0, 2.0)),
    "simplex": ([0.25, 0.75], pyro.distributions.constraints.simplex),
    "lower_cholesky": ([[2.0, 0.0], [0.5, 3.0]], pyro.distributions.constraints.lower_cholesky),
    "corr_cholesky": ([[1.0, 0.0], [0.6, 0.8]], pyro.distributions.constraints.corr_cholesky),
    "positive_definite": ([[2.0, 0.5], [0.5, 1.0]], pyro.distributions.constraints.positive_definite),
    "real_vector": (PAIR, pyro.distributions.constraints.real_vector),
    "independent": (PAIR, pyro.distributions.constraints.independent(pyro.distributions.constraints.positive, 1)),
    "softplus_positive": (PAIR, pyro.distributions.constraints.softplus_positive),
    "softplus_lower_cholesky": ([[2.0, 0.0], [0.5, 3.0]], pyro.distributions.constraints.softplus_lower_cholesky),
    "unit_lower_cholesky": ([[1.0, 0.0], [0.5, 1.0]], pyro.distributions.constraints.unit_lower_cholesky),
    "ordered_vector": (PAIR, pyro.distributions.constraints.ordered_vector),
    "positive_ordered_vector": (PAIR, pyro.distributions.constraints.positive_ordered_vector),
    "sphere": ([0.6, 0.8], pyro.distributions.constraints.sphere),
    "corr_matrix": ([[1.0, 0.6], [0.6, 1.0]], pyro.distributions.constraints.corr_matrix),
    "stack": (PAIR, None),
    "cat": (PAIR, None),
    "double": (PAIR, pyro.distributions.constraints.real),
    "net$$$weight": ([[1.0, 2.0]], pyro.distributions.constraints.real),
    "net$$$bias": ([3.0], pyro.distributions.constraints.real),
}


def test_parameters_have_the_values_and_constraints_that_they_had(tmp_path):
    assert convert(OLD / "params.pt", tmp_path / "new") == "parameters"
    store = pyro.get_param_store()
    store.load(tmp_path / "new", map_location=lambda storage, location: storage)
    assert list(store.keys()) == list(STORE)
    for name, (value, constraint) in STORE.items():
        assert torch.allclose(store[name].float(), torch.tensor(value), atol=1e-6), name
        assert constraint is None or same_constraint(store.constraint(name), constraint), name
    assert store["double"].dtype == torch.float64


def test_a_network_takes_up_the_parameters_of_its_name(tmp_path):
    convert(OLD / "params.pt", tmp_path / "new")
    pyro.get_param_store().load(tmp_path / "new")
    net = nn.Linear(2, 1)
    pyro.module("net", net, update_module_params=True)
    assert net.weight.tolist() == [[1.0, 2.0]]
    assert net.bias.tolist() == [3.0]


@pytest.mark.parametrize(
    ("name", "make", "rate"),
    [
        ("adam.pt", lambda: pyro.optim.Adam({"lr": 0.5}), 0.125),
        ("clipped_adam.pt", lambda: pyro.optim.ClippedAdam({"lr": 0.5}), 0.125),
    ],
)
def test_an_optimisers_state_goes_on(name, make, rate, tmp_path):
    assert convert(OLD / name, tmp_path / "new") == "state of an optimiser"
    optimizer = make()
    optimizer.load(tmp_path / "new", map_location="cpu")
    pyro.param("real", torch.zeros(2))
    leaf = pyro.get_param_store().unconstrained("real")
    leaf.grad = torch.full((2,), -1.0)
    optimizer([leaf])
    state = optimizer.get_state()["real"]
    assert state["state"][0]["step"] == 2
    assert torch.allclose(state["state"][0]["exp_avg"], torch.tensor(0.9 * 0.1 * 1.0 - 0.1 * 1.0))
    assert state["param_groups"][0]["lr"] == rate
    assert state["param_groups"][0].get("lrd", 0.5) in (0.5, 1.0)
    assert set(optimizer.get_state()) == {"real", "positive"}


def test_a_schedule_goes_on(tmp_path):
    assert convert(OLD / "multi_step.pt", tmp_path / "new") == "state of an optimiser"
    options = {"lr": 0.125, "momentum": 0.25}
    scheduler = pyro.optim.MultiStepLR(
        {"optimizer": torch.optim.SGD, "optim_args": options, "milestones": [1, 3], "gamma": 0.5}
    )
    scheduler.load(tmp_path / "new")
    pyro.param("real", torch.zeros(2))
    leaf = pyro.get_param_store().unconstrained("real")
    leaf.grad = torch.ones(2)
    scheduler([leaf])
    assert scheduler.optim_objs[leaf].get_last_lr() == [0.25]
    # the momentum of the old run: 0.5 times one gradient of ones, and the new one
    assert leaf.tolist() == [-0.25 * 1.5] * 2
    scheduler.step()
    assert scheduler.optim_objs[leaf].get_last_lr() == [0.125]


class Network(PyroModule):
    def __init__(self):
        super().__init__()
        self.scale = PyroParam(torch.tensor(1.0), constraint=pyro.distributions.constraints.positive)
        self.linear = PyroModule[nn.Linear](2, 1)


def test_a_modules_state_is_loaded_as_it_is_and_converted(tmp_path):
    for state in (
        torch.load(OLD / "module.pt", weights_only=True),
        load_file(tmp_path / "new") if convert(OLD / "module.pt", tmp_path / "new") else {},
    ):
        network = Network()
        network.load_state_dict(state)
        assert network.scale.item() == pytest.approx(2.0)
        assert network.linear.weight.tolist() == [[1.0, 2.0]]


def test_the_command(tmp_path, capsys):
    new = tmp_path / "new.safetensors"
    assert main(["convert", str(OLD / "params.pt"), str(new)]) == 0
    assert capsys.readouterr().out == f"{new}: parameters\n"
    assert main(["convert", str(tmp_path / "none"), str(new)]) == 1
    assert "No such file" in capsys.readouterr().err
    assert main(["convert", str(new), str(tmp_path / "newer")]) == 1
    assert "is a safetensors file, which needs no conversion" in capsys.readouterr().err


def test_a_store_says_how_an_old_file_is_converted():
    with pytest.raises(FileFormatError, match="by `virgil convert old.pt new.safetensors`"):
        pyro.get_param_store().load(OLD / "params.pt")


# -- what is refused -------------------------------------------------------------------------------------------------


class Runs:
    """Pickled, a call of any function."""

    def __init__(self, fn, *args):
        self.call = fn, args

    def __reduce__(self):
        return self.call


def pickled(content, filename, legacy=False):
    torch.save(content, filename, _use_new_zipfile_serialization=not legacy)
    return filename


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("fn", "name"),
    [
        (os.system, f"{os.system.__module__}.system"),
        (builtins.eval, "eval"),
        (builtins.exec, "exec"),
        (pickle.loads, "pickle.loads"),
        (torch.load, "torch.serialization.load"),
        (torch.hub.load, "torch.hub.load"),
    ],
)
def test_a_file_that_calls_is_refused_by_the_name_of_what_it_calls(fn, name, legacy, tmp_path):
    content = {"params": {"x": Runs(fn, f"touch {tmp_path / 'ran'}")}, "constraints": {}}
    old = pickled(content, tmp_path / "old", legacy)
    with pytest.raises(FileFormatError, match=f"names {name}, which is no part.*nothing in the file was run"):
        convert(old, tmp_path / "new")
    assert {each.name for each in tmp_path.iterdir()} == {"old"}


@pytest.mark.parametrize("place", ["constraint", "bound", "name", "memory"])
def test_a_call_is_refused_wherever_it_stands(place, tmp_path):
    call, leaf = Runs(os.system, f"touch {tmp_path / 'ran'}"), torch.ones(2)
    content = {
        "constraint": {"params": {"x": leaf}, "constraints": {"x": call}},
        "bound": {"params": {"x": leaf}, "constraints": {"x": pyro.distributions.constraints.greater_than(call)}},
        "name": {"params": {(call,): leaf}, "constraints": {}},
        "memory": {"x": {"state": {0: {"step": call}}, "param_groups": [{"lr": 0.1}]}},
    }[place]
    with pytest.raises(FileFormatError, match=r"names \w+\.system, which is no part"):
        convert(pickled(content, tmp_path / "old"), tmp_path / "new")
    assert {each.name for each in tmp_path.iterdir()} == {"old"}


def test_a_pickled_object_is_refused_by_its_class(tmp_path):
    with pytest.raises(FileFormatError, match=r"names torch\.nn\.modules\.linear\.Linear, which is no part"):
        convert(pickled(nn.Linear(1, 1), tmp_path / "old"), tmp_path / "new")


CONTENTS = {
    "a number": (3, "holds an int that is neither"),
    "nothing": ({}, "holds a dict that is neither"),
    "a list": ([torch.ones(1)], "holds a list that is neither"),
    "a constraint without a parameter": (
        {"params": {}, "constraints": {"x": pyro.distributions.constraints.positive}},
        "does not hold what it seems",
    ),
    "a number for a parameter": ({"params": {"x": 3.0}, "constraints": {}}, "does not hold what it seems"),
    "whole numbers": ({"params": {"x": torch.ones(2, dtype=torch.int64)}, "constraints": {}}, "takes a floating"),
    "a text for a constraint": ({"params": {"x": torch.ones(2)}, "constraints": {"x": "positive"}}, "takes a constr"),
    "a matrix that is none": (
        {"params": {"x": torch.ones(2)}, "constraints": {"x": pyro.distributions.constraints.lower_cholesky}},
        "does not hold what it seems",
    ),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_another_content_is_refused(name, tmp_path):
    content, message = CONTENTS[name]
    with pytest.raises(FileFormatError, match=message):
        convert(pickled(content, tmp_path / "old"), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def outcome(data, tmp_path):
    (tmp_path / "old").write_bytes(data)
    try:
        return convert(tmp_path / "old", tmp_path / "new")
    except FileFormatError as error:
        return str(error)


@pytest.mark.parametrize("name", ["params.pt", "adam.pt"])
def test_a_damaged_file_is_refused_or_read(name, tmp_path):
    data, rng = (OLD / name).read_bytes(), random.Random(0)
    outcomes = [outcome(data[:size], tmp_path) for size in (0, 1, 100, len(data) // 2, len(data) - 1)]
    for _ in range(40):
        damaged = bytearray(data)
        for _ in range(rng.choice([1, 3, 10])):
            damaged[rng.randrange(len(data))] = rng.randrange(256)
        outcomes.append(outcome(bytes(damaged), tmp_path))
    assert all("damaged" in each for each in outcomes[:5])
    assert any("damaged" in each for each in outcomes[5:])


def program(name):
    with zipfile.ZipFile(OLD / name) as archive:
        return next(each for each in archive.namelist() if each.endswith("data.pkl"))


def with_program(name, pickle_bytes):
    """An old file with another pickle inside, whole as an archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(OLD / name) as archive, zipfile.ZipFile(out, "w") as changed:
        for each in archive.namelist():
            changed.writestr(each, pickle_bytes if each.endswith("data.pkl") else archive.read(each))
    return out.getvalue()


def test_a_damaged_program_inside_a_whole_archive_is_refused_or_read(tmp_path):
    with zipfile.ZipFile(OLD / "params.pt") as archive:
        good = archive.read(program("params.pt"))
    rng, refused = random.Random(1), 0
    for _ in range(60):
        damaged = bytearray(good)
        for _ in range(rng.choice([1, 2, 5])):
            damaged[rng.randrange(len(good))] = rng.randrange(256)
        refused += outcome(with_program("params.pt", bytes(damaged)), tmp_path) != "parameters"
    assert refused
