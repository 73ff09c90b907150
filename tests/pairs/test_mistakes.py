"""Each mistake is a problem of the report, and SVI raises the errors, warns of the warnings, and is else silent."""

import warnings

import pytest
import torch

import virgil
from tests.pairs.tables import MISTAKES
from virgil.errors import FitWarning
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO

ERRORS = {name: each for name, each in MISTAKES.items() if each.severity == "error" and each.is_first}
DOUBTS = {name: each for name, each in MISTAKES.items() if each.severity != "error"}


def _objective(mistake):
    report = virgil.explain(mistake.model, mistake.guide, *mistake.args, loss=mistake.objective)
    return mistake.objective or {"Trace_ELBO": Trace_ELBO, "TraceEnum_ELBO": TraceEnum_ELBO}[report.objective]()


def _svi(mistake):
    return SVI(mistake.model, mistake.guide, virgil.optim.SGD({"lr": 0.01}), _objective(mistake))


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_the_report_has_it(mistake):
    report = virgil.explain(mistake.model, mistake.guide, *mistake.args, loss=mistake.objective)
    found = [
        problem
        for problem in report.problems
        if problem.severity == mistake.severity and all(part in problem.message for part in mistake.parts)
    ]
    assert len(found) == 1, str(report)
    assert found[0].site == mistake.site
    assert mistake.severity != "error" or found[0].kind is mistake.verdict
    assert mistake.severity == "error" or not report.errors


@pytest.mark.parametrize("mistake", ERRORS.values(), ids=ERRORS)
def test_the_first_step_raises_it(mistake):
    with pytest.raises(mistake.verdict) as caught:
        _svi(mistake).step(*mistake.args)
    assert type(caught.value) is mistake.verdict
    for part in mistake.parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("mistake", DOUBTS.values(), ids=DOUBTS)
def test_every_run_warns_once_and_notes_stay_in_the_report(mistake):
    for _ in range(2):  # of a second SVI as well, at the same line
        svi = _svi(mistake)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            for _ in range(3):
                svi.step(*mistake.args)
        expected = [FitWarning] if mistake.severity == "warning" else []
        assert [each.category for each in caught] == expected
        assert all(part in str(each.message) for part in mistake.parts for each in caught)
        assert all(each.filename == __file__ for each in caught)


def test_a_warning_can_be_made_an_error():
    with pytest.raises(FitWarning, match="each value there counts 3 times"):
        _svi(MISTAKES["one observation in a plate of three"]).step()


@pytest.mark.parametrize("name", ["summed out and drawn", "summed out and enumerated"])
def test_the_gap_is_the_divergence_from_the_exact_posterior(name):
    """Four data of 1 with two components at 0 and 1: KL(q || p(k | x)) in closed form, by slot."""
    from tests.pairs.enumerated import MOVES

    joint = MOVES[0].log_softmax(-1) + torch.distributions.Normal(torch.tensor([0.0, 1.0]), 1.0).log_prob(
        torch.tensor(1.0)
    )
    q = torch.tensor([0.8, -0.1]).log_softmax(-1)
    gap = 4 * float((q.exp() * (q - joint.log_softmax(-1))).sum())
    mistake = MISTAKES[name]
    (note,) = virgil.explain(mistake.model, mistake.guide).problems
    assert f"the bound is {gap:.3g} nats lower" in note.cause
