"""What holds for every test: one thread a worker, and a fresh language before each test."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import threading

# Before torch is imported: two workers on two cores must not start threads for four.
# More than one only to see that nothing depends on their number.
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = os.environ.get("VIRGIL_TEST_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

from collections.abc import Generator, Iterator
from itertools import chain

import pytest
import torch

import virgil
from virgil.errors import VirgilError

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
if "VIRGIL_TEST_IDLE_THREAD" in os.environ:  # to see that nothing depends on there being another
    threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are started to ignore Ctrl-C

SEED = 20_260_101
PACKAGES = {  # of each extra
    "arviz": ("arviz_base", "arviz_stats"),
    "data": ("music21", "sklearn", "statsmodels"),
    "plot": ("matplotlib", "pygraphviz"),
    "xla": ("jax",),
    "zuko": ("zuko",),
}
# how Python and Virgil say what is missing
MISSING = re.compile(
    r"No module named '(?P<package>\w+)|pip install .virgil-ppl\[(?P<extra>\w+)\]|found no (?P<tool>C\+\+ compiler)"
)
_settings = virgil.settings.get()


@pytest.fixture(autouse=True)
def fresh_language() -> Iterator[None]:
    """Start each test from the same state, whatever the test before it left behind."""
    virgil.settings.set(**_settings)
    virgil.clear_param_store()
    virgil.set_rng_seed(SEED)
    yield
    # for the examples in docstrings, which have no such start
    virgil.settings.set(**_settings)
    virgil.clear_param_store()
    # the dtype is put back after, so that a module's own fixtures never run under another test's choice
    torch.set_default_dtype(torch.float32)
    torch.distributions.Distribution.set_default_validate_args(True)  # torch.compile turns it off


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Skip a file that imports a package of an extra that is not installed."""
    report = yield
    missing = _missing(str(report.longrepr)) if report.failed else None
    if missing is not None:
        report.outcome, report.longrepr = "skipped", (str(collector.path), 0, f"Skipped: {missing}")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Skip a test whose fixtures need such a package, or a compiler where there is none."""
    yield from _skipping()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Skip a test that needs such a package, or a compiler where there is none."""
    yield from _skipping()


def _skipping() -> Generator[None, None, None]:
    try:
        yield
    except (VirgilError, ImportError) as error:
        missing = _missing(str(error))
        if missing is not None:
            pytest.skip(missing)
        raise


def _missing(message: str) -> str | None:
    """What a message says is missing, if it is: a bug that says so is none of the machine's."""
    found = MISSING.search(message)
    if found is None:
        return None
    if found["tool"]:
        return None if shutil.which(os.environ.get("CXX", "g++")) else f"needs a {found['tool']}"
    packages = PACKAGES.get(found["extra"]) or [each for each in chain(*PACKAGES.values()) if each == found["package"]]
    missing = [each for each in packages if importlib.util.find_spec(each) is None]
    return f"needs {', '.join(missing)}" if missing else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a GPU where there is none."""
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
