"""Warnings point at the user's line, through whatever of Python, torch and Virgil lies in between."""

import contextlib
import warnings

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.examples import registry
from virgil.infer import SVI, Predictive, Trace_ELBO, TraceEnum_ELBO
from virgil.infer.autoguide import AutoNormal
from virgil.ops.user_code import is_of_user, warn_user


def test_the_user_is_who_wrote_neither_python_nor_torch_nor_virgil():
    foreign = [
        contextlib.__file__,
        warnings.__file__,
        torch.__file__,
        torch.optim.__file__,
        virgil.__file__,
        "<string>",
    ]
    assert not any(map(is_of_user, foreign))
    assert all(map(is_of_user, [__file__, pytest.__file__, registry.__file__]))


def model():
    virgil.sample("z", dist.Normal(virgil.param("shares", torch.tensor([1.0, 2.0]), constraints.simplex)[0], 1.0))


def guide():
    virgil.sample("z", dist.Normal(virgil.param("loc", torch.tensor(0.0)), 1.0))


@contextlib.contextmanager
def plates():
    with virgil.plate("data", 3, subsample=torch.tensor([0, 5])):
        yield


def in_plates():
    with plates():
        pass


def svi(the_model=guide, loss=Trace_ELBO):
    return SVI(the_model, guide, virgil.optim.SGD({"lr": 0.01}), loss())


WARNING = {
    "a parameter": lambda: virgil.param("p", torch.tensor([1.0, 2.0]), constraint=constraints.simplex),
    "a parameter in a model": lambda: svi(model).step(),
    "a plate": lambda: virgil.plate("data", 3, subsample=torch.tensor([0, 5])),
    "a plate in a context manager": in_plates,
    "samples of no site": lambda: Predictive(guide, {"y": torch.zeros(3)})(),
    "nothing marked": lambda: svi(loss=TraceEnum_ELBO).step(),
    "restarts that begin alike": lambda: svi().run(2, restarts=2, engine="eager", progress=False),
    "an automatic guide's prototype": lambda: AutoNormal(model)(),
}


@pytest.mark.parametrize("ask", WARNING.values(), ids=WARNING)
def test_a_warning_points_here(ask):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ask()
    assert caught
    assert {each.filename for each in caught} == {__file__}


def test_the_same_words_at_the_same_line_are_shown_once():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for once in (True, True, False, False):
            warn_user("here", UserWarning, once)
    assert len(caught) == 3
