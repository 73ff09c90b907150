"""Draws by variable: how well the chains have mixed, tables, and a number of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.infer.mcmc.mcmc_kernel import Params
from virgil.infer.predictive import Predictive
from virgil.ops.convergence import effective_sample_size, split_gelman_rubin

__all__ = ["diagnostics", "diagnostics_from_stats", "predictive", "print_summary", "select_samples", "summary"]

_FEWEST = 4  # draws of a chain for R-hat


def _by_chain(samples: Mapping[str, Tensor], group_by_chain: bool) -> Params:
    return dict(samples) if group_by_chain else {name: value.unsqueeze(0) for name, value in samples.items()}


def diagnostics(samples: Mapping[str, Tensor], group_by_chain: bool = True) -> dict[str, dict[str, Tensor]]:
    """The effective sample size and split R-hat of each entry, ``n_eff`` and ``r_hat``.

    Args:
        samples: draws by name. Shape: ``(chains, draws, *shape)``, or ``(draws, *shape)`` of one chain.
        group_by_chain: whether they have a dim of chains.
    """
    found: dict[str, dict[str, Tensor]] = {}
    for name, value in _by_chain(samples, group_by_chain).items():
        numbers = value if value.is_floating_point() else value.double()
        few = numbers.new_full(value.shape[2:], torch.nan)
        found[name] = OrderedDict(
            n_eff=effective_sample_size(numbers) if value.shape[1] > 1 else few,
            r_hat=split_gelman_rubin(numbers) if value.shape[1] >= _FEWEST else few,
        )
    return found


def diagnostics_from_stats(
    statistics: Mapping[Any, Mapping[str, Any]], num_samples: int, num_chains: int
) -> dict[str, dict[str, Tensor]]:
    """R-hat by name from the means and variances of chains; NaN of one chain.

    Args:
        statistics: by ``(chain, name)`` a dict with ``"mean"`` and ``"variance"``.
        num_samples: draws of each chain.
        num_chains: how many chains.

    Raises:
        ArgumentError: the statistics have no mean or no variance.
    """
    found: dict[str, dict[str, Tensor]] = {}
    for name in dict.fromkeys(name for _, name in statistics):
        chains = [statistics[chain, name] for chain in range(num_chains)]
        lacking = [each for each in ("mean", "variance") if each not in chains[0]]
        if lacking:
            raise ArgumentError(
                f"The statistics of {name!r} have no {lacking[0]!r}, which R-hat needs. Give "
                "StreamingMCMC(statistics=StatsOfDict(types={CountMeanVarianceStats}))."
            )
        means, within = (torch.stack([each[key] for each in chains]) for key in ("mean", "variance"))
        total = (num_samples - 1) / num_samples * within.mean(0) + (means.var(0) if num_chains > 1 else 0.0)
        found[name] = OrderedDict(
            r_hat=(total / within.mean(0)).sqrt() if num_chains > 1 else torch.ones_like(means[0])
        )
    return found


def summary(
    samples: Mapping[str, Tensor], prob: float = 0.9, group_by_chain: bool = True
) -> dict[str, dict[str, Tensor]]:
    """By variable mean, standard deviation, median, an interval's quantiles, ``n_eff`` and ``r_hat`` of each entry.

    Args:
        samples: draws by name. Shape: ``(chains, draws, *shape)``, or ``(draws, *shape)`` of one chain.
        prob: the probability of the interval, in (0, 1); half of the rest lies on each side.
        group_by_chain: whether the draws have a dim of chains.

    Raises:
        ArgumentError: ``prob`` is out of its range.
    """
    if not 0 < prob < 1:
        raise ArgumentError(f"summary() got prob={shown(prob)}; a probability lies between 0 and 1.")
    low, high = (1 - prob) / 2, (1 + prob) / 2
    mixed = diagnostics(samples, group_by_chain)
    found: dict[str, dict[str, Tensor]] = {}
    for name, value in _by_chain(samples, group_by_chain).items():
        flat = (value if value.is_floating_point() else value.double()).flatten(0, 1)
        found[name] = OrderedDict(
            [
                ("mean", flat.mean(0)),
                ("std", flat.std(0)),
                ("median", flat.quantile(0.5, 0)),
                (f"{low:.1%}", flat.quantile(low, 0)),
                (f"{high:.1%}", flat.quantile(high, 0)),
                *mixed[name].items(),
            ]
        )
    return found


def print_summary(samples: Mapping[str, Tensor], prob: float = 0.9, group_by_chain: bool = True) -> None:
    """Print :func:`summary` as a table, a row for each entry.

    Args:
        samples: draws by name. Shape: ``(chains, draws, *shape)``, or ``(draws, *shape)`` of one chain.
        prob: the probability of the interval.
        group_by_chain: whether the draws have a dim of chains.
    """
    found = summary(samples, prob, group_by_chain)
    table = Table(box=None)
    table.add_column("")
    for column in next(iter(found.values())):
        table.add_column(column, justify="right")
    for name, figures in found.items():
        entries = next(iter(figures.values())).shape
        for place in range(entries.numel()):
            index = [int(each) for each in torch.unravel_index(torch.tensor(place), entries)] if entries else []
            label = f"{name}[{','.join(map(str, index))}]" if index else name
            table.add_row(label, *(f"{float(each.flatten()[place]):.2f}" for each in figures.values()))
    Console(width=max(80, 12 * len(table.columns))).print(table)


def select_samples(
    samples: Mapping[str, Tensor], num_samples: int | None = None, group_by_chain: bool = False
) -> Params:
    """So many draws, with replacement, or all of them.

    Args:
        samples: draws by name. Shape: ``(chains, draws, *shape)``.
        num_samples: how many draws, of each chain where they are grouped. Default: all, in their order.
        group_by_chain: whether the chains keep a dim of their own.

    Raises:
        ArgumentError: ``num_samples`` is no number from 1.
    """
    if num_samples is not None and (not isinstance(num_samples, int) or num_samples < 1):
        raise ArgumentError(f"get_samples() got num_samples={shown(num_samples)}; it takes a number from 1.")
    dim = 1 if group_by_chain else 0
    chosen = dict(samples) if group_by_chain else {name: value.flatten(0, 1) for name, value in samples.items()}
    if num_samples is None or not chosen:
        return chosen
    first = next(iter(chosen.values()))
    places = torch.randint(first.shape[dim], (num_samples,), device=first.device)
    return {name: value.index_select(dim, places) for name, value in chosen.items()}


def predictive(model: Callable[..., Any], posterior_samples: Mapping[str, Tensor], *args: Any, **kwargs: Any) -> Params:
    """Draws of a model's other sites given draws of its latent ones, by `Predictive`.

    Args:
        model: the program.
        posterior_samples: draws by name. Shape: ``(draws, *shape)``.
        args: the model's arguments.
        kwargs: the model's arguments by name; ``num_samples``, ``return_sites`` and ``parallel`` are those of
            `Predictive`.
    """
    options = {name: kwargs.pop(name) for name in ("num_samples", "return_sites", "parallel") if name in kwargs}
    values: Params = Predictive(model, posterior_samples=dict(posterior_samples), **options)(*args, **kwargs)
    return values
