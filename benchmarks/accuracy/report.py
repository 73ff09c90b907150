"""The tables: every row, a summary by method, the largest errors by posterior and method, and wrong trusts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import median

from benchmarks.accuracy.measure import Errors
from benchmarks.accuracy.posteriors import POSTERIORS
from benchmarks.accuracy.rows import Row
from benchmarks.harness.table import Table
from virgil.infer.trust.verdict import MEANS, SPREADS

DERIVED = {"own"}  # quantities that are no sites, where the posterior has ``judged``
NEARLY = 1.2  # times the rules' bounds: weights are noisy
MARKS = {"right": "", "wrong trust": " ✗", "needless": " ○", "": ""}


def methods_of(rows: Sequence[Row]) -> list[str]:
    """Names of methods in their order."""
    return list(dict.fromkeys(row.method for row in rows))


def every_row(rows: Sequence[Row]) -> Table:
    """A line for each answer."""
    table = Table(
        "Errors of means in reference sds and of sds in per cent: largest and median over entries",
        ["posterior", "method", "mean", "median", "sd", "median", "off most", "k-hat", "verdict", "s", "gradients"],
    )
    for row in rows:
        found = row.errors
        errors = ["", "", "", "", row.why.split(":")[0]]
        if found is not None:
            errors = [_sds(found.mean), _sds(found.mean_median), _percent(found.sd), _percent(found.sd_median)]
            errors.append("" if found.near else found.worst)
        k_hat = "" if math.isnan(row.k_hat) else f"{row.k_hat:.2f}"
        verdict = row.trusts + MARKS[row.judgement]
        table.rows.append(
            [row.posterior, row.method, *errors, k_hat, verdict, f"{row.seconds:.1f}", f"{row.gradients:,}"]
        )
    return table


def summary(rows: Sequence[Row]) -> Table:
    """A line for each method."""
    count = len({row.posterior for row in rows})
    table = Table(
        f"Over {count} posteriors: answers within 0.1 sd and 10 %, medians over posteriors, verdicts",
        [
            "method",
            "answers",
            "means near",
            "both near",
            "mean error, largest",
            "sd error, median",
            "sd error, largest",
            "s",
            "gradients",
            "wrong trusts",
            "needless distrust",
            "of checks",
        ],
    )
    for method in methods_of(rows):
        own = [row for row in rows if row.method == method]
        found = [row.errors for row in own if row.errors is not None]
        checked = [row.judgement for row in own if row.judgement]
        verdicts = [str(checked.count("wrong trust")), str(checked.count("needless")), str(len(checked))]
        table.rows.append(
            [
                method,
                str(len(found)),
                str(sum(each.means_near for each in found)),
                str(sum(each.near for each in found)),
                _sds(_median(each.mean for each in found)),
                _percent(_median(each.sd_median for each in found)),
                _percent(_median(each.sd for each in found)),
                f"{_median(row.seconds for row in own):.1f}",
                f"{_median(row.gradients for row in own):,.0f}",
                *(verdicts if checked else ["", "", ""]),
            ]
        )
    return table


def by_posterior(rows: Sequence[Row]) -> Table:
    """A line for each posterior, a column for each method."""
    methods = methods_of(rows)
    table = Table(
        "Largest error of a mean, sds, and of a standard deviation, per cent; **bold** within 0.1 sd and 10 %, "
        "✗ wrong trust, ○ needless distrust",
        ["posterior", "family", *methods],
    )
    found = {(row.posterior, row.method): row for row in rows}
    for name in dict.fromkeys(row.posterior for row in rows):
        cells = [_cell(found.get((name, method))) for method in methods]
        table.rows.append([name, POSTERIORS[name].family, *cells])
    return table


def by_family(rows: Sequence[Row]) -> Table:
    """A line for each family: how many of its posteriors are within the bounds."""
    methods = methods_of(rows)
    table = Table("Posteriors within 0.1 sd and 10 %, by family", ["family", "posteriors", *methods])
    families = {name: POSTERIORS[name].family for name in dict.fromkeys(row.posterior for row in rows)}
    for family in dict.fromkeys(families.values()):
        own = [row for row in rows if families[row.posterior] == family]
        cells = [
            str(sum(row.errors is not None and row.errors.near for row in own if row.method == method))
            for method in methods
        ]
        table.rows.append([family, str(len({row.posterior for row in own})), *cells])
    return table


def wrong_trusts(rows: Sequence[Row]) -> Table:
    """A line for each verdict that trusts what is beyond the bounds."""
    table = Table(
        "Wrong trusts: errors of the draws that are trusted, and why",
        ["posterior", "method", "trusts", "off most", "mean, sds", "sd, per cent", "k-hat", "cause"],
    )
    for row in rows:
        if row.judgement == "wrong trust" and row.claimed is not None:
            found = row.claimed
            errors = [found.worst, _sds(found.mean), _percent(found.sd), f"{row.k_hat:.2f}"]
            table.rows.append([row.posterior, row.method, row.trusts, *errors, cause(row, found)])
    return table


def cause(row: Row, found: Errors) -> str:
    """The cause of a wrong trust, by the figures of the draws that it trusts."""
    posterior = POSTERIORS.get(row.posterior)  # none of benchmarks.verdicts' own
    if posterior is not None and posterior.judged is not None and found.worst.split("[")[0] in DERIVED:
        return "a quantity derived from sites, which no rule judges"
    if row.trusts == "weighted draws":
        return "weighted draws vary more than their errors say"
    sd = 0.0 if row.trusts == "means" else found.sd
    if found.mean <= NEARLY * MEANS and sd <= NEARLY * SPREADS:
        return f"the rules allow {MEANS} sd and {SPREADS:.0%}, by weights that are noisy"
    if row.trusts == "means":
        return "weights with k-hat above the threshold do not see the shift"
    return "weights see less than there is: the guide has too few draws where the mass is"


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    if row.errors is None:
        return "none"
    text = f"{_sds(row.errors.mean)} / {_percent(row.errors.sd)}"
    return (f"**{text}**" if row.errors.near else text) + MARKS[row.judgement]


def _median(numbers: Iterable[float]) -> float:
    found = list(numbers)
    return median(found) if found else math.nan


def _sds(number: float) -> str:
    return f"{number:.2f}" if number < 9.995 else f"{number:,.0f}"


def _percent(share: float) -> str:
    return "" if math.isnan(share) else f"{100 * share:,.0f}"


TABLES: list[Callable[[Sequence[Row]], Table]] = [summary, by_posterior, by_family, wrong_trusts]
