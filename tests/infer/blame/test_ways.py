"""A step that is not finite: one cause on all engines, the state as it was, and a next step that works."""

import pytest
import torch

from tests.infer.blame.ways import WAYS
from virgil.errors import NonFiniteError
from virgil.infer import SVI
from virgil.infer.step.state import finding

pytestmark = pytest.mark.long


BEFORE = 2  # steps of a run that go well
ON_INDUCTOR = ["log of zero", "root at zero", "an exploding gradient"]


class Fit:
    """An SVI whose optimiser has begun, and its state."""

    def __init__(self, way):
        model, guide = way.program()
        self.way = way
        self.svi = SVI(model, guide, way.optim(), way.objective())
        with finding() as found:
            self.svi.step(way.good)
        buffers = [each for module in found.modules for each in module.buffers(recurse=False)]
        self.tensors = [*found.leaves.values(), *buffers]
        self.optimizer = self.svi.optim

    def state(self):
        return [each.detach().clone() for each in self.tensors], self.optimizer.get_state()

    def go_to(self, state):
        with torch.no_grad():
            for tensor, value in zip(self.tensors, state[0], strict=True):
                tensor.copy_(value)
        self.optimizer.set_state(state[1])

    def run(self, data, engine):
        torch.manual_seed(3)
        return self.svi.run(epochs=1, data=data, engine=engine, progress=False)


def same(one, other):
    """Bit for bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other) and one.dtype == other.dtype
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def check_message(way, error):
    text, place = str(error), 0
    for word in way.words:
        assert word in text[place:], f"{word!r} is not in {text[place:]!r}"
        place = text.index(word, place) + len(word)
    assert error.site == way.site
    assert "Parameters, buffers and optimiser are as they were before" in text


def check_next(fit):
    for _ in range(2):
        assert torch.isfinite(torch.tensor(fit.svi.step(fit.way.good)))
    assert all(each.isfinite().all() for each in fit.tensors)


def take(fit, engine):
    way = fit.way
    good = [way.good] * BEFORE + list(way.lead)
    begin = fit.state()
    with pytest.raises(NonFiniteError) as caught:
        fit.run([*good, way.bad], engine)
    after = fit.state()
    check_message(way, caught.value)
    assert f"step {len(good)}" in str(caught.value)
    fit.go_to(begin)
    fit.run(good, engine)
    assert same(after, fit.state())


@pytest.mark.parametrize("engine", ["eager", "xla"])
@pytest.mark.parametrize("name", WAYS)
def test_a_run_stops_before_the_step_and_says_why(name, engine):
    fit = Fit(WAYS[name])
    take(fit, engine)
    if name != "a schedule gone wrong":
        check_next(fit)


@pytest.mark.parametrize("name", ON_INDUCTOR)
def test_inductor_too(name):
    take(Fit(WAYS[name]), "inductor")


@pytest.mark.parametrize("name", [name for name in WAYS if name != "a schedule gone wrong"])
def test_a_single_step_is_taken_back_and_explained(name):
    way = WAYS[name]
    fit = Fit(way)
    for each in way.lead:
        fit.svi.step(each)
    before = fit.state()
    with pytest.raises(NonFiniteError) as caught:
        fit.svi.step(way.bad)
    check_message(way, caught.value)
    assert same(before, fit.state())
    check_next(fit)
