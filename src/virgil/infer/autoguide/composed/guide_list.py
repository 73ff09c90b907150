"""``AutoGuideList``: a guide of several parts, each for some of the latent sites; ``AutoCallable``: one by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from virgil.errors import ArgumentError, DuplicateSiteError, shown
from virgil.infer.autoguide.core.guide import AutoGuide
from virgil.nn.call import calls
from virgil.nn.containers import Container
from virgil.poutine.plate import plate

__all__ = ["AutoCallable", "AutoGuideList"]


class AutoCallable(AutoGuide):
    """A guide written by hand, as a part of an :class:`AutoGuideList`.

    Args:
        model: the generative program.
        guide: the program that states the latent sites; it returns a dict from site to value, or nothing.
        median: a function of the same arguments that gives the medians of its sites, by name.
    """

    def __init__(
        self,
        model: Callable[..., Any],
        guide: Callable[..., Any],
        median: Callable[..., Mapping[str, Tensor]] | None = None,
    ) -> None:
        super().__init__(model)
        if not callable(guide):
            raise ArgumentError(
                f"AutoCallable got guide={shown(guide)}, which cannot be called. Pass the function itself."
            )
        self.guide = guide
        self.median_of = median

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Run the program; returns what it returns, or an empty dict."""
        values = self.guide(*args, **kwargs)
        return dict(values) if isinstance(values, Mapping) else {}

    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The medians that the function ``median`` gives; none without one."""
        return {} if self.median_of is None else dict(self.median_of(*args, **kwargs))


class AutoGuideList(Container, AutoGuide, nn.ModuleList):
    """A guide of several parts, which together state all latent sites.

    A part is a guide for the model with the other sites hidden, by ``poutine.block``, or a function. It may be had by
    its position, ``guide[0]``. Its parameters are named by it as well, such as ``"AutoGuideList.0.locs.mu"``. The parts
    of one call share the plates.

    Args:
        model: the generative program.
        create_plates: see :class:`AutoGuide`.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoDelta, AutoGuideList, AutoNormal
        >>> from virgil.poutine import block
        >>> def model():
        ...     scale = virgil.sample("scale", dist.HalfNormal(1.0))
        ...     virgil.sample("mu", dist.Normal(0.0, scale))
        >>> guide = AutoGuideList(model).append(AutoDelta(block(model, expose=["scale"])))
        >>> guide = guide.append(AutoNormal(block(model, hide=["scale"])))
        >>> list(guide())
        ['scale', 'mu']
        >>> list(guide.state_dict())
        ['0.points.scale', '1.locs.mu', '1.scales.mu']
    """

    def __init__(self, model: Callable[..., Any], *, create_plates: Callable[..., Any] | None = None) -> None:
        super().__init__(model, create_plates=create_plates)

    def append(self, part: Callable[..., Any]) -> Self:
        """Add a part: a guide, or a function that states some of the latent sites."""
        if not isinstance(part, AutoGuide):
            part = AutoCallable(self.model, part)
        return super().append(part)

    def add(self, part: Callable[..., Any]) -> Self:
        """``append``, by its former name."""
        return self.append(part)

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """State the sites of all parts, in their order.

        Returns:
            The value of each, constrained, by name.

        Raises:
            ArgumentError: there are no parts.
            DuplicateSiteError: two parts state one site.
        """
        if self.create_plates is not None:
            made = self.create_plates(*args, **kwargs)
            plates: Sequence[plate] = made if isinstance(made, list | tuple) else [made]
            shared = calls.open.get(self._pyro_family, {}).setdefault("plates of guides", {})
            shared.update({each.name: each for each in plates})
        return self._merged([(name, part(*args, **kwargs)) for name, part in self._parts()])

    def reset_parameters(self) -> None:
        """Let the next call begin from other initial values, as new parts would."""
        for _, part in self._parts():
            part.reset_parameters()

    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The median of every latent variable, as its part gives it."""
        return self._merged([(name, part.median(*args, **kwargs)) for name, part in self._parts()])

    @torch.no_grad()
    def quantiles(self, quantiles: Sequence[float] | Tensor, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Quantiles of every latent variable, as its part gives them.

        Raises:
            NotImplementedError: a part has none, for instance a point estimate.
        """
        values = []
        for name, part in self._parts():
            try:
                values.append((name, part.quantiles(quantiles, *args, **kwargs)))
            except NotImplementedError:
                raise NotImplementedError(
                    f"Part {name} of the AutoGuideList, {type(part).__name__}, has no quantiles."
                ) from None
        return self._merged(values)

    def _parts(self) -> list[tuple[str, Any]]:
        return list(self._modules.items())

    def _merged(self, values: Sequence[tuple[str, Mapping[str, Tensor]]]) -> dict[str, Tensor]:
        if not values:
            raise ArgumentError(
                "The AutoGuideList has no parts. Append guides for the model's latent sites, such as "
                "AutoNormal(poutine.block(model, expose=[...]))."
            )
        merged: dict[str, Tensor] = {}
        for name, given in values:
            for site in given.keys() & merged.keys():
                raise DuplicateSiteError(
                    f"Site {site!r} is stated by part {name} of the AutoGuideList and by an earlier one. Hide it in "
                    f"one of them, as in AutoNormal(poutine.block(model, hide=[{site!r}])).",
                    site=site,
                )
            merged.update(given)
        return merged
