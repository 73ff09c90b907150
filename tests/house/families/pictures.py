"""The pictures of ``docs/families.md``, one a wing: small panels in one style."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes

import virgil
import virgil.distributions as dist
from tests.house.families.page import FOLDER
from tests.house.families.panels import bars, curves, disc, paths, plane, triangle
from tests.house.families.wings import WINGS, families, row_of
from virgil.distributions import constraints

__all__ = ["draw"]

COLUMNS = 6
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.5,
    "xtick.major.size": 2,
    "ytick.major.size": 2,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.pad": 1.5,
    "ytick.major.pad": 1.5,
}
Panel = Callable[[Axes], None]


def draw() -> None:
    """Write the pictures of all wings."""
    FOLDER.mkdir(exist_ok=True)
    for name in WINGS:
        virgil.set_rng_seed(0)
        panels = {each.__name__: panel for each in families(name) if (panel := _panel(name, each)) is not None}
        with plt.rc_context(STYLE):
            _write(name, panels)


def _write(name: str, panels: dict[str, Panel]) -> None:
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure, grid = plt.subplots(rows, columns, figsize=(1.75 * columns, 1.35 * rows), squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    for axes, (family, panel) in zip(grid.flat, panels.items(), strict=False):
        axes.locator_params(nbins=4)
        panel(axes)
        axes.set_title("\n".join(_lines(family)), pad=3)
    figure.tight_layout(pad=0.5, h_pad=0.7, w_pad=0.6)
    path = FOLDER / f"{name}.png"
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)
    _reduce(path)


def _reduce(path: Any) -> None:
    """Keep 64 colours: a third of the size, and no difference to the eye."""
    from PIL import Image

    Image.open(path).convert("RGB").quantize(64).save(path, optimize=True)


def _lines(name: str, width: int = 22) -> list[str]:
    """A long name on two lines, broken where a word begins."""
    if len(name) <= width:
        return [name]
    breaks = [place for place in range(1, len(name)) if name[place].isupper() and name[place - 1].islower()]
    middle = min(breaks, key=lambda place: abs(place - len(name) / 2))
    return [name[:middle], name[middle:]]


def _panel(wing: str, family: type[Any]) -> Panel | None:
    """How a family is drawn; None where it has no picture."""
    name = family.__name__
    if name in _OWN:
        return _OWN[name]
    row = row_of(family)
    if row is None or wing in ("matrix", "time_series") or not row.normalised:
        return None
    fn = row.build()
    if row.values is not None:
        return _of_values(row, fn)
    if fn.event_shape == ():
        return partial(curves, fn=fn)
    if fn.event_shape == (2,):
        return partial(plane, fn=fn, angles=wing == "directional")
    if fn.event_shape == (3,):
        return partial(disc if fn.support is constraints.sphere else triangle, fn=fn)
    return None


def _of_values(row: Any, fn: Any) -> Panel:
    if fn.event_shape == ():
        return partial(bars, fn=fn, values=row.values.sort().values)
    if type(fn.support) is type(constraints.multinomial(1)):
        return partial(triangle, fn=fn, counts=row.values)
    return partial(bars, fn=fn, values=row.values, numbered=True)


class _OfTwoRows:
    """A correlation matrix of two rows, or its factor, as the correlation."""

    support = constraints.interval(-1.0, 1.0)

    def __init__(self, fn: Any, factor: bool) -> None:
        self.fn, self.factor = fn, factor

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        one, zero = torch.ones_like(x), torch.zeros_like(x)
        rest = (1 - x.square()).clamp(min=0).sqrt()
        rows = [[one, zero], [x, rest]] if self.factor else [[one, x], [x, one]]
        return self.fn.log_prob(torch.stack([torch.stack(each, -1) for each in rows], -2))


def _walk(scale: float) -> Any:
    return dist.Normal(torch.zeros(1), scale).to_event(1)


_CONCENTRATIONS = torch.tensor([1.5, 4.0], dtype=torch.double)
_TIMES = torch.linspace(0.0, 4.0, 81)
_ONE = torch.ones(1, 1)
_STATES = torch.tensor([[3.0, 0.0], [0.0, 3.0]])
_OWN: dict[str, Panel] = {
    "LKJ": lambda axes: curves(axes, _OfTwoRows(dist.LKJ(2, _CONCENTRATIONS), False), -0.9, 0.9),
    "LKJCholesky": lambda axes: curves(axes, _OfTwoRows(dist.LKJCholesky(2, _CONCENTRATIONS), True), -0.9, 0.9),
    "AR": lambda axes: paths(axes, dist.AR(torch.tensor([1.2, -0.4]), 0.3, 60)),
    "GaussianRandomWalk": lambda axes: paths(axes, dist.GaussianRandomWalk(0.3, 60)),
    "EulerMaruyama": lambda axes: paths(
        axes,
        dist.EulerMaruyama(_TIMES, lambda x, t: (2 * x - 2 * x**3, torch.tensor(0.5)), dist.Normal(0.0, 0.1)),
        _TIMES,
    ),
    "GaussianHMM": lambda axes: paths(
        axes, dist.GaussianHMM(_walk(1.0), 0.95 * _ONE, _walk(0.3), _ONE, _walk(0.4), duration=60)
    ),
    "DiscreteHMM": lambda axes: paths(
        axes, dist.DiscreteHMM(torch.zeros(2), _STATES, dist.Normal(torch.tensor([-1.0, 2.0]), 0.3), duration=60)
    ),
    "LinearHMM": lambda axes: paths(
        axes,
        dist.LinearHMM(
            _walk(1.0),
            0.95 * _ONE,
            dist.StudentT(torch.tensor([1.5]), 0.0, 0.2).to_event(1),
            _ONE,
            _walk(0.2),
            duration=60,
        ),
    ),
}
