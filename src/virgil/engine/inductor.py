"""A program compiled by torch's Inductor: C++ on CPUs, Triton and CUDA graphs on GPUs."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, _inductor
from torch._inductor.exc import InvalidCxxCompiler
from torch.fx import Graph, GraphModule
from torch.utils import _pytree as pytree

from virgil.engine.noise import DrawnBy
from virgil.engine.program import Program
from virgil.engine.runner import Course, Inputs, joined
from virgil.errors import CaptureError, OperatorError
from virgil.ops.compiling import as_when_compiling
from virgil.ops.random_state import preserved_rng

__all__ = ["InductorRunner", "seed_of_step"]

Call = Callable[..., Sequence[Tensor]]

_LONGEST = 1024  # steps between two looks at whether losses and gradients are finite
_OPTIONS = {
    "fallback_random": True,  # torch's own generators, in the order of the program
    "size_asserts": False,  # every tensor is laid out as the program expects
}
_CURE = "Use engine='xla' or engine='eager'."


class InductorRunner:
    """A program on Inductor: one compiled call a step.

    A step draws what torch's generators give when seeded by :func:`seed_of_step`: the numbers of an eager step.

    Args:
        program: the captured step.

    Raises:
        OperatorError: Inductor cannot compile an operator.
        CaptureError: it cannot compile the program, or there is no C++ compiler.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        nodes = program.graph.graph.find_nodes(op="placeholder")
        examples: list[Tensor] = [node.meta["val"] for node in nodes]
        self._strides = [each.stride() for each in examples]
        devices = _cuda_devices(program.graph.graph)
        self._generators = [torch.default_generator, *(torch.cuda.default_generators[each] for each in devices)]
        self._replays = bool(devices)
        self._call = _compiled(program.graph, examples, {**_OPTIONS, "triton.cudagraphs": self._replays})
        self._state: list[Tensor] = []
        self._moved: list[int] | None = None  # which outputs lie in memory otherwise than the inputs they become

    def load(self, state: Sequence[Tensor]) -> None:
        """Begin with this state."""
        strides = self._strides[: self.program.num_state]
        self._state = [_laid_out(each.detach().clone(), stride) for each, stride in zip(state, strides, strict=True)]

    def state(self) -> list[Tensor]:
        """The present state."""
        return self._state

    def advance(self, inputs: Inputs, seed: int, first: int, count: int, summed: int = 0) -> Course:
        """Take steps; see :class:`virgil.engine.runner.Runner`."""
        steps = enumerate(self._rows(inputs, count), first)
        courses: list[Course] = []
        with preserved_rng(), torch.no_grad():
            while stretch := list(islice(steps, _LONGEST)):
                courses.append(self._stretch(stretch, seed, summed))
                if not courses[-1].is_finite:
                    break
        return joined(courses)

    @contextmanager
    def noise(self, seed: int, number: int) -> Iterator[None]:
        """A block in which eager operations draw the numbers of a step."""
        with preserved_rng(), as_when_compiling(), DrawnBy(lambda func, args, kwargs: func(*args, **kwargs)):
            for generator in self._generators:
                generator.manual_seed(seed_of_step(seed, number))
            yield

    def _rows(self, inputs: Inputs, count: int) -> Iterator[list[Tensor]]:
        """The inputs of one step after another."""
        strides = self._strides[self.program.num_state :]
        row = {place: _laid_out(each, strides[place]) for place, each in inputs.fixed.items()}
        for number in range(count):
            row.update({place: _laid_out(each[number], strides[place]) for place, each in inputs.streamed.items()})
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
        size = self.program.num_state
        losses, norms = [], []
        for number, row in steps:
            for generator in self._generators:
                generator.manual_seed(seed_of_step(seed, number))
            outputs = self._replayed(row) if self._replays else self._call(*self._state, *row)
            self._state = self._as_state(outputs)
            for total, each in zip(sums, self._state, strict=False):
                total.add_(each)
            losses.append(outputs[size])
            norms.append(outputs[size + 1])
        return torch.stack(losses), torch.stack(norms)

    def _replayed(self, row: list[Tensor]) -> Sequence[Tensor]:
        """A step by a CUDA graph, whose next replay overwrites its outputs: so copies of them."""
        torch.compiler.cudagraph_mark_step_begin()
        outputs = self._call(*self._state, *row)
        copies = [torch.empty_like(each) for each in outputs]
        torch._foreach_copy_(copies, list(outputs))
        return copies

    def _as_state(self, outputs: Sequence[Tensor]) -> list[Tensor]:
        state = list(outputs[: self.program.num_state])
        if self._moved is None:  # the same at every step
            self._moved = [place for place, each in enumerate(state) if each.stride() != self._strides[place]]
        for place in self._moved:
            state[place] = _laid_out(state[place], self._strides[place])
        return state


def seed_of_step(seed: int, number: int) -> int:
    """The seed of torch's generators for a step of a run.

    A hash of the run's seed, plus the number times an odd constant, modulo 2^64: so that no two of 2^32 successive
    steps share the lower 32 bits, which are all that torch's generator on CPUs looks at.
    """
    return (_hashed(seed) + number * 0x9E3779B97F4A7C15) % 2**64


@functools.lru_cache(maxsize=16)
def _hashed(seed: int) -> int:
    return int(np.random.SeedSequence(seed % 2**64).generate_state(1, np.uint64)[0])


def _laid_out(tensor: Tensor, stride: tuple[int, ...]) -> Tensor:
    """The tensor in the memory layout that compiled code reads."""
    if tensor.stride() == stride:
        return tensor
    return torch.empty_strided(tensor.shape, stride, dtype=tensor.dtype, device=tensor.device).copy_(tensor)


def _cuda_devices(graph: Graph) -> list[int]:
    """Those that hold any of a graph's tensors."""
    values = pytree.tree_leaves([node.meta.get("val") for node in graph.nodes])
    devices = {each.device for each in values if isinstance(each, Tensor)}
    return sorted({each.index or 0 for each in devices if each.type == "cuda"})


def _compiled(graph: GraphModule, examples: Sequence[Tensor], options: dict[str, object]) -> Call:
    """The graph, with flat inputs and outputs, as compiled code for tensors like these."""
    flat = Graph()
    outputs = flat.graph_copy(graph.graph, {})
    flat.output(tuple(pytree.tree_leaves(outputs)))
    tensors: list[Any] = [torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device=x.device) for x in examples]
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the compiler's, of itself
            call: Call = _inductor.compile(GraphModule(graph, flat), tensors, options)
    except Exception as error:  # the compiler has no common class for what it cannot do
        raise _refused(error, graph.graph) from error
    return call


def _refused(error: Exception, graph: Graph) -> CaptureError:
    cause = getattr(error, "inner_exception", error)
    if isinstance(cause, InvalidCxxCompiler):
        return CaptureError(
            "engine='inductor' found no C++ compiler. Install g++ or clang++, or name one in the environment variable "
            "CXX. Or use engine='xla' or engine='eager'."
        )
    operator = re.search(r"target: ([\w.:]+)", str(error))
    if operator is None:
        what = str(cause).strip().partition("\n")[0]
        return CaptureError(f"Inductor cannot compile the step: {type(cause).__name__}: {what}. {_CURE}")
    lines = (node.meta.get("stack_trace") for node in graph.nodes if str(node.target) == operator[1])
    line = next(filter(None, lines), None)
    place = f" It comes from\n  {line}\n" if line else " "
    return OperatorError(f"Inductor cannot compile the operator {operator[1]}.{place}{_CURE}")
