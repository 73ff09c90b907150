"""The tree of exceptions is the one that its docstring draws, and messages are short."""

import re

import numpy as np
import pytest
import torch

import virgil
import virgil.distributions as dist
import virgil.errors as errors
from virgil.errors import did_you_mean, shown
from virgil.infer import SVI, Predictive, Trace_ELBO
from virgil.infer.autoguide import AutoNormal

CLASSES = {
    name: each for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, errors.VirgilError)
}


def drawn():
    """By class: the depth at which it is drawn, and the built-in exception in brackets."""
    for line in errors.__doc__.splitlines():
        match = re.match(r"^    ([│ ├└─]*)(\w+(?:Error))\b(.*)$", line)
        if match:
            branch, name, text = match.groups()
            builtin = re.search(r"\((\w+Error)\)", text)
            yield len(branch) // 4, name, builtin and builtin.group(1)


def test_the_drawing_shows_every_class_below_its_parent():
    path, seen = [], set()
    for depth, name, builtin in drawn():
        path[depth:] = [name]
        seen.add(name)
        if depth:
            assert CLASSES[path[depth - 1]] in CLASSES[name].__bases__
        if builtin:
            assert issubclass(CLASSES[name], getattr(__builtins__, builtin, None) or __builtins__[builtin])
    assert seen == CLASSES.keys()


def test_a_missing_parameter_reads_as_a_sentence():
    assert str(errors.MissingParamError("There is none.")) == "There is none."


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("sigmma", ["mu", "sigma"], "Did you mean 'sigma'?"),
        ("x", ["mu", "sigma"], "Known names: 'mu', 'sigma'."),
        ("x", [], "No names are known."),
        ("zzz", [f"site{i:02d}" for i in range(12)], "'site09', ..."),
    ],
)
def test_hints(name, known, hint):
    assert did_you_mean(name, known).endswith(hint)


class _Frame:
    """A table of data, whose own words are many lines."""

    shape = (1000, 3)

    def __repr__(self):
        return "0  1  2\n" * 1000


LONG = {
    "a tensor": (torch.zeros(10, 3), "<Tensor of shape (10, 3)>"),
    "an array": (np.zeros((10, 3)), "<ndarray of shape (10, 3)>"),
    "a table": (_Frame(), "<_Frame of shape (1000, 3)>"),
    "a list": (list(range(1000)), "<list of 1000: 0, 1, 2, ...>"),
    "a list of tensors": ([torch.zeros(3)] * 9, "<list of 9: <Tensor of shape (3,)>, <Tensor of shape (3,)>, <Tensor"),
    "a dict": ({"x": torch.zeros(10, 3)}, "{'x': <Tensor of shape (10, 3)>}"),
    "a long dict": ({f"x{i}": i for i in range(50)}, "<dict of 50: 'x0': 0, 'x1': 1, 'x2': 2, ...>"),
    "a network": (torch.nn.Sequential(*[torch.nn.Linear(3, 3)] * 20), "<Sequential>"),
    "text": ("word " * 1000, "... (5000 characters)"),
}
SHORT = [None, 3, 0.5, "name", [], (), (1,), [1, "two"], {"lr": 0.1}, torch.tensor(2.0), range(3)]


@pytest.mark.parametrize(("value", "words"), LONG.values(), ids=LONG)
def test_what_is_long_is_shown_by_type_and_shape(value, words):
    assert words in shown(value)
    assert len(shown(value)) < 200
    assert "\n" not in shown(value)


@pytest.mark.parametrize("value", SHORT, ids=repr)
def test_what_is_short_is_shown_as_it_is(value):
    assert shown(value) == repr(value)


def _model(*args):
    virgil.sample("z", dist.Normal(0.0, 1.0))


def _svi():
    return SVI(_model, _model, virgil.optim.SGD({"lr": 0.1}), Trace_ELBO())


ASKED = {
    "run": lambda value: _svi().run(value, 3),
    "run epochs": lambda value: _svi().run(epochs=value, data=[]),
    "SVI guide": lambda value: SVI(_model, value, virgil.optim.SGD({"lr": 0.1}), Trace_ELBO()),
    "SVI loss": lambda value: SVI(_model, _model, virgil.optim.SGD({"lr": 0.1}), value),
    "SVI optim": lambda value: SVI(_model, _model, value, Trace_ELBO()),
    "sample": lambda value: virgil.sample("x", value),
    "sample name": lambda value: virgil.sample(value, dist.Normal(0.0, 1.0)),
    "module": lambda value: virgil.module("net", value),
    "plate": lambda value: virgil.plate("data", value),
    "AutoNormal": lambda value: AutoNormal(value),
    "Predictive": lambda value: Predictive(_model, num_samples=value),
    "num_particles": lambda value: Trace_ELBO(num_particles=value),
    "trace": lambda value: virgil.poutine.condition(_model, data=value),
    "scale": lambda value: virgil.poutine.scale(_model, scale=value),
    "param": lambda value: virgil.param("p", torch.zeros(()), constraint=value),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("value", [torch.arange(3000.0).reshape(1000, 3) - 5, [0.5] * 1000, _Frame()])
def test_messages_hold_no_data(ask, value):
    with pytest.raises(errors.VirgilError) as caught:
        ask(value)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)
