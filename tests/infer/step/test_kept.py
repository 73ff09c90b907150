"""What makes an SVI capture nothing; and the step it has kept goes on from where everything is."""

import functools

import numpy as np
import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.step.cases import Case, Replayed, Shift, Y, begun
from virgil.errors import CaptureError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.step import compiled


@pytest.fixture(autouse=True)
def replays(monkeypatch):
    monkeypatch.setattr(compiled, "compiled", lambda engine, *step: Replayed(*step))


def saved_and_loaded(case, folder):
    case.svi.save(folder / "fit")
    case.svi.run(3, *case.args, engine="eager", progress=False)
    case.svi.load(folder / "fit")


def state_set(case, folder):
    state = case.optim.get_state()
    case.svi.step(*case.args)
    case.optim.set_state(state)


def another_program(case, folder):
    def model():
        virgil.sample("x", dist.Normal(virgil.param("elsewhere", torch.tensor(0.0)), 1.0), obs=torch.tensor(1.0))

    SVI(model, lambda: None, case.optim, Trace_ELBO()).step()


def written_through_data(case, folder):
    case.net[3].weight.data.add_(1.0)
    case.net[0].running_mean.data.add_(1.0)


def value_set(case, folder):
    virgil.get_param_store()["spread"] = torch.tensor(4.0)


NOTHING = {
    "other values": lambda case, folder: setattr(case, "args", (Y + 1.0,)),
    "another layout in memory": lambda case, folder: setattr(case, "args", (torch.stack([Y, Y], 1)[:, 0],)),
    "a learning rate": lambda case, folder: case.group.update(lr=0.5),
    "a seed": lambda case, folder: virgil.set_rng_seed(3),
    "eager steps": lambda case, folder: [case.svi.step(*case.args) for _ in range(3)],
    "an eager run": lambda case, folder: case.svi.run(3, *case.args, engine="eager", progress=False),
    "another engine": lambda case, folder: case.svi.run(3, *case.args, engine="inductor", progress=False),
    "a look at the loss": lambda case, folder: case.svi.evaluate_loss(*case.args),
    "saving and loading": saved_and_loaded,
    "an optimiser's state": state_set,
    "a parameter's value": value_set,
    "a value written through .data": written_through_data,
    "another program's parameters": another_program,
    "validation": lambda case, folder: virgil.settings.set(validate=False),
    "a network copied": lambda case, folder: case.net.load_state_dict(Case().net.state_dict()),
    "an attribute that the model does not read": lambda case, folder: setattr(case, "count", case.count + 1),
    "many runs": lambda case, folder: [case.run(1) for _ in range(20)],
}


@pytest.mark.parametrize("name", NOTHING)
def test_no_capture(name, tmp_path):
    case = begun()
    for _ in range(2):
        NOTHING[name](case, tmp_path)
        case.run()
        assert case.steps.captures == 1
        case.assert_present()


@pytest.mark.parametrize(
    "make", [lambda: float("nan"), lambda: np.ones(2), lambda: Shift(2.0), lambda: (1, [2.0, {"a": 3}])]
)
def test_equal_python_values_are_the_same(make):
    case = begun()
    for _ in range(3):
        case.args = (Y, make())
        case.run()
    assert case.steps.captures == 2


def test_a_schedule_causes_no_capture():
    optim = virgil.optim.ExponentialLR({"optimizer": torch.optim.Adam, "optim_args": {"lr": 0.1}, "gamma": 0.5})
    case = begun(optim=optim)
    for _ in range(3):
        case.run(4)
    assert case.steps.captures == 1
    assert case.group["lr"] == pytest.approx(0.1 * 0.5**14)


def test_values_set_between_runs_are_where_the_next_run_begins():
    """Steps with a rate of zero show them."""
    case = begun()
    case.group["lr"] = 0.0
    for number in range(3):
        case.net[3].weight.data.fill_(number)
        case.run()
        assert case.net[3].weight.tolist() == [[number]]


def test_an_optimisers_loaded_memory_is_what_the_next_run_goes_on_from():
    case = begun()
    state = case.optim.get_state()
    case.run(5)
    case.optim.set_state(state)
    case.run(3)
    assert {float(each["values"]["step"]) for each in case.optim.get_state()["params"].values()} == {3.0 + 3.0}


def test_as_many_programs_are_kept_as_promised():
    case = begun()
    sizes = range(2, 2 + compiled._KEPT)
    for size in (*sizes, *sizes):
        case.args = (torch.linspace(-1.0, 1.0, size),)
        case.run(1)
    assert case.steps.captures == 1 + compiled._KEPT - 1  # five, the size begun with, is among them


class Counting(torch.optim.Optimizer):
    """Halves its rate with each step, which it counts in Python."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for each in group["params"]:
                self.state[each]["count"] = self.state[each].get("count", 0) + 1
                each.sub_(each.grad * group["lr"] * 0.5 ** self.state[each]["count"])


def test_an_optimiser_that_counts_in_python_is_refused():
    case = Case(optim=functools.partial(Counting, lr=0.1))
    case.svi.step(*case.args)
    with pytest.raises(CaptureError, match="Counting remembers 'count' of a parameter as a Python value"):
        case.run()
