"""Where the restarts of a run begin: the parameters as they are, and as the programs would make them anew."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from virgil.errors import ParamError
from virgil.infer.density.buffers import buffers_of
from virgil.infer.density.dry_run import unmarked
from virgil.infer.problem import Problem
from virgil.infer.run.source import Batch
from virgil.infer.step.state import finding
from virgil.nn.assigning import begin_anew
from virgil.nn.tree import is_program
from virgil.ops.random_state import set_rng_seed
from virgil.params import ParamStore

__all__ = ["Beginning"]


class Beginning:
    """Sets parameters, buffers and optimiser to where a restart begins, in the same tensors each time.

    The first restart begins where they are. For another one a parameter of the store or of a ``PyroModule`` is made by
    its own ``init``, and a network or automatic guide has ``reset_parameters`` called; what has neither begins where it
    is.

    Args:
        problem: what is solved.
        batch: arguments to run the programs on.
    """

    def __init__(self, problem: Problem, batch: Batch) -> None:
        with unmarked(), finding() as found, torch.no_grad():
            problem.loss(*batch.args, **batch.kwargs)
        self._problem = problem
        self._batch = batch
        self._leaves = found.leaves
        self._modules = found.modules
        self.optimizer = problem.optim.join(found.leaves)
        self._tensors = [*found.leaves.values(), *buffers_of(found.modules)]
        self._values = [each.detach().clone() for each in self._tensors]
        self._memory = problem.optim.get_state()

    def anew(self) -> bool:
        """Begin another restart; returns whether any parameter begins elsewhere than the first one's."""
        seed = int(torch.randint(2**62, ()))
        self._return(self._values, self._memory)
        if self.optimizer is not None:
            for leaf in self._leaves.values():
                self.optimizer.state.pop(leaf, None)
        owned = {id(leaf) for leaf in self._leaves.values()}
        for module in self._modules:
            reset = getattr(module, "reset_parameters", None)
            if reset is not None and _holds(module, owned):
                reset()
            if is_program(module):
                begin_anew(module)
        with ParamStore() as store, unmarked(), torch.no_grad():
            set_rng_seed(seed)
            self._problem.loss(*self._batch.args, **self._batch.kwargs)
            for name, leaf in self._leaves.items():
                self._copy(name, leaf, store)
        return not all(map(torch.equal, self._tensors, self._values))

    def _copy(self, name: str, leaf: Tensor, store: ParamStore) -> None:
        if name not in store or store.unconstrained(name) is leaf:
            return
        value = store.unconstrained(name)
        if value.shape != leaf.shape:
            raise ParamError(
                f"run(restarts=...) makes parameter {name!r} anew with shape {tuple(value.shape)}, but it has shape "
                f"{tuple(leaf.shape)}. Its initial value must not change its shape."
            )
        leaf.copy_(value)

    def state(self) -> Any:
        """Where parameters, buffers and optimiser are."""
        return [each.detach().clone() for each in self._tensors], self._problem.optim.get_state()

    def go_to(self, state: Any) -> None:
        """Put them where :meth:`state` found them."""
        self._return(*state)

    def _return(self, values: list[Tensor], memory: Any) -> None:
        with torch.no_grad():
            for tensor, value in zip(self._tensors, values, strict=True):
                tensor.copy_(value)
        self._problem.optim.set_state(memory)


def _holds(module: nn.Module, owned: set[int]) -> bool:
    """True if a network, or a part of it that is no network called on its own, holds one of the leaves."""
    return any(id(each) in owned for each in module.parameters())
