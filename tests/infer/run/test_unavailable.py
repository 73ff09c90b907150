"""An engine that cannot be loaded or started: "auto" takes eager steps and says why; asked for by name, it is an error.

The guide is a point, so that no step draws and eager steps are the same whatever went before.
"""

import contextlib
import importlib.abc
import subprocess
import sys
import types

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.engine import loading
from virgil.engine.xla.run import XlaRunner
from virgil.errors import CaptureError, EngineError
from virgil.infer import SVI, JitTrace_ELBO, Trace_ELBO
from virgil.infer.autoguide import AutoDelta

DATA = torch.tensor([1.0, 2.0, 4.0])


def model(data):
    mu = virgil.sample("mu", dist.Normal(virgil.param("center", lambda: torch.randn(())), 3.0))
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(mu, 1.0), obs=data)


def svi(objective=None, optim=None):
    virgil.clear_param_store()
    virgil.set_rng_seed(0)
    return SVI(model, AutoDelta(model), optim or virgil.optim.Adam({"lr": 0.05}), objective or JitTrace_ELBO())


def eager_losses(count, optim=None):
    return svi(Trace_ELBO(), optim).run(count, DATA, engine="eager", progress=False).losses


class _Raises(importlib.abc.MetaPathFinder):
    """Raises where a module is imported."""

    def __init__(self, module, error):
        self.module, self.error = module, error

    def find_spec(self, fullname, path, target=None):
        if fullname == self.module:
            raise self.error


@contextlib.contextmanager
def loaded_anew():
    """A block in which the engine's modules are imported anew, and are after it those that they were."""

    def kept():
        return {name: each for name, each in sys.modules.items() if name.startswith("virgil.engine.xla")}

    before, package = kept(), virgil.engine.__dict__.get("xla")
    for name in before:
        del sys.modules[name]
    loading._loaded.cache_clear()
    try:
        yield
    finally:
        for name in kept():
            del sys.modules[name]
        sys.modules.update(before)
        virgil.engine.__dict__.update({} if package is None else {"xla": package})
        loading._loaded.cache_clear()


def _jax(**attributes):
    module = types.ModuleType("jax")
    vars(module).update(attributes)
    return module


def no_lowering(monkeypatch):
    error = AttributeError("'_OpNamespace' 'aten' object has no attribute 'sort'")
    monkeypatch.setattr(sys, "meta_path", [_Raises("virgil.engine.xla.lowerings.sorting", error), *sys.meta_path])


def no_runner(monkeypatch):
    error = RuntimeError("libxla.so: cannot open shared object file\nand more")
    monkeypatch.setattr(sys, "meta_path", [_Raises("virgil.engine.xla.run", error), *sys.meta_path])


BROKEN = {
    "JAX lacks what is needed": (
        lambda monkeypatch: monkeypatch.setitem(sys.modules, "jax", _jax()),
        "AttributeError: module 'jax' has no attribute '__version_info__'",
    ),
    "JAX is old": (
        lambda monkeypatch: monkeypatch.setitem(
            sys.modules, "jax", _jax(__version__="0.4.30", __version_info__=(0, 4, 30))
        ),
        "ImportError: JAX 0.4.30 is installed, and the engine needs 0.10.2 or later",
    ),
    "a module of lowerings": (
        no_lowering,
        "AttributeError: '_OpNamespace' 'aten' object has no attribute 'sort'",
    ),
    "the runner": (no_runner, "RuntimeError: libxla.so: cannot open shared object file"),
}


@pytest.fixture(params=BROKEN)
def reason(request, monkeypatch):
    """Why the engine cannot be loaded in this test."""
    breaks, why = BROKEN[request.param]
    with loaded_anew():
        with monkeypatch.context() as patch:
            breaks(patch)
            yield f"engine='xla' cannot be loaded: {why}. Bring JAX up to date"
        monkeypatch.undo()


def test_a_run_is_eager_and_says_why(reason):
    with pytest.warns(UserWarning, match="The steps are taken eagerly: ") as caught:
        fit = svi().run(30, DATA, progress=False)
    assert len(caught) == 1
    assert reason in str(caught[0].message)
    assert (fit.engine, reason in fit.engine_reason) == ("eager", True)
    torch.testing.assert_close(fit.losses, eager_losses(30), rtol=0, atol=0)


def test_a_second_run_gives_the_same_reason(reason):
    for _ in range(2):
        with pytest.warns(UserWarning, match="The steps are taken eagerly: "):
            fit = svi().run(3, DATA, progress=False)
        assert reason in fit.engine_reason


def test_single_steps_are_eager_and_say_so_once(reason):
    steps = svi()
    losses = [steps.step(DATA)]
    with pytest.warns(UserWarning, match="The steps are taken eagerly: ") as caught:
        losses += [steps.step(DATA), steps.step(DATA)]
    assert len(caught) == 1
    assert reason in str(caught[0].message)
    assert losses == eager_losses(3).tolist()


def test_restarts_are_eager_one_after_another_and_say_why(reason):
    with pytest.warns(UserWarning, match="The steps are taken eagerly: ") as caught:
        fit = svi().run(20, DATA, restarts=2, progress=False)
    assert len(caught) == 1
    assert reason in str(caught[0].message)
    assert {(each.engine, reason in each.engine_reason, each.num_steps) for each in fit.restarts} == {
        ("eager", True, 20)
    }


def test_asked_for_by_name_it_is_an_error(reason):
    for options in ({}, {"restarts": 2}):
        with pytest.raises(EngineError) as caught:
            svi().run(30, DATA, engine="xla", progress=False, **options)
        assert str(caught.value).startswith(reason)
        assert isinstance(caught.value, CaptureError)


FAKE = """
import warnings
import torch, virgil, virgil.distributions as dist
from virgil.infer import SVI, JitTrace_ELBO
from virgil.infer.autoguide import AutoDelta

def model():
    virgil.sample("mu", dist.Normal(0.0, 1.0))

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", UserWarning)
    fit = SVI(model, AutoDelta(model), virgil.optim.Adam({"lr": 0.05}), JitTrace_ELBO()).run(3, progress=False)
print(fit.engine, "|", *(each.message for each in caught))
"""


def test_an_installed_jax_that_cannot_be_imported(tmp_path, monkeypatch):
    (tmp_path / "jax.py").write_text("raise ImportError('jaxlib is version 0.1, but this version of jax requires 9')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    found = subprocess.run([sys.executable, "-c", FAKE], capture_output=True, text=True, check=True, timeout=300)
    assert found.stdout.startswith(
        "eager | The steps are taken eagerly: engine='xla' cannot be loaded: ImportError: jaxlib is version 0.1, but "
        "this version of jax requires 9. Bring JAX up to date"
    )


def _fails(*_args, **_options):
    raise TypeError("jit() got an unexpected keyword argument 'compiler_options'")


def _fails_after(count, method):
    """The method, which fails after so many calls."""
    calls = []

    def called(self, *args, **options):
        calls.append(None)
        return _fails() if len(calls) > count else method(self, *args, **options)

    return called


CANNOT_RUN = (
    r"engine='xla' cannot run the step: TypeError: jit\(\) got an unexpected keyword argument 'compiler_options'"
)
FALLS_BACK = f"The steps are taken eagerly: {CANNOT_RUN}"


def _scheduled():
    return virgil.optim.ExponentialLR({"optimizer": torch.optim.Adam, "optim_args": {"lr": 0.05}, "gamma": 0.9})


@pytest.mark.parametrize("place", ["__init__", "load", "advance"])
@pytest.mark.parametrize("optim", [None, _scheduled], ids=["Adam", "ExponentialLR"])
def test_an_engine_that_does_not_start_leaves_eager_steps(place, optim, monkeypatch):
    monkeypatch.setattr(f"virgil.engine.xla.run.XlaRunner.{place}", _fails)
    expected = eager_losses(30, optim and optim())
    with pytest.warns(UserWarning, match=FALLS_BACK) as caught:
        fit = svi(optim=optim and optim()).run(30, DATA, progress=False, average=5)
    assert (len(caught), fit.engine, fit.averaged) == (1, "eager", 5)
    torch.testing.assert_close(fit.losses, expected, rtol=0, atol=0)
    steps = svi(optim=optim and optim())
    steps.step(DATA)
    with pytest.warns(UserWarning, match=FALLS_BACK) as caught:
        steps.step(DATA), steps.step(DATA)
    assert len(caught) == 1


@pytest.mark.parametrize("place", ["__init__", "load", "advance"])
def test_restarts_that_do_not_start_are_taken_eagerly(place, monkeypatch):
    monkeypatch.setattr(f"virgil.engine.xla.restarts.XlaRestarts.{place}", _fails)
    with pytest.warns(UserWarning, match=FALLS_BACK):
        fit = svi(optim=_scheduled()).run(30, DATA, restarts=2, progress=False)
    assert [each.engine for each in fit.restarts] == ["eager", "eager"]
    torch.testing.assert_close(fit.restarts[0].losses, eager_losses(30, _scheduled()), rtol=0, atol=0)


@pytest.mark.parametrize("optim", [None, _scheduled], ids=["Adam", "ExponentialLR"])
def test_an_engine_that_fails_on_the_way_leaves_the_rest_to_eager_steps(optim, monkeypatch):
    expected = eager_losses(30, optim and optim())
    monkeypatch.setattr(XlaRunner, "advance", _fails_after(3, XlaRunner.advance))
    done = []
    with pytest.warns(UserWarning, match=FALLS_BACK):
        fit = svi(optim=optim and optim()).run(
            30, DATA, progress=False, callback=lambda number, _: done.append(number), callback_every=5
        )
    assert done == [5, 10, 15, 20, 25, 30]
    torch.testing.assert_close(fit.losses, expected, rtol=1e-5, atol=1e-6)


def test_asked_for_by_name_an_engine_that_fails_leaves_the_state_before(monkeypatch):
    losses = svi(Trace_ELBO()).run(30, DATA, engine="xla", progress=False).losses
    steps, done = svi(Trace_ELBO()), []
    with monkeypatch.context() as patch:
        patch.setattr(XlaRunner, "advance", _fails_after(2, XlaRunner.advance))
        with pytest.raises(EngineError, match=CANNOT_RUN):
            steps.run(30, DATA, engine="xla", progress=False, callback=lambda number, _: done.append(number))
    assert done[-1] >= 2
    rest = steps.run(30 - done[-1], DATA, engine="eager", progress=False)
    torch.testing.assert_close(rest.losses, losses[done[-1] :], rtol=1e-5, atol=1e-6)


def test_an_error_of_the_program_is_not_the_engines():
    def wrong(data):
        if torch.compiler.is_compiling():
            raise KeyError("lost")
        model(data)

    virgil.clear_param_store()
    steps = SVI(wrong, AutoDelta(model), virgil.optim.Adam({"lr": 0.05}), JitTrace_ELBO())
    with pytest.raises(KeyError, match="lost"):
        steps.run(30, DATA, engine="xla", progress=False)
    with pytest.warns(UserWarning, match="The steps are taken eagerly: KeyError: 'lost'"):
        assert steps.run(30, DATA, progress=False).engine == "eager"
