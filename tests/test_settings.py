"""Settings: read, changed as a whole or not at all, put back."""

import threading

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import settings
from virgil.errors import ArgumentError


def test_a_setting_is_read_changed_and_put_back():
    assert settings.get("validate") is True
    with settings.context(validate=False):
        assert settings.get("validate") is False
        assert settings.get()["validate"] is False
    assert settings.get("validate") is True


def test_it_is_put_back_under_an_exception_and_only_what_was_given():
    def fail():
        settings.set(progress=False)
        raise RuntimeError

    with pytest.raises(RuntimeError), settings.context(validate=False):
        fail()
    assert settings.get("validate") is True
    assert settings.get("progress") is False


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"validat": False}, "no setting 'validat'. Did you mean 'validate'"),
        ({"validate": 1}, "got 1, an int; it takes a bool"),
        ({"progress": False, "validate": None}, "got None, a NoneType"),
        ({"mismatch": "warning"}, "got 'warning'; it takes 'error' or 'warn'. Did you mean 'warn'"),
        ({"mismatch": False}, "got False, a bool; it takes a str"),
    ],
)
def test_a_wrong_change_changes_nothing(change, message):
    before = settings.get()
    with pytest.raises(ArgumentError, match=message):
        settings.set(**change)
    assert settings.get() == before


def test_a_module_may_be_asked_not_to_own_its_parameters_which_changes_nothing():
    with settings.context(module_local_params=False):
        assert settings.get("module_local_params") is False
        net = virgil.nn.PyroModule[torch.nn.Linear](2, 1)
        net(torch.zeros(2))
        store = virgil.get_param_store()
        assert {name: store[name].unconstrained() for name in store} == dict(net.named_parameters())
    assert settings.get("module_local_params") is True


def test_get_returns_a_copy():
    settings.get()["validate"] = False
    assert settings.get("validate") is True


def test_enable_validation_governs_distributions():
    with pytest.raises(ValueError, match="scale"):
        dist.Normal(0.0, -1.0)
    virgil.enable_validation(False)
    assert dist.Normal(0.0, -1.0).scale == -1.0


def test_one_thread_skips_validation_alone():
    from virgil.distributions.core.validation import is_validating, unchecked

    seen = {}
    inside, looked = threading.Event(), threading.Event()

    def skipping():
        with unchecked():
            inside.set()
            looked.wait()
            seen["skipping"] = is_validating()

    thread = threading.Thread(target=skipping)
    thread.start()
    inside.wait()
    seen["other"] = is_validating()
    looked.set()
    thread.join()
    assert seen == {"skipping": False, "other": True}


def test_seeds_make_torch_numpy_and_python_reproducible():
    import random

    import numpy as np

    draws = []
    for _ in range(2):
        virgil.set_rng_seed(7)
        draws.append((torch.rand(()).item(), np.random.rand(), random.random()))
    assert draws[0] == draws[1]
    state = virgil.get_rng_state()
    first = torch.rand(()).item(), np.random.rand(), random.random()
    virgil.set_rng_state(state)
    assert (torch.rand(()).item(), np.random.rand(), random.random()) == first


def test_a_context_is_of_one_thread():
    """Contexts that end in the order in which they began leave the settings as they were."""
    entered, seen = threading.Barrier(3), {}
    ends = [threading.Event(), threading.Event()]

    def inside(number):
        with settings.context(validate=False):
            entered.wait()
            ends[number].wait()
            seen[number] = settings.get("validate")

    threads = [threading.Thread(target=inside, args=(number,)) for number in range(2)]
    for each in threads:
        each.start()
    entered.wait()
    seen["outside"] = settings.get("validate"), settings.get()["validate"]
    for end, each in zip(ends, threads, strict=True):  # the first to enter leaves first
        end.set()
        each.join()
    assert seen == {0: False, 1: False, "outside": (True, True)}
    assert settings.get("validate") is True


def test_set_inside_a_context_that_has_changed_the_setting_ends_with_it():
    with settings.context(validate=False):
        settings.set(validate=True, progress=False)
        assert settings.get("validate") is True
        with settings.context(validate=False):
            assert settings.get("validate") is False
        assert settings.get("validate") is True
        settings.set(validate=False)
    assert settings.get("validate") is True
    assert settings.get("progress") is False


def test_set_reaches_other_threads():
    settings.set(validate=False)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(settings.get("validate")))
    thread.start()
    thread.join()
    assert seen == [False]


LIMIT = 3


class Solver:
    steps = 10


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(settings, "_registered", dict(settings._registered))

    @settings.register("solver_steps", __name__, "Solver.steps")
    def at_least_one(value):
        if value < 1:
            raise ValueError("one step at least")

    settings.register("limit", __name__, "LIMIT")


def test_an_attribute_is_a_setting(registered):
    assert (settings.get("solver_steps"), settings.get("limit")) == (10, 3)
    assert settings.get()["limit"] == 3
    with settings.context(solver_steps=20, limit=4, validate=False):
        assert (Solver.steps, LIMIT, settings.get("limit")) == (20, 4, 4)
        settings.set(limit=5)
        assert LIMIT == 5
    assert (Solver.steps, LIMIT) == (10, 3)
    assert settings.get("validate") is True


def test_its_validator_decides_before_anything_changes(registered):
    with pytest.raises(ValueError, match="one step at least"):
        settings.set(limit=7, solver_steps=0)
    assert (Solver.steps, LIMIT) == (10, 3)


@pytest.mark.parametrize("name", ["validate", "two words", "limit"])
def test_a_name_that_cannot_be_registered(name, registered):
    with pytest.raises(ArgumentError, match=f"the name '{name}'; it takes an identifier that names no other"):
        settings.register(name, __name__, "Solver.steps")


def test_validation_in_a_block():
    with virgil.validation_enabled(False):
        assert dist.Normal(0.0, -1.0).scale == -1.0
    with pytest.raises(ValueError, match="scale"):
        dist.Normal(0.0, -1.0)
