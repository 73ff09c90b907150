"""A damaged or foreign file is a ``FileFormatError`` that changes nothing, or is loaded to the bit."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

import virgil
import virgil.distributions as dist
from tests.files.damage import DAMAGES, edited
from virgil.distributions import constraints
from virgil.errors import FileFormatError
from virgil.infer import SVI, Trace_ELBO
from virgil.ops.random_state import get_rng_state
from virgil.params import ParamStore, replaced_file
from virgil.params.file import pack_params
from virgil.params.tensor_file import read_tensors

BATCHES = [(torch.tensor([1.0, 2.0]),), (torch.tensor([0.5]),)]
EPOCHS = 3
SEED = 20_260_101
COUNT = 1000


def schedule() -> virgil.optim.LRScheduler:
    options = {"optimizer": torch.optim.Adam, "optim_args": {"lr": 0.1}, "gamma": 0.9}
    return virgil.optim.LRScheduler(torch.optim.lr_scheduler.ExponentialLR, options)


class Fitted:
    """An SVI whose guide has a network with buffers, after some steps."""

    def __init__(self, name: str = "z", steps: int = 2) -> None:
        self.store, self.name = ParamStore(), name
        self.network = torch.nn.BatchNorm1d(1)
        self.optim = schedule()
        self.svi = SVI(self.model, self.guide, self.optim, Trace_ELBO(), params=self.store)
        for _ in range(steps):
            self.svi.step(BATCHES[0][0])

    def model(self, data: torch.Tensor) -> None:
        z = virgil.sample(self.name, dist.Normal(0.0, 1.0))
        with virgil.plate("data", len(data)):
            virgil.sample("x", dist.Normal(z, 1.0), obs=data)

    def guide(self, data: torch.Tensor) -> None:
        virgil.module("network", self.network)
        shift = self.network(torch.stack([data.sum(), data.sum() + 1.0]).unsqueeze(-1))[0, 0]
        loc = virgil.param(f"loc of {self.name}", torch.tensor(0.3)) + shift
        scale = virgil.param("scale", torch.tensor(0.5), constraint=constraints.interval(0.0, 3.0))
        virgil.sample(self.name, dist.Normal(loc, scale))

    def run(self, path: Path) -> None:
        self.svi.run(epochs=EPOCHS, data=BATCHES, engine="eager", checkpoint=path, progress=False)

    def state(self) -> dict[str, Any]:
        """All that a load may change, as plain values and bytes."""
        store, memory, rng = self.store.get_state(), self.svi.problem.optim.get_state(), get_rng_state()
        tensors = {
            **store["params"],
            **{
                f"{name} {key}": each
                for name, param in memory["params"].items()
                for key, each in param["values"].items()
            },
            **dict(self.network.named_buffers()),
            "torch": rng["torch"],
        }
        optimizer = self.svi.problem.optim.torch_optimizer
        return {
            "bytes": {name: (each.dtype, each.detach().numpy().tobytes()) for name, each in tensors.items()},
            "constraints": pack_params(store)[1],
            "rates": [group["lr"] for group in optimizer.param_groups] if optimizer else [],
            "schedule": memory["schedule"],
            "random": (rng["random"], rng["numpy"][1].tobytes(), *rng["numpy"][2:]),
        }


@dataclass(frozen=True)
class Form:
    """A kind of file, how it is written and read."""

    write: Callable[[Fitted, Path], object]
    read: Callable[[Fitted, Path], object]


FORMS = {
    "parameters": Form(lambda fitted, path: fitted.store.save(path), lambda fitted, path: fitted.store.load(path)),
    "optimiser": Form(lambda fitted, path: fitted.optim.save(path), lambda fitted, path: fitted.optim.load(path)),
    "fit": Form(lambda fitted, path: fitted.svi.save(path), lambda fitted, path: fitted.svi.load(path)),
    "run": Form(Fitted.run, Fitted.run),
}
KINDS = [("parameters", "parameters"), ("optimiser", "optimiser state"), ("run", "a run")]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """A file of each form, of the program and of another."""
    folder = tmp_path_factory.mktemp("files")
    found = {}
    for program in ("z", "w"):
        for form, each in FORMS.items():
            found[f"{form} {program}"] = folder / f"{form} {program}"
            each.write(Fitted(program), found[f"{form} {program}"])
    return found


def begun() -> Fitted:
    """An SVI after a step, always the same."""
    virgil.set_rng_seed(3)
    return Fitted(steps=1)


def outcome(form: Form, path: Path, fitted: Fitted | None = None) -> dict[str, Any] | None:
    """The state after a load; ``None`` where it was refused and changed nothing."""
    fitted = fitted or begun()
    before = fitted.state()
    try:
        form.read(fitted, path)
    except FileFormatError as error:
        message = str(error)
    else:
        return fitted.state()
    assert path.name in message
    assert fitted.state() == before
    return None


def test_a_thousand_damaged_files_are_refused_or_loaded_to_the_bit(files, tmp_path):
    rng, path = random.Random(SEED), tmp_path / "damaged"
    contents = {name: each.read_bytes() for name, each in files.items()}
    exact = {form: outcome(each, files[f"{form} z"]) for form, each in FORMS.items()}
    assert None not in exact.values()
    refused, fitted = 0, begun()
    for _ in range(COUNT):
        form, damage = rng.choice(list(FORMS)), rng.choice(DAMAGES)
        path.write_bytes(damage(rng, contents[f"{form} z"]))
        after = outcome(FORMS[form], path, fitted)
        refused += after is None
        fitted = fitted if after is None else begun()
        assert after is None or after == exact[form], (form, damage.__name__)
    assert refused > 0.95 * COUNT  # the others repeat a byte or a zero that was there


@pytest.mark.parametrize("form", FORMS)
def test_headers_edited_with_the_right_digest_are_refused_or_loaded(form, files, tmp_path):
    """What is loaded then is what the editor wrote, so only refusals are compared."""
    rng, path = random.Random(SEED), tmp_path / "edited"
    refused = 0
    for _ in range(100):
        path.write_bytes(edited(rng, files[f"{form} z"]))
        refused += outcome(FORMS[form], path) is None
    assert refused > 50


@pytest.mark.parametrize("given", [f"{form} {program}" for form in FORMS for program in ("z", "w")])
@pytest.mark.parametrize("form", FORMS)
def test_swapped_files(form, given, files):
    """The parts of a fit are files of their kind too."""
    kind, program = given.split()
    fits = kind == form or (kind == "fit" and form in ("parameters", "optimiser"))
    after = outcome(FORMS[form], files[given])
    assert (after is not None) == (fits and (form != "run" or program == "z"))


def test_a_flipped_bit_in_the_data_is_found(files, tmp_path):
    content = bytearray(files["parameters z"].read_bytes())
    content[-1] ^= 1
    (tmp_path / "flipped").write_bytes(content)
    with pytest.raises(FileFormatError, match=r"flipped.*is damaged: its content does not have the digest"):
        ParamStore().load(tmp_path / "flipped")


def without_digest(path: Path, kind: str) -> bytes:
    tensors, header = read_tensors(path, kind)
    return save(tensors, metadata={"virgil": json.dumps({"kind": kind, "version": 1, "header": header})})


@pytest.mark.parametrize(("form", "kind"), KINDS)
def test_files_of_version_1_have_no_digest(form, kind, files, tmp_path):
    (tmp_path / "old").write_bytes(without_digest(files[f"{form} z"], kind))
    assert outcome(FORMS[form], tmp_path / "old") == outcome(FORMS[form], files[f"{form} z"])


def test_a_fit_that_was_saved_as_two_files(files, tmp_path):
    (tmp_path / "old").write_bytes(without_digest(files["parameters z"], "parameters"))
    (tmp_path / "old.optim").write_bytes(without_digest(files["optimiser z"], "optimiser state"))
    assert outcome(FORMS["fit"], tmp_path / "old") is not None


def test_a_deep_header_is_refused(tmp_path):
    deep = '{"kind": "parameters", "version": 1, "header": ' + "[" * 100_000 + "]" * 100_000 + "}"
    (tmp_path / "deep").write_bytes(save({"x": torch.ones(1)}, metadata={"virgil": deep}))
    with pytest.raises(FileFormatError, match="deep"):
        ParamStore().load(tmp_path / "deep")


@pytest.mark.parametrize("form", ["parameters", "optimiser", "fit"])
def test_a_save_that_fails_leaves_the_file_as_it_was(form, files, tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(files[f"{form} z"].read_bytes())

    def fsync(file: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(replaced_file.os, "fsync", fsync)
    with pytest.raises(OSError, match="the disk is full"):
        FORMS[form].write(Fitted(steps=3), path)
    assert path.read_bytes() == files[f"{form} z"].read_bytes()
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
