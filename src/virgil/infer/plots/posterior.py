"""The picture of a posterior: the marginal of each latent coordinate under the guide, beside that of the prior."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, overload

import torch
from torch import Tensor

from virgil.errors import ArgumentError, did_you_mean
from virgil.infer.plots.figure import new_figure, saved

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_posterior"]

_COLUMNS = 4
_BINS = 48
_GUIDE, _PRIOR = "C0", "0.85"
_NEARLY_ALL = torch.tensor([0.001, 0.999], dtype=torch.float64)
_MOST = torch.tensor([0.05, 0.95], dtype=torch.float64)


@dataclass(frozen=True)
class _Marginal:
    """Draws of one coordinate of a site.

    Attributes:
        label: the site's name, with the place of the coordinate.
        posterior: under the guide.
        prior: under the model; ``None`` where it cannot be sampled.
    """

    label: str
    posterior: Tensor
    prior: Tensor | None

    @property
    def is_discrete(self) -> bool:
        """True if only few values, all of them whole numbers, occur."""
        values = self.posterior
        return bool((values == values.round()).all()) and len(values.unique()) <= _BINS


def plot_posterior(
    posterior: dict[str, Tensor],
    prior: dict[str, Tensor],
    filename: str | PathLike[str] | None,
    sites: Sequence[str] | None,
    max_panels: int,
) -> Figure:
    """Draw a panel a coordinate.

    Args:
        posterior: draws of the guide by latent site. Shape: ``(draws, *shape of the site)``.
        prior: draws of the model, of those sites that can be drawn so.
        filename: where to save the picture, if anywhere.
        sites: which ones. Default: all.
        max_panels: how many coordinates are drawn at most, the first ones.

    Raises:
        ArgumentError: an argument is out of range, or matplotlib is not installed.
    """
    if not isinstance(max_panels, int) or isinstance(max_panels, bool) or max_panels < 1:
        raise ArgumentError(f"plot_posterior() got max_panels={max_panels!r}; it takes a whole number, 1 or more.")
    shown = _coordinates(posterior, prior, sites)
    count = min(len(shown), max_panels)
    rows, columns = math.ceil(count / _COLUMNS), min(count, _COLUMNS)
    figure = new_figure(max(3.0 * columns, 4.5), 2.3 * rows + 0.5)
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes, each in zip(panels, shown, strict=False):
        _draw(axes, each)
    for axes in panels[count:]:
        axes.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    left = len(shown) - count
    title = f"{left:,} more coordinates are not drawn" if left else None
    figure.legend(
        handles,
        labels,
        loc="outside upper right",
        ncols=2,
        frameon=False,
        title=title,
        fontsize="small",
        title_fontsize="small",
    )
    return saved(figure, filename)


def _coordinates(
    posterior: dict[str, Tensor], prior: dict[str, Tensor], sites: Sequence[str] | None
) -> list[_Marginal]:
    if isinstance(sites, str):
        raise ArgumentError(f"plot_posterior() got sites={sites!r}, a single string; it takes a list, [{sites!r}].")
    for name in sites or ():
        if name not in posterior:
            raise ArgumentError(
                f"plot_posterior() got {name!r} in sites, which is no latent site. {did_you_mean(name, posterior)}"
            )
    found = []
    for name in posterior if sites is None else sites:
        shape = posterior[name].shape[1:]
        for place in range(shape.numel()):
            index = torch.unravel_index(torch.tensor(place), shape)
            label = f"{name}[{', '.join(str(int(each)) for each in index)}]" if shape else name
            found.append(_Marginal(label, _column(posterior[name], place), _column(prior.get(name), place)))
    if not found:
        raise ArgumentError("The fit has no latent site, so that there is nothing to draw.")
    return found


@overload
def _column(draws: Tensor, place: int) -> Tensor: ...
@overload
def _column(draws: Tensor | None, place: int) -> Tensor | None: ...
def _column(draws: Tensor | None, place: int) -> Tensor | None:
    return None if draws is None else draws.reshape(len(draws), -1)[:, place].double().cpu()


def _draw(axes: Axes, marginal: _Marginal) -> None:
    if marginal.is_discrete and (marginal.prior is None or bool((marginal.prior == marginal.prior.round()).all())):
        _draw_shares(axes, marginal)
    else:
        _draw_densities(axes, marginal)
    axes.set_title(marginal.label, fontsize="medium")
    axes.set_yticks([])
    axes.set_ylim(bottom=0)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)


def _draw_shares(axes: Axes, marginal: _Marginal) -> None:
    low, high = int(marginal.posterior.min()), int(marginal.posterior.max())
    if marginal.prior is not None:
        low, high = (int(each) for each in _range(marginal.posterior, marginal.prior))
    values = torch.arange(low, high + 1)
    for draws, width, colour, label in (
        (marginal.prior, 0.8, _PRIOR, "prior"),
        (marginal.posterior, 0.5, _GUIDE, "guide"),
    ):
        if draws is not None:
            shares = (draws.unsqueeze(-1) == values).double().mean(0)
            axes.bar(values.tolist(), shares.tolist(), width=width, color=colour, label=label)
    axes.locator_params("x", integer=True)


def _draw_densities(axes: Axes, marginal: _Marginal) -> None:
    posterior, prior = marginal.posterior, marginal.prior
    low, high = _range(posterior, prior)
    if prior is not None:
        axes.stairs(*_density(prior, low, high), fill=True, color=_PRIOR, label="prior")
    if posterior.min() == posterior.max():
        axes.axvline(float(posterior[0]), color=_GUIDE, linewidth=2.0, label="guide")
    else:
        axes.stairs(*_density(posterior, low, high), color=_GUIDE, linewidth=1.6, label="guide")
    axes.set_xlim(low, high)


def _density(draws: Tensor, low: float, high: float) -> tuple[list[float], list[float]]:
    """Heights and edges of a histogram; what lies outside counts, but is not drawn."""
    counts = torch.histc(draws, _BINS, low, high)
    edges = torch.linspace(low, high, _BINS + 1, dtype=draws.dtype)
    return (counts / (len(draws) * (high - low) / _BINS)).tolist(), edges.tolist()


def _range(posterior: Tensor, prior: Tensor | None) -> tuple[float, float]:
    """Where nearly all draws of the guide are, and of the prior's what lies as far again to either side."""
    low, high = posterior.quantile(_NEARLY_ALL).tolist()
    if prior is not None:
        before, behind = prior.quantile(_NEARLY_ALL if high > low else _MOST).tolist()
        reach = high - low or behind - before  # a point has no range
        low, high = max(min(low, before), low - reach), min(max(high, behind), high + reach)
    return (low, high) if high > low else (low - 1.0, high + 1.0)
