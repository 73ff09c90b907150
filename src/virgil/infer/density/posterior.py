"""The posterior over real vectors: every latent variable of the model, unconstrained, laid end to end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.infer.density.draws_at_once import Joint
from virgil.infer.density.dry_run import put_back
from virgil.infer.density.execution import Pair
from virgil.infer.density.init_messenger import InitMessenger
from virgil.infer.density.initialization import InitFn, init_to_uniform
from virgil.infer.density.log_density import total
from virgil.infer.density.reads import Reads
from virgil.infer.density.unconstrained import AtValues, AtVectors, Part, check_same_sites
from virgil.poutine.runtime import Handler
from virgil.poutine.trace import Trace

__all__ = ["Density"]


@dataclass(frozen=True, eq=False)
class Density:
    r"""The log-density of the posterior over real vectors, up to the evidence, nats.

    .. math:: \log p(x, f(u)) + \log \lvert \det f'(u) \rvert

    with :math:`f` the bijections from real vectors onto the supports of the latent variables, and discrete variables
    summed out. A vector has the shape ``(dim,)``, a batch of them ``(num, dim)``.

    Attributes:
        joint: the model and, for that of a fit, its guide, whose scale the density is relative to.
        parts: by site, in the order of the vector's entries.
        deterministic: the deterministic sites that depend on no variable that is summed out.
        reads: the parameters and buffers that the model reads.
    """

    joint: Joint
    parts: Mapping[str, Part]
    deterministic: tuple[str, ...]
    reads: Reads

    @property
    def dim(self) -> int:
        """The length of a vector."""
        return sum(part.size for part in self.parts.values())

    @property
    def names(self) -> list[str]:
        """The site of each entry of a vector."""
        return [name for name, part in self.parts.items() for _ in range(part.size)]

    @property
    def dtype(self) -> torch.dtype:
        """The widest of the sites' dtypes, in which a vector loses nothing."""
        dtypes = [part.site.value.dtype for part in self.parts.values()]
        widest: torch.dtype = reduce(torch.promote_types, dtypes)
        return widest

    @property
    def device(self) -> torch.device:
        """Where the sites' values are."""
        device: torch.device = next(iter(self.parts.values())).site.value.device
        return device

    def on(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Density:
        """The density at other arguments of the same shapes."""
        return replace(self, joint=self.joint.on(args, kwargs))

    def __call__(self, vectors: Tensor) -> Tensor:
        """The log-density, float64, differentiable. Shapes: ``(dim,)`` to ``()``, ``(num, dim)`` to ``(num,)``."""
        self.check(vectors)
        if vectors.dim() == 1:
            return self._log_density(self.joint.one_by_one(), vectors.unsqueeze(0)).squeeze(0)
        return torch.cat([self._log_density(self.joint, rows) for rows in vectors.split(self.joint.chunk)])

    def gradient(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """The log-density and its gradient, which has the shape and dtype of ``vectors``."""
        with torch.enable_grad():
            given = vectors.detach().requires_grad_()
            value = self(given)
            slope = torch.autograd.grad(value.sum(), given)[0]
        return value.detach(), slope

    def values(self, vectors: Tensor) -> dict[str, Tensor]:
        """The values of latent sites at vectors. Shapes: ``(num, dim)`` to ``(num, *shape of the site)``."""
        self.check(vectors)
        if vectors.dim() == 1:
            return {name: value[0] for name, value in self.values(vectors.unsqueeze(0)).items()}
        if not all(part.is_fixed for part in self.parts.values()):
            return self._sites(vectors, self.parts)
        rows = vectors.split([part.size for part in self.parts.values()], 1)
        return {
            name: part.bijection(part.widened(row)).reshape(len(vectors), *part.site.value.shape)
            for (name, part), row in zip(self.parts.items(), rows, strict=True)
        }

    def sites(self, vectors: Tensor, names: Sequence[str] | None = None) -> dict[str, Tensor]:
        """The values that sites have at vectors, shapes as for :meth:`values`.

        Args:
            vectors: Shape: ``(num, dim)``, or ``(dim,)``.
            names: of the sites; none of them may depend on a variable that is summed out. Default: the latent sites of
                the vectors, and deterministic ones that depend on no such variable.
        """
        self.check(vectors)
        if vectors.dim() == 1:
            return {name: value[0] for name, value in self.sites(vectors.unsqueeze(0), names).items()}
        names = (*self.parts, *self.deterministic) if names is None else names
        with torch.no_grad():
            return self.values(vectors) if set(names) == set(self.parts) else self._sites(vectors, names)

    def vectors(self, values: Mapping[str, Tensor]) -> Tensor:
        """The vectors of values of latent sites. Shapes: ``(num, *shape of the site)`` to ``(num, dim)``.

        Raises:
            ArgumentError: a latent site has no value.
        """
        missing = [name for name in self.parts if name not in values]
        if missing:
            raise ArgumentError(f"A vector has entries for the latent site {missing[0]!r}, of which no value is given.")
        with torch.no_grad():
            if all(part.is_fixed for part in self.parts.values()):
                found = {name: part.entries(part.bijection.inverse(values[name])) for name, part in self.parts.items()}
            else:
                found = self._entries(values)
            return torch.cat([found[name].to(self.dtype) for name in self.parts], 1)

    def initial(self, count: int, init_fn: InitFn = init_to_uniform) -> Tensor:
        """Vectors to begin at, each site's value by a function such as ``init_to_mean``. Shape: ``(count, dim)``."""
        joint = replace(self.joint.one_by_one(), enumerates=False)
        with torch.no_grad(), kept(self.reads.buffers):
            return torch.cat([self._vectors_of(joint, 1, InitMessenger(init_fn)) for _ in range(count)])

    def prior(self, count: int) -> Tensor:
        """Draws of the model's own distributions. Shape: ``(count, dim)``.

        Raises:
            NotImplementedError: one of them cannot be drawn from.
        """
        joint = replace(self.joint, enumerates=False)
        with torch.no_grad(), kept(self.reads.buffers):
            return torch.cat([self._vectors_of(joint, len(chunk), None) for chunk in joint.draws.chunks(count)])

    def run(self, joint: Joint, vectors: Tensor) -> tuple[Trace, AtVectors]:
        """An execution of the model at vectors, with variables that are summed out at all their values."""
        handler = AtVectors(self.parts, joint.draws, vectors)
        model = joint.run_model(len(vectors), handler)
        check_same_sites(self.parts, model)
        return model, handler

    def _log_density(self, joint: Joint, vectors: Tensor) -> Tensor:
        with kept(self.reads.buffers):
            model, at = self.run(joint, vectors)
            terms = joint.log_model(Pair(Trace(), model), len(vectors))
            return total(terms, len(vectors)) / (joint.scale or 1.0) + at.log_volume

    def _sites(self, vectors: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
        """The values that sites have in executions of the model at vectors."""
        single, stacked = self.joint.single.model.nodes, self.joint.draws.stacked
        chunks = []
        with kept(self.reads.buffers):
            for rows in vectors.split(self.joint.chunk):
                model, _ = self.run(self.joint, rows)
                chunks.append(
                    {name: stacked(name, model.nodes[name].value, single[name].value, len(rows)) for name in names}
                )
        return {name: torch.cat([each[name] for each in chunks]) for name in chunks[0]}

    def _vectors_of(self, joint: Joint, count: int, handler: Handler | None) -> Tensor:
        """The vectors of the latent values of an execution."""
        model = joint.run_model(count, handler)
        stacked = joint.draws.stacked
        return self.vectors(
            {name: stacked(name, model.nodes[name].value, part.site.value, count) for name, part in self.parts.items()}
        )

    def _entries(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The entries of values whose supports depend on each other, found in executions of the model."""
        count = len(next(iter(values.values())))
        chunks = []
        with kept(self.reads.buffers):
            for chunk in self.joint.draws.chunks(count):
                given = {name: value[chunk.start : chunk.stop] for name, value in values.items()}
                handler = AtValues(self.parts, self.joint.draws, given)
                self.joint.run_model(len(chunk), handler)
                chunks.append(handler.entries)
        return {name: torch.cat([each[name] for each in chunks]) for name in self.parts}

    def check(self, vectors: Tensor) -> None:
        """Check the shape of vectors.

        Raises:
            ArgumentError: it is another.
        """
        if vectors.dim() not in (1, 2) or vectors.shape[-1] != self.dim:
            raise ArgumentError(
                f"A density over vectors of {self.dim} entries got a tensor of shape {tuple(vectors.shape)}; it takes "
                f"({self.dim},), or (num, {self.dim}) for so many vectors."
            )


@contextmanager
def kept(buffers: Sequence[Tensor]) -> Iterator[None]:
    """A block after which networks' buffers, such as running means, are as before."""
    before = [(buffer, buffer.clone()) for buffer in buffers]
    try:
        yield
    finally:
        put_back(before)
