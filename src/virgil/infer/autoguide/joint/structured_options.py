"""``StructuredOptions``: which distribution each site of a structured guide has, and which sites move it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from virgil.errors import ArgumentError, did_you_mean, shown

__all__ = ["Conditional", "Dependency", "StructuredOptions"]

Conditional = str | Callable[[], Tensor]
Dependency = str | Callable[[Tensor], Tensor]

_KINDS = ("delta", "normal", "mvn")


@dataclass(frozen=True, eq=False)
class StructuredOptions:
    """The options of a structured guide.

    Attributes:
        conditionals: of all sites, or by site.
        dependencies: ``"linear"`` for those of the posterior, or by downstream site, by upstream site.

    Raises:
        ArgumentError: an option of no known kind.
    """

    conditionals: Conditional | Mapping[str, Conditional]
    dependencies: str | Mapping[str, Mapping[str, Dependency]]

    def __post_init__(self) -> None:
        is_by_site = isinstance(self.conditionals, Mapping)
        for each in self._of_sites():
            if each not in _KINDS and not (callable(each) and is_by_site):
                raise ArgumentError(
                    f"AutoStructured got the conditional {shown(each)}; it takes 'delta', 'normal' or 'mvn', or a dict "
                    "from each latent site to one of these or to a function that returns a draw."
                )
        for kind in self._between_sites():
            if kind != "linear" and not (callable(kind) and isinstance(self.dependencies, Mapping)):
                raise ArgumentError(
                    f"AutoStructured got the dependence {shown(kind)}; it takes 'linear', or a dict from downstream "
                    "sites to a dict from upstream sites to 'linear' or a function of vectors."
                )

    def _of_sites(self) -> list[Any]:
        return list(self.conditionals.values()) if isinstance(self.conditionals, Mapping) else [self.conditionals]

    def _between_sites(self) -> list[Any]:
        if not isinstance(self.dependencies, Mapping):
            return [self.dependencies]
        return [each for upstream in self.dependencies.values() for each in upstream.values()]

    def functions(self) -> Iterator[Any]:
        """All conditionals and dependences that are given, names of kinds among them."""
        yield from self._of_sites()
        yield from self._between_sites()

    def conditional(self, name: str) -> Conditional:
        """The conditional of a site."""
        return self.conditionals[name] if isinstance(self.conditionals, Mapping) else self.conditionals

    def dependency(self, name: str, upstream: str) -> Dependency:
        """The way in which a site depends on one upstream."""
        return self.dependencies[name][upstream] if isinstance(self.dependencies, Mapping) else self.dependencies

    def check_names(self, latents: Sequence[str]) -> None:
        """Check that the sites that are named are those of the model.

        Raises:
            ArgumentError: one is not, or has no conditional.
        """
        named: set[str] = set()
        if isinstance(self.conditionals, Mapping):
            named |= self.conditionals.keys()
            for name in latents:
                if name not in self.conditionals:
                    raise ArgumentError(
                        f"AutoStructured got conditionals= without one for {name!r}, a latent site. Add it."
                    )
        if isinstance(self.dependencies, Mapping):
            named |= self.dependencies.keys() | {name for each in self.dependencies.values() for name in each}
        for name in sorted(named - set(latents)):
            raise ArgumentError(
                f"AutoStructured got {name!r} in conditionals= or dependencies=, which is no latent site of the model. "
                f"{did_you_mean(name, list(latents))}"
            )

    def parents(self, latents: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The sites upstream of each, each site after those that it depends on; empty where none are given.

        Raises:
            ArgumentError: there is a circle.
        """
        if not isinstance(self.dependencies, Mapping):
            return {}
        return _in_order({name: tuple(self.dependencies.get(name, ())) for name in latents})


def _in_order(parents: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    ordered: dict[str, tuple[str, ...]] = {}
    while len(ordered) < len(parents):
        ready = [name for name in parents if name not in ordered and all(each in ordered for each in parents[name])]
        if not ready:
            circle = ", ".join(repr(name) for name in parents if name not in ordered)
            raise ArgumentError(f"AutoStructured got dependencies= in which {circle} depend on each other in a circle.")
        ordered.update({name: parents[name] for name in ready})
    return ordered
