"""``explain``: run a model and a guide dry and say how they fit together."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from virgil.engine.lines import shown_line
from virgil.errors import ArgumentError, NonFiniteError
from virgil.explain.influence import influence_problems
from virgil.explain.report import Report
from virgil.explain.row import plate_rows, rows_of
from virgil.infer.checks import CALL, CHECKS, NOTES, all_problems
from virgil.infer.checks.finding import Finding, Program
from virgil.infer.density.as_run import as_run
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.execution import Call, Pair, run_pair
from virgil.infer.density.nesting import nesting
from virgil.infer.density.read_parameters import ReadParameters
from virgil.infer.elbo import ELBO, Trace_ELBO, TraceEnum_ELBO
from virgil.infer.elbo.discover import together_of
from virgil.infer.elbo.program_structure import subject_of
from virgil.infer.objective import Objective, as_objective
from virgil.infer.warn import collecting_warnings
from virgil.ops.user_code import is_of_user
from virgil.ops.warning_filter import ignoring
from virgil.poutine.block import watching_hidden
from virgil.poutine.site import Site
from virgil.poutine.trace import trace

__all__ = ["explain"]

_ORDER = ("error", "warning", "note")


def explain(model: Program, guide: Program, *args: Any, loss: Any = None, **kwargs: Any) -> Report:
    """Say how a model and a guide fit together: what each site is to the objective, and every problem.

    Both programs are run a few times, and everything is put back: parameters, networks' buffers, random generators. A
    program that fails half way is shown as far as it came, and its exception is one of the problems.

    Args:
        model: the generative program.
        guide: the variational program, called with the same arguments.
        *args: arguments of both.
        loss: the objective, such as ``Trace_ELBO()``. Default: ``TraceEnum_ELBO()`` where some site is marked to be
            enumerated, else ``Trace_ELBO()``.
        **kwargs: keyword arguments of both.

    Returns:
        The report: ``rows``, ``plates``, ``problems``.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> def model(data):
        ...     mu = virgil.sample("mu", dist.Normal(0.0, 10.0))
        ...     with virgil.plate("data", len(data)):
        ...         virgil.sample("x", dist.Normal(mu, 1.0), obs=data)
        >>> report = virgil.explain(model, lambda data: None, torch.tensor([1.0, 2.0]))
        >>> [(row.site, row.role) for row in report.rows]
        [('mu', 'missing in the guide'), ('x', 'observed')]
        >>> report.verdict
        '1 error.'
    """
    call = Call(model, guide, args, kwargs)
    hidden: list[Site] = []
    with dry_run(), ReadParameters():  # what is learnt is asked as well
        drawn = _run(replace(call, model=_watched(model, hidden)))
        objective, problems = _objective(loss, drawn.pair)
        drawn = _asserted(call, drawn, objective)
        run = _enumerated(call, drawn, objective)
        problems += _problems(call, run, objective)
        is_sound = not any(problem.severity == "error" for problem in problems)
        if is_sound:
            problems += influence_problems(call, drawn.pair)
    if is_sound:
        with dry_run():  # from the random numbers that SVI's first step would begin with
            problems += _trial(call, objective)
    shown = subject_of(call, drawn.pair, failed=drawn.failed)
    rows = rows_of(shown, subject_of(call, run.pair, failed=run.failed), hidden)
    return Report(objective.name, tuple(rows), tuple(plate_rows(shown)), _ordered(problems))


def _ordered(problems: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each once, errors first."""
    unique: dict[str, Finding] = {}
    for problem in problems:
        unique.setdefault(problem.message, problem)
    return tuple(sorted(unique.values(), key=lambda problem: _ORDER.index(problem.severity)))


@dataclass(frozen=True)
class _Run:
    """An execution, as far as it came, with the program and the exception that ended it.

    Programs that assert the dims that the objective adds do not run alone, so no check can run them again.
    """

    pair: Pair
    failed: str | None = None
    error: Exception | None = None
    runs_alone: bool = True


def _run(call: Call, run: Callable[..., Pair] = run_pair) -> _Run:
    ended: list[tuple[Pair, str]] = []
    try:
        pair = run(call, failed=lambda *end: ended.append(end))
    except Exception as error:
        ((pair, failed),) = ended
        return _Run(_with_model_alone(call, pair) if failed == "guide" else pair, failed, error)
    return _Run(pair)


def _with_model_alone(call: Call, pair: Pair) -> Pair:
    """The model's own statements, where the guide has failed."""
    try:
        return Pair(pair.guide, trace(call.model).get_trace(*call.args, **call.kwargs))
    except Exception:
        return pair


def _asserted(call: Call, drawn: _Run, objective: Objective) -> _Run:
    """An execution as the objective has it, where the programs assert its dims; else the one given."""
    bound = objective.evidence_bound
    if bound is None or not isinstance(drawn.error, AssertionError):
        return drawn
    found = as_run(call, together_of(bound), objective.max_plate_nesting)
    return drawn if found is None else _Run(found.pair, runs_alone=False)


def _enumerated(call: Call, drawn: _Run, objective: Objective) -> _Run:
    """An execution as the objective has it: with all values of marked sites, if it sums over them."""
    bound = objective.evidence_bound
    if (
        drawn.error is not None
        or not drawn.runs_alone
        or bound is None
        or not (bound.enumerates or bound.enumerates_guide)
    ):
        return drawn
    found, given = max(nesting(drawn.pair.guide), nesting(drawn.pair.model)), objective.max_plate_nesting
    first_dim = -1 - (found if given is None else given)
    enumerating = partial(run_pair, guide=bound.enumerates_guide, model=bound.enumerates)
    return _run(call, partial(enumerating, enumerate_from=first_dim, apart=True))


def _watched(model: Program, hidden: list[Site]) -> Program:
    """The model, with what it states behind a ``block`` put into the list."""

    def run(*args: Any, **kwargs: Any) -> Any:
        with watching_hidden(hidden):
            return model(*args, **kwargs)

    return run


def _objective(loss: Any, pair: Pair) -> tuple[Objective, list[Finding]]:
    """The objective, made where none is given, and what is wrong with the one given."""
    if loss is None:
        sites = [site for trace in (pair.guide, pair.model) for site in trace.nodes.values()]
        is_marked = any(site.is_latent and site.infer.get("enumerate") is not None for site in sites)
        return (TraceEnum_ELBO() if is_marked else Trace_ELBO()), []
    try:
        return as_objective(loss).fresh(), []
    except ArgumentError as error:
        meant = loss() if isinstance(loss, type) and issubclass(loss, ELBO) else Trace_ELBO()
        return meant, [Finding(str(error), kind=ArgumentError)]


def _problems(call: Call, run: _Run, objective: Objective) -> list[Finding]:
    """The findings of the checks, and the exception that ended a program."""
    subject = subject_of(call, run.pair, objective.evidence_bound, run.failed)
    subject = subject if run.runs_alone else replace(subject, programs={})
    if run.error is None:
        return all_problems(subject, (*CHECKS, *NOTES))
    uncallable = all_problems(subject, CALL)  # says why a call raised a TypeError
    return uncallable or [*all_problems(subject), _of_exception(run.error, f"The {run.failed}")]


def _of_exception(error: Exception, doing: str) -> Finding:
    """An exception as a problem, with the user's line that it came from."""
    problem = Finding.of(error, doing)
    steps = [step for step in traceback.extract_tb(error.__traceback__) if is_of_user(step.filename)]
    if not steps:
        return problem
    line = shown_line(steps[-1].filename, steps[-1].lineno or 0, steps[-1].name)
    return replace(problem, details=f"{problem.details}\n{line}".strip())


def _trial(call: Call, objective: Objective) -> Iterator[Finding]:
    """Findings that only the objective itself makes, as SVI's first step would."""
    with ignoring(Warning), collecting_warnings() as collected:
        try:
            value = float(objective.loss(call.model, call.guide, *call.args, **call.kwargs))
            if not math.isfinite(value):
                yield Finding(f"The loss is {value}.", "Look at what the loss function computes.", kind=NonFiniteError)
        except Exception as error:
            yield _of_exception(error, "The objective")
    for message in collected:
        yield Finding(message, severity="warning")
