"""``CapturedStep``: a captured step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from virgil.engine.recording.graph import Recording
from virgil.engine.recording.transcript import Transcript

__all__ = ["CapturedStep", "StepFn", "on_copies"]

# from the state's tensors and other inputs: the state after the step, the loss, gradient norms
StepFn = Callable[[list[Tensor], list[Tensor]], tuple[list[Tensor], Tensor, Tensor]]


def on_copies(step: Callable[[list[Tensor], list[Tensor]], Any]) -> Callable[[list[Tensor], list[Tensor]], Any]:
    """The step on copies of its arguments, into which a program may write."""
    return lambda state, inputs: step([each.clone() for each in state], [each.clone() for each in inputs])


@dataclass(frozen=True, eq=False)
class CapturedStep:
    """One step as one graph: a pure function of its state, its inputs and random numbers.

    The graph's inputs are the tensors of the state, then ``num_inputs`` others; its outputs are the state after the
    step, then the loss, then the norms of the gradients.

    Attributes:
        graph: the operations.
        transcript: what the step did when it was recorded.
        num_state: how many tensors the state has.
        num_inputs: how many other tensors a step reads: mini-batches and learning rates.
    """

    graph: Recording
    transcript: Transcript
    num_state: int
    num_inputs: int

    @property
    def constants(self) -> dict[str, Tensor]:
        """The tensors that the graph holds, by name."""
        return self.graph.constants

    @property
    def reported(self) -> list[Tensor]:
        """Tensors without values that are like the loss and the norms of the gradients."""
        outputs: Any = self.graph.graph.output_node().args[0]
        return [node.meta["val"] for node in outputs[self.num_state :]]

    @property
    def num_nodes(self) -> int:
        """How many operations the graph has."""
        return sum(node.op == "call_function" for node in self.graph.graph.nodes)
