"""``Fit``: what a run returns."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from torch import Tensor

from virgil.infer.fit_plot import plot_fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Fit"]


@dataclass(frozen=True)
class Fit:
    """The course and the result of a run.

    Attributes:
        losses: the loss of every step, nats. Shape: ``(steps,)``.
        gradient_norms: by parameter, the Euclidean norm of the gradient with respect to its unconstrained value at
            every step; 0 at a step that did not reach it. Shape: ``(steps,)`` each.
        params: the constrained value of every parameter after the last step, detached.
        wall_time: seconds.
        interrupted: whether Ctrl-C ended the run early.
        engine: what ran the steps.
    """

    losses: Tensor
    gradient_norms: dict[str, Tensor]
    params: dict[str, Tensor]
    wall_time: float
    interrupted: bool = False
    engine: str = "eager"

    @property
    def num_steps(self) -> int:
        """How many steps were taken."""
        return len(self.losses)

    def tail_loss(self, share: float = 0.1) -> tuple[float, float]:
        """Mean and standard deviation of the loss over the last ``share`` of the steps, nats."""
        tail = self.losses[-max(1, round(share * self.num_steps)) :]
        return tail.mean().item(), tail.std(correction=0).item()

    def summary(self) -> str:
        """A table for the terminal: steps, time, loss, and each parameter's shape, range and last gradient norm."""
        mean, deviation = self.tail_loss()
        rate = self.num_steps / self.wall_time if self.wall_time > 0 else float("nan")
        title = (
            f"{self.num_steps} steps in {self.wall_time:.1f} s ({rate:,.0f} steps/s, "
            f"{self.engine}){', interrupted' * self.interrupted}\n"
            f"loss over the last tenth: {mean:.3f} nats, sd {deviation:.3f} from step to step"
        )
        table = Table(title=title, title_justify="left", title_style="")
        for heading in ("parameter", "shape", "mean", "min", "max", "gradient norm"):
            table.add_column(heading, justify="left" if heading == "parameter" else "right")
        for name, value in self.params.items():
            norms = self.gradient_norms.get(name)
            last = (
                f"{norms[-max(1, len(norms) // 10) :].mean().item():.3g}" if norms is not None and len(norms) else "-"
            )
            numbers = (
                [f"{each.item():.4g}" for each in (value.mean(), value.min(), value.max())]
                if value.numel()
                else ["-"] * 3
            )
            table.add_row(name, "x".join(map(str, value.shape)) or "scalar", *numbers, last)
        console = Console(width=120, no_color=True)
        with console.capture() as capture:
            console.print(table)
        return capture.get().rstrip()

    def plot(self, filename: str | PathLike[str] | None = None) -> Figure:
        """Draw the loss, and every parameter's gradient norm on a log scale, against steps; needs the extra ``plot``.

        Args:
            filename: where to save the picture, if anywhere.

        Returns:
            The matplotlib figure.
        """
        return plot_fit(self.losses, self.gradient_norms, filename)

    def __repr__(self) -> str:
        loss = f", loss {self.tail_loss()[0]:.3f} nats" if self.num_steps else ""
        return f"Fit({self.num_steps} steps{loss}, {self.wall_time:.1f} s)"
