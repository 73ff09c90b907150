"""What holds for every test: one thread a worker, and a fresh language before each test."""

from __future__ import annotations

import os
import signal

# Before torch is imported: two workers on two cores must not start threads for four.
# More than one only to see that nothing depends on their number.
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = os.environ.get("VIRGIL_TEST_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

from collections.abc import Iterator

import pytest
import torch

import virgil

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are started to ignore Ctrl-C

SEED = 20_260_101
_settings = virgil.settings.get()


@pytest.fixture(autouse=True)
def fresh_language() -> Iterator[None]:
    """Start each test from the same state, whatever the test before it left behind."""
    virgil.settings.set(**_settings)
    virgil.clear_param_store()
    virgil.set_rng_seed(SEED)
    yield
    virgil.clear_param_store()  # for the examples in docstrings, which have no such start
    # the dtype is put back after, so that a module's own fixtures never run under another test's choice
    torch.set_default_dtype(torch.float32)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a GPU where there is none."""
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
