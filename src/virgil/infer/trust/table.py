"""A check as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from virgil.infer.trust.convergence import Estimate
from virgil.infer.trust.figures import Figures

__all__ = ["summary"]

_WIDTH = 120


def summary(check: Figures) -> str:
    """The verdict, a line a figure, and a row a site."""
    console = Console(width=_WIDTH, no_color=True, highlight=False)
    with console.capture() as capture:
        console.print(str(check.verdict), markup=False)
        console.print(_figures(check))
        if check.sites:
            console.print(_sites(check))
        for note in check.notes:
            console.print(note, markup=False)
    lines = [line.rstrip() for line in capture.get().splitlines()]
    return "\n".join(line for line in lines if line)


def _figures(check: Figures) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("question")
    table.add_column("figure", justify="right")
    table.add_column("about it")
    for row in [*_of_weights(check), *_of_convergence(check), *_of_calibration(check)]:
        table.add_row(*row)
    return table


def _of_weights(check: Figures) -> Iterator[tuple[str, str, str]]:
    weights = check.weights
    if weights is None:
        yield "k-hat", "none", check.obstacle or ""
        return
    num = len(weights.log_weights)
    yield "k-hat", f"{weights.k_hat:.2f}", f"usable up to {weights.threshold:.2f} with {num:,} draws"
    yield "draws worth", f"{weights.effective:,.0f}", f"of {num:,}, when weighted"
    doubt = "" if weights.is_usable else "; its error holds for a usable k-hat only"
    yield "log evidence", f"{weights.evidence:.3f}", f"± {weights.evidence_error:.3f} nats{doubt}"
    yield "ELBO", f"{weights.elbo:.3f}", f"± {weights.elbo_error:.3f} nats; {weights.gap:.3f} below the evidence"
    modes = check.modes
    about = modes.reason or f"{sum(mode.share for mode in modes.missed):.0%} of the posterior, by Laplace's method"
    yield "modes missed", "?" if modes.reason else str(len(modes.missed)), about if modes.reason or modes.missed else ""


def _of_convergence(check: Figures) -> Iterator[tuple[str, str, str]]:
    found = check.convergence
    if found is None:
        return
    yield "drift", _nats(found.drift), f"nats, over {found.steps} further steps"
    yield "cost of noise", _nats(found.jitter), "nats, of a step's parameters over their mean's"
    yield "excess", _nats(found.excess), "nats, of the fit's own parameters over that mean's"
    share = f"{found.r_hat_share:.0%} of entries above 1.1, the largest in {found.worst}"
    yield "R-hat", f"{found.r_hat:.2f}", share
    yield "Monte Carlo error", f"{found.mcse:.2g}", "of the mean of a parameter over these steps, the largest"
    yield "gradient signal", f"{found.signal:.2g}", "times the noise of one draw"


def _of_calibration(check: Figures) -> Iterator[tuple[str, str, str]]:
    found = check.calibration
    if found is None:
        return
    for site in found.sites:
        about = f"p {site.bias_p:.2g} for no bias, {site.uniform_p:.2g} for calibration; spread {site.spread:.2f}"
        yield f"P({site.name} < truth)", f"{site.mean:.2f}", about
    if found.failed:
        yield "failed fits", str(found.failed), f"of {found.num}"


def _sites(check: Figures) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    headings = (
        "site",
        "k-hat given the others",
        "usable up to",
        "in slot",
        "mean moves by, sd",
        "guide's sd / posterior's",
    )
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "site" else "right")
    for site in check.sites:
        shape, moved = site.shape, site.moments
        table.add_row(
            site.name,
            "" if shape is None else f"{shape.k_hat:.2f}",
            "" if shape is None else f"{shape.threshold:.2f}",
            "" if shape is None or not shape.slot else ", ".join(map(str, shape.slot)),
            "" if moved is None else f"{moved.shift:+.2f} ± {moved.shift_error:.2f}",
            "" if moved is None else f"{moved.ratio:.2f} ± {moved.ratio_error:.2f}",
        )
    return table


def _nats(figure: Estimate) -> str:
    return f"{figure.value:.3f} ± {figure.error:.3f}"
