"""``MCMCKernel``: one transition of a Markov chain."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor

__all__ = ["MCMCKernel", "Params"]

Params = dict[str, Tensor]
"""A state of a chain: by name a tensor of real numbers."""


class MCMCKernel(ABC):
    """A transition of a Markov chain that keeps a distribution; `MCMC` draws chains of them.

    A kernel of your own has :meth:`sample` and an ``initial_params`` that may be set; the rest is optional. A chain
    calls :meth:`setup`, then :meth:`sample` for each step of the warm-up, :meth:`end_warmup`, :meth:`sample` for each
    draw, and :meth:`cleanup`.
    """

    def setup(self, warmup_steps: int, *args: Any, **kwargs: Any) -> None:  # noqa: B027 optional
        """Prepare a chain.

        Args:
            warmup_steps: how many steps of warm-up it will have.
            args: arguments of ``MCMC.run``.
            kwargs: arguments of ``MCMC.run``.
        """

    def cleanup(self) -> None:  # noqa: B027 optional
        """Forget the chain."""

    def logging(self) -> dict[str, Any]:
        """Figures to show beside the progress of a chain, by their names."""
        return {}

    def diagnostics(self) -> dict[str, Any]:
        """Figures of a chain that has ended, by their names."""
        return {}

    def end_warmup(self) -> None:  # noqa: B027 optional
        """Note that the warm-up has ended."""

    @property
    def initial_params(self) -> Params | None:
        """The state that the next chain begins with; ``None`` where none is known."""
        return None

    @initial_params.setter
    def initial_params(self, params: Params) -> None:
        raise NotImplementedError(f"{type(self).__name__} takes no initial_params.")

    @abstractmethod
    def sample(self, params: Params) -> Params:
        """The state after this one.

        Args:
            params: the present state.
        """
