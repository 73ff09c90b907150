"""A program compiled by torch's Inductor: C++ on CPUs, Triton and CUDA graphs on GPUs."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.fx import Graph, GraphModule

from virgil.engine.inductor.code import Code, code_of, heeds_modes
from virgil.engine.inductor.in_place import in_place, inputs_of
from virgil.engine.operators.noise import DrawnBy
from virgil.engine.recording.program import CapturedStep
from virgil.engine.runner import Course, Inputs, joined
from virgil.ops.compile_flag import as_when_compiling
from virgil.ops.foreach import foreach
from virgil.ops.random_state import preserved_rng
from virgil.ops.thread_generator import drawing_from, thread_generator
from virgil.ops.trees import tree_leaves

__all__ = ["InductorRunner", "laid_out", "seed_of_step"]

_WRITTEN = 8  # elements, up to which a constant's values are in Inductor's code
_LONGEST = 1024  # steps between two looks at whether losses and gradients are finite


class InductorRunner:
    """A program on Inductor: one compiled call a step.

    A step draws what torch's generators give when seeded by :func:`seed_of_step`: the numbers of an eager step.

    Args:
        program: the captured step.

    Raises:
        OperatorError: Inductor cannot compile an operator.
        CaptureError: it cannot compile the program, or there is no C++ compiler.
    """

    def __init__(self, program: CapturedStep) -> None:
        self.program = program
        inputs = inputs_of(program.graph.graph, Graph()).values()
        self._strides: list[tuple[int, ...]] = [node.meta["val"].stride() for node in inputs]
        devices = _cuda_devices(program.graph.graph)
        self._cuda_generators = [torch.cuda.default_generators[each] for each in devices]
        self._generator = torch.Generator()
        self._step: _Step = _Replayed(program, self._strides[: program.num_state]) if devices else _Called(program)
        self._state: list[Tensor] = []

    @property
    def num_compiled(self) -> int:
        """How many operations are compiled: all."""
        return self.program.num_nodes

    def load(self, state: Sequence[Tensor]) -> None:
        """Begin with this state."""
        strides = self._strides[: self.program.num_state]
        self._state = [laid_out(each.detach().clone(), stride) for each, stride in zip(state, strides, strict=True)]

    def state(self) -> list[Tensor]:
        """The present state."""
        return self._state

    def advance(self, inputs: Inputs, seed: int, first: int, count: int, summed: int = 0) -> Course:
        """Take steps; see :class:`virgil.engine.runner.Runner`."""
        steps = enumerate(self._rows(inputs, count), first)
        courses: list[Course] = []
        block = preserved_rng(heeds_modes()) if self._step.draws_inside else drawing_from(self._generator)
        with block, torch.no_grad():
            while stretch := list(islice(steps, _LONGEST)):
                courses.append(self._stretch(stretch, seed, summed))
                if not courses[-1].is_finite:
                    break
        return joined(courses)

    @contextmanager
    def noise(self, seed: int, number: int) -> Iterator[None]:
        """A block in which eager operations draw the numbers of a step."""
        with preserved_rng(), as_when_compiling(), DrawnBy(lambda func, args, kwargs: func(*args, **kwargs)):
            self._seed(seed_of_step(seed, number))
            yield

    def _seed(self, seed: int) -> None:
        for generator in (thread_generator(), *self._cuda_generators):
            generator.manual_seed(seed)

    def _rows(self, inputs: Inputs, count: int) -> Iterator[list[Tensor]]:
        """The inputs of one step after another."""
        strides = self._strides[self.program.num_state :]
        row = {place: laid_out(each, strides[place]) for place, each in inputs.fixed.items()}
        for number in range(count):
            row.update({place: laid_out(each[number], strides[place]) for place, each in inputs.streamed.items()})
            yield [row[place] for place in range(self.program.num_inputs)]

    def _stretch(self, steps: list[tuple[int, list[Tensor]]], seed: int, summed: int) -> Course:
        before = self._state
        sums = [torch.zeros_like(each, dtype=torch.float64) for each in before[:summed]]
        losses, norms = self._run(steps, seed, sums)
        is_finite = losses.isfinite() & norms.isfinite().all(1)
        if bool(is_finite.all()):
            return Course(losses, norms, True, sums)
        taken = int(is_finite.byte().argmin())
        self._state = before
        if taken:  # once more, up to the step before: noise depends on seed and number alone
            self._run(steps[:taken], seed, [])
        return Course(losses[: taken + 1], norms[: taken + 1], False, sums)

    def _run(self, steps: list[tuple[int, list[Tensor]]], seed: int, sums: list[Tensor]) -> tuple[Tensor, Tensor]:
        state = self._step.begin(self._state)
        losses, norms = [], []
        for number, row in steps:
            self._seed(seed_of_step(seed, number))
            state, loss, norm = self._step.take(state, row)
            for total, each in zip(sums, state, strict=False):
                total.add_(each)
            losses.append(loss)
            norms.append(norm)
        self._state = state
        return torch.stack(losses), torch.stack(norms)


class _Step(Protocol):
    """A compiled step.

    Attributes:
        draws_inside: whether its code draws, from torch's generators.
    """

    draws_inside: bool

    def begin(self, state: list[Tensor]) -> list[Tensor]:
        """A state to take steps from, in which none of the given tensors is written."""
        ...

    def take(self, state: list[Tensor], row: list[Tensor]) -> tuple[list[Tensor], Tensor, Tensor]:
        """The state after a step, the loss before it and the norms of the gradients."""
        ...


class _Called:
    """On CPUs: a call, which writes the state."""

    def __init__(self, program: CapturedStep) -> None:
        form = in_place(program)
        self._code = code_of(form.graph)
        self._constants, self._draws, self._written = form.constants, form.draws, form.written
        self.draws_inside = form.draws_inside

    def begin(self, state: list[Tensor]) -> list[Tensor]:
        state = list(state)
        for place in self._written:
            state[place] = _copied(state[place], state[place].stride())
        return state

    def take(self, state: list[Tensor], row: list[Tensor]) -> tuple[list[Tensor], Tensor, Tensor]:
        noise = [draw() for draw in self._draws]
        loss, norms = self._code([*state, *row, *self._constants, *noise])
        return state, loss, norms


class _Replayed:
    """On GPUs: a CUDA graph, whose next replay overwrites its outputs: so copies of them are the next state.

    Inductor writes the values of small constants into its code, which is made anew when one of them has changed.
    """

    draws_inside = True

    def __init__(self, program: CapturedStep, strides: list[tuple[int, ...]]) -> None:
        self._program, self._strides = program, strides
        self._written = [each for each in program.constants.values() if each.numel() <= _WRITTEN]
        self._values = self._present()
        self._code = self._compiled()

    def _present(self) -> list[str]:
        return [str(each.tolist()) for each in self._written]

    def _compiled(self) -> Code:
        graph, flat = self._program.graph.graph, Graph()
        outputs = flat.graph_copy(graph, inputs_of(graph, flat))
        flat.output(tuple(tree_leaves(outputs)))
        return code_of(GraphModule(self._program.constants, flat), replays=True)

    def begin(self, state: list[Tensor]) -> list[Tensor]:
        values = self._present()
        if values != self._values:
            self._values, self._code = values, self._compiled()
        return state

    def take(self, state: list[Tensor], row: list[Tensor]) -> tuple[list[Tensor], Tensor, Tensor]:
        torch.compiler.cudagraph_mark_step_begin()
        outputs = self._code([*state, *row])
        copies = [torch.empty_like(each) for each in outputs]
        foreach("copy_", copies, list(outputs))
        *after, loss, norms = copies
        return [laid_out(each, stride) for each, stride in zip(after, self._strides, strict=True)], loss, norms


def seed_of_step(seed: int, number: int) -> int:
    """The seed of torch's generators for a step of a run.

    A hash of the run's seed, plus the number times an odd constant, modulo 2^64: so that no two of 2^32 successive
    steps share the lower 32 bits, which are all that torch's generator on CPUs looks at.
    """
    return (_hashed(seed) + number * 0x9E3779B97F4A7C15) % 2**64


@functools.lru_cache(maxsize=16)
def _hashed(seed: int) -> int:
    return int(np.random.SeedSequence(seed % 2**64).generate_state(1, np.uint64)[0])


def laid_out(tensor: Tensor, stride: tuple[int, ...]) -> Tensor:
    """The tensor in the memory layout that compiled code reads."""
    return tensor if tensor.stride() == stride else _copied(tensor, stride)


def _copied(tensor: Tensor, stride: tuple[int, ...]) -> Tensor:
    return torch.empty_strided(tensor.shape, stride, dtype=tensor.dtype, device=tensor.device).copy_(tensor)


def _cuda_devices(graph: Graph) -> list[int]:
    """The devices that hold a graph's tensors."""
    devices = {node.meta["device"] for node in graph.nodes if "device" in node.meta}
    return sorted({each.index or 0 for each in devices if each.type == "cuda"})
