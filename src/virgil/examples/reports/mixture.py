"""The report of the mixture demo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from virgil.examples.data.faithful import Eruptions
from virgil.examples.mixture_answers import Bounds
from virgil.examples.reports.output import new_figure, print_table, save, say
from virgil.infer import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Answers", "Membership", "draw", "report_answers", "report_fit", "report_membership"]

_SURE = 0.95
_FEW, _MANY = "C1", "C0"  # colours of the brief and of the long kind


@dataclass(frozen=True)
class Membership:
    """The kind of each eruption.

    Attributes:
        likeliest: by ``infer_discrete``. Shape: ``(272,)``.
        probs: the exact posterior, by ``compute_marginals``. Shape: ``(272, kinds)``.
        learned: as a guide's parameter. Shape: ``(272, kinds)``.
    """

    likeliest: Tensor
    probs: Tensor
    learned: Tensor


@dataclass(frozen=True)
class Answers:
    """The results of the runs behind the answers.

    Attributes:
        returned: what a call of ``AutoDelta`` returns.
        outcomes: of guides and objectives, which and what came of it.
        prior: the bounds where the guide draws memberships from ``weights``, at the fitted points.
        equal: the bounds where it has probabilities of its own, all equal yet.
        learned: the same after these were fitted.
        fitted: with ``AutoDelta``.
        by_hand: with the guide written out.
        misled: with memberships drawn from ``weights`` all along.
    """

    returned: dict[str, Tensor]
    outcomes: Sequence[tuple[str, str]]
    prior: Bounds
    equal: Bounds
    learned: Bounds
    fitted: Fit
    by_hand: Fit
    misled: Fit


def report_fit(eruptions: Eruptions, points: dict[str, Tensor], fitted: Fit, losses: Sequence[float]) -> None:
    """Print where the fit began and what it found."""
    say(
        f"Old Faithful, {len(eruptions.data)} eruptions of two kinds. Of {len(losses)} starts, with losses from "
        f"{min(losses):.0f} to {max(losses):.0f} nats, the best was taken; {fitted.num_steps} steps in "
        f"{fitted.wall_time:.1f} s led to {fitted.losses[-1].item():.1f}."
    )
    spread = eruptions.spread_in_minutes(points["scale"])
    rows = [
        [
            name,
            f"{points['weights'][kind].item():.3f}",
            *(
                f"{each:.2f} ± {sd:.2f}"
                for each, sd in zip(eruptions.in_minutes(points["locs"])[kind].tolist(), spread.tolist(), strict=True)
            ),
        ]
        for name, kind in zip(("brief", "long"), _by_length(points["locs"]), strict=True)
    ]
    print_table(["kind", "share", "eruption (min)", "wait after it (min)"], rows)


def _by_length(locs: Tensor) -> list[int]:
    order: list[int] = locs[:, 0].argsort().tolist()
    return order


def report_membership(kinds: Membership) -> None:
    """Print how far the three ways to ask for memberships agree."""
    sure = int((kinds.probs.max(-1).values > _SURE).sum())
    counted = kinds.likeliest.bincount(minlength=kinds.probs.shape[1]).tolist()
    off = (kinds.learned - kinds.probs).abs().max().item()
    say(
        f"\nMembership. infer_discrete at temperature 0 puts {min(counted)} and {max(counted)} eruptions into the two "
        f"kinds; the marginals' own maxima agree on {int((kinds.probs.argmax(-1) == kinds.likeliest).sum())} of "
        f"{sum(counted)}. {sure} have a probability over {_SURE}. A guide that learns assignment_probs comes within "
        f"{off:.3f} of every marginal."
    )


def report_answers(answers: Answers) -> None:
    """Print question after question."""
    for question, answer in (
        ("When may a site be left out of the guide? Which of these is an error?", _on_leaving_out),
        ("Why may 'assignment' be left out?", _on_the_sum),
        ("What if the guide samples 'assignment' too?", _on_sampling_too),
        ("What does AutoDelta return, and what is it by hand?", _on_auto_delta),
    ):
        say(f"\n{question}")
        answer(answers)


def _on_leaving_out(answers: Answers) -> None:
    say(
        "A latent variable must be in the guide, under its name, unless the objective sums it out. There is no silent "
        "default, from the model or elsewhere. Nothing needs to be switched on for the errors:"
    )
    for about, outcome in answers.outcomes:
        say(f"  {about}\n    -> {outcome}")


def _on_the_sum(answers: Answers) -> None:
    say(
        "The model is marked by config_enumerate, so the objective adds up both kinds of each eruption, weighted by "
        "their shares, inside the logarithm. Nothing is left to approximate, and the gradient has no noise: the last "
        f"gradient norms are {_norms(answers.fitted)}. The guide does not fall back on the model's formula; that is "
        "the next question."
    )


def _on_sampling_too(answers: Answers) -> None:
    prior, equal, learned = answers.prior, answers.equal, answers.learned
    say(
        "It is no error, but another objective: now the guide's memberships are averaged outside the logarithm, and "
        "the bound is looser by their divergence from the posterior. At the same points, in nats:"
    )
    rows = [
        [about, f"{each.summed:.1f}", f"{each.sampled:.1f}", f"{each.gap:.1f}", f"{each.divergence:.1f}"]
        for about, each in (
            ("drawn from 'weights'", prior),
            ("own probabilities, equal", equal),
            ("own probabilities, fitted", learned),
        )
    ]
    print_table(["memberships in the guide", "loss, summed out", "loss", "gap", "divergence"], rows)
    weights = answers.misled.params["AutoDelta.weights"]
    apart = (answers.misled.params["AutoDelta.locs"].diff(dim=0)).norm().item()
    say(
        "Drawn from 'weights', each eruption has the same probabilities whatever its data. A fit of that objective "
        f"from the same start ends at {answers.misled.losses[-1].item():.1f} nats with both kinds in one place "
        f"({apart:.3f} sds apart), and pushes one share towards 0 ({weights.min().item():.4f}), where the prior's "
        "density has no bound: hence gradient norms that fall smoothly and the one of 'weights' that stays, "
        f"{_norms(answers.misled)}. They are right, for the wrong question."
    )


def _on_auto_delta(answers: Answers) -> None:
    shapes = ", ".join(f"{name!r}: {tuple(value.shape)}" for name, value in answers.returned.items())
    off = (answers.fitted.losses - answers.by_hand.losses).abs().max().item()
    say(
        f"A dict from site to point, {{{shapes}}}. By hand it is a param and a Delta for each, as in guide_by_hand; a "
        f"guide needs to return nothing. From the same start their losses differ by at most {off:.1g} nats over all "
        "steps."
    )


def _norms(fit: Fit) -> str:
    return ", ".join(f"{norm[-1].item():.1e} ({name.partition('.')[2]})" for name, norm in fit.gradient_norms.items())


def draw(eruptions: Eruptions, points: dict[str, Tensor], kinds: Membership, answers: Answers, path: Path) -> None:
    """Draw data, kinds and memberships on the left; two fits, loss and gradient norms, beside."""
    figure = new_figure(15.0, 6.5)
    panels = figure.subplot_mosaic(
        [["data", "loss", "misled loss"], ["data", "norms", "misled norms"]], width_ratios=[1.25, 1.0, 1.0]
    )
    _draw_kinds(panels["data"], eruptions, points, kinds)
    for prefix, title, fit in (
        ("", "'assignment' summed out", answers.fitted),
        ("misled ", "'assignment' drawn from 'weights' in the guide", answers.misled),
    ):
        loss, norms = panels[f"{prefix}loss"], panels[f"{prefix}norms"]
        loss.sharex(norms)
        loss.tick_params(labelbottom=False)
        fit.plot(axes=[loss, norms])
        loss.set_title(title, fontsize="medium")
        norms.set_ylim(1e-6, 1e3)
        _share_losses(loss, answers)
    save(figure, path)


def _share_losses(axes: Axes, answers: Answers) -> None:
    """One scale for both losses, on which they can be compared."""
    losses = torch.cat([answers.fitted.losses, answers.misled.losses])
    axes.set_yscale("log")
    axes.set_ylim(0.94 * losses.min().item(), 1.06 * losses.max().item())
    axes.set_yticks([500.0, 700.0, 1000.0], ["500", "700", "1000"])
    axes.set_yticks([], minor=True)
    best = answers.fitted.losses[-1].item()
    axes.axhline(best, color="black", linestyle="--", linewidth=1.0, label=f"{best:.1f}, summed out and fitted")
    axes.legend(loc="upper right", fontsize="small")


def _draw_kinds(axes: Axes, eruptions: Eruptions, points: dict[str, Tensor], kinds: Membership) -> None:
    brief, long = _by_length(points["locs"])
    probs = kinds.probs[:, long]
    for kind, color, name in ((brief, _FEW, "brief"), (long, _MANY, "long")):
        chosen = eruptions.minutes[kinds.likeliest == kind]
        axes.scatter(chosen[:, 0], chosen[:, 1], s=14, color=color, alpha=0.7, linewidths=0, label=f"{name}")
        _draw_ellipses(axes, eruptions, points, kind, color)
    unsure = (probs > 1 - _SURE) & (probs < _SURE)
    doubtful = eruptions.minutes[unsure]
    axes.scatter(
        doubtful[:, 0], doubtful[:, 1], s=70, facecolors="none", edgecolors="black", label=f"neither over {_SURE}"
    )
    axes.set_xlabel("length of the eruption (minutes)")
    axes.set_ylabel("wait for the next one (minutes)")
    axes.set_title("Eruptions by their most probable kind; ellipses at 1 and 2 sds", fontsize="medium")
    axes.legend(loc="upper left", fontsize="small")


def _draw_ellipses(axes: Axes, eruptions: Eruptions, points: dict[str, Tensor], kind: int, color: str) -> None:
    angle = torch.linspace(0.0, 2 * torch.pi, 100)
    circle = torch.stack([angle.cos(), angle.sin()], -1)
    for sds in (1.0, 2.0):
        line = eruptions.in_minutes(points["locs"][kind] + sds * points["scale"] * circle)
        axes.plot(line[:, 0], line[:, 1], color=color, linewidth=1.0)
