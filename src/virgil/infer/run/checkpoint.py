"""A run on disk: all that it needs to go on as if it had not been interrupted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path

import torch

from virgil.errors import ArgumentError, FileFormatError, shown
from virgil.infer.problem import Problem
from virgil.infer.run.likeness import Look, check_alike, look
from virgil.infer.run.saved_run import SavedEngine, SavedRun, pack_run, unpack_run
from virgil.infer.run.source import Batch, Source
from virgil.infer.step.record import Record
from virgil.infer.warn import show_warning
from virgil.ops.random_state import get_rng_state, preserved_rng, set_rng_state
from virgil.optim.optimizer import Optimizer
from virgil.optim.state import pack_state
from virgil.params import get_param_store
from virgil.params.file import pack_params
from virgil.params.replaced_file import check_writable
from virgil.params.tensor_file import read_tensors, refusing, write_tensors

__all__ = ["Checkpoint"]

_KIND = "a run"


class Checkpoint:
    """The file of a run: parameters, optimiser, networks' buffers, random generators, and how far it has come.

    Args:
        filename: replaced in one piece each time.
        seconds: the least time between two writings.
        problem: what the run solves.

    Attributes:
        name: of the file, as it was given.

    Raises:
        ArgumentError: ``seconds`` is out of range, the optimiser's state has no names, or no file can be written there.
    """

    def __init__(self, filename: str | PathLike[str], seconds: float, problem: Problem) -> None:
        if not seconds >= 0:
            raise ArgumentError(f"run() got every={shown(seconds)}; it takes the seconds between two checkpoints.")
        if not isinstance(problem.optim, Optimizer):
            raise ArgumentError(
                "run() got checkpoint= with a torch optimiser that holds its parameters without names, so that its "
                'state cannot be saved by name. Use virgil.optim, such as Adam({"lr": 0.01}).'
            )
        self._path = Path(fspath(filename))
        self.name = fspath(filename)
        self._seconds = seconds
        self._problem = problem
        self._optimizer = problem.optim
        self._written = time.perf_counter()
        self._begun = self._fails = False
        try:
            check_writable(filename)
        except OSError as error:
            raise ArgumentError(
                f"run() got checkpoint={self.name!r}, which cannot be written: {error}. Give a file in a folder that "
                "is there and may be written into."
            ) from error

    @property
    def exists(self) -> bool:
        """True if there is a run to go on with."""
        return self._path.exists()

    def is_due(self) -> bool:
        """True if it is time to write."""
        return time.perf_counter() - self._written >= self._seconds

    # -- writing -----------------------------------------------------------------------------------------------------

    def try_parameters(self, source: Source) -> None:
        """Check before the first step that the parameters that the programs make can be written.

        Raises:
            ParamError: a constraint has no written form.
        """
        batch = source.peek()
        if batch is None:
            return
        try:
            found = look(self._problem, batch)
        except Exception:  # the first step will meet it as well, and says what it is
            return
        pack_params(found.params)

    def try_optimizer(self) -> None:
        """Check once, after the first step, that the optimiser's state can be written.

        Raises:
            ParamError: the optimiser remembers something that has no written form.
        """
        if not self._begun:
            self._begun = True
            pack_state(self._optimizer.get_state())

    def write(self, record: Record, source: Source, engine: SavedEngine) -> None:
        """Write the run as it stands; where that fails, such as on a full disk, say so once and go on."""
        try:
            self._write(record, source, engine)
            self._fails = False
        except Exception as error:  # of the disk, or of the programs that are looked at; the steps are not lost for it
            if not self._fails:
                self._fails = True
                show_warning(
                    f"The run was not written to {self.name!r} after step {record.num_steps}: {error}. It goes on; "
                    "the file is as it was before, until it can be written again."
                )
        self._written = time.perf_counter()

    def _write(self, record: Record, source: Source, engine: SavedEngine) -> None:
        seen = self._seen(source)
        run = SavedRun(
            params=get_param_store().get_state(),
            memory=self._optimizer.get_state(),
            record=record,
            buffers=[] if seen is None else seen.buffers,
            place=source.place(),
            random=get_rng_state(),
            engine=engine,
            statements=None if seen is None else seen.statements,
        )
        write_tensors(self._path, _KIND, *pack_run(run))

    def _seen(self, source: Source) -> Look | None:
        return None if source.last is None else look(self._problem, source.last)

    # -- reading -----------------------------------------------------------------------------------------------------

    def read(self, record: Record, source: Source) -> SavedEngine:
        """Take up the run of the file; returns how its steps go on.

        Args:
            record: takes the steps up to there.
            source: goes to where it was.

        Raises:
            FileFormatError: the file is damaged, foreign, or of another program; all is as it was.
            ArgumentError: it has more steps than the source; likewise.
        """
        run = unpack_run(self.name, *read_tensors(self._path, _KIND))
        self._check_length(run.record, source)
        with _as_before_if_refused():
            if run.place is not None:
                with refusing(self.name):
                    source.go_to(run.place)
            buffers = self._checked_buffers(run, source)
            with refusing(self.name):
                self._check_schedule(run)
                take_up = self._optimizer.prepared(run.memory)
                hold = get_param_store().prepared(run.params, among_others=True)
        hold()
        take_up()
        with torch.no_grad():
            for buffer, value in zip(buffers, run.buffers, strict=True):
                buffer.copy_(value)
        record.unpack(*run.record.pack())
        set_rng_state(run.random)
        return run.engine

    def _check_length(self, record: Record, source: Source) -> None:
        if source.total is not None and record.num_steps > source.total:
            raise ArgumentError(
                f"run() got checkpoint={self.name!r}, which holds {record.num_steps} steps, and was asked for "
                f"{source.total}. Ask for {record.num_steps} or more, or give another file to begin anew."
            )

    def _check_schedule(self, run: SavedRun) -> None:
        saved, present = run.memory["schedule"] is not None, self._problem.scheduler is not None
        if saved != present:
            raise FileFormatError(
                f"{self.name!r} holds a run {'with' if saved else 'without'} a scheduler of the learning rate, but "
                f"this one has {'one' if present else 'none'}. Give the optimiser of that run."
            )

    def _checked_buffers(self, run: SavedRun, source: Source) -> list[torch.Tensor]:
        """The buffers of the networks, once the programs are known to be those of the file."""
        seen, store = None, get_param_store()
        if source.last is not None:
            with preserved_rng(), store.scope({**run.params}), store.discarding():
                set_rng_state(run.random)
                seen = self._look_with_file(source.last)
        present = [] if seen is None else seen.buffers
        if seen is not None and run.statements is not None:
            check_alike(self.name, run.statements, seen.statements)
        if [each.shape for each in run.buffers] != [each.shape for each in present]:
            raise FileFormatError(
                f"{self.name!r} holds buffers of networks with shapes {[tuple(each.shape) for each in run.buffers]}, "
                f"but those of the programs are {[tuple(each.shape) for each in present]}. Give the networks of that "
                "run."
            )
        return present

    def _look_with_file(self, batch: Batch) -> Look:
        try:
            return look(self._problem, batch)
        except Exception as error:
            raise FileFormatError(
                f"The programs cannot be run with the parameters of {self.name!r}: {error} Give the model, the guide "
                "and the arguments of the run that it holds, or another file to begin anew."
            ) from error


@contextmanager
def _as_before_if_refused() -> Iterator[None]:
    """A block that leaves the random generators where they were if it ends with an error."""
    before = get_rng_state()
    try:
        yield
    except BaseException:
        set_rng_state(before)
        raise
