"""Correct programs hear nothing: no error and no warning, from a report or from SVI."""

import pytest
import torch

import virgil
from tests.explain.legal_pairs import PAIRS, Pair
from tests.infer import chained_pairs, enumerated_pairs, legal_pairs
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO

PLAIN = {name: Pair(*each) for name, each in legal_pairs.PAIRS.items()}
DISCRETE = {
    f"enumerated, {name}": Pair(*each, loss=TraceEnum_ELBO)
    for table in (enumerated_pairs.PAIRS, chained_pairs.PAIRS)
    for name, each in table.items()
}
ALL = {**PLAIN, **DISCRETE, **PAIRS}


def test_there_are_enough():
    assert len({(pair.model, pair.guide) for pair in ALL.values()}) >= 60


@pytest.mark.parametrize("pair", ALL.values(), ids=ALL)
def test_the_report_has_neither_error_nor_warning(pair):
    report = virgil.explain(pair.model, pair.guide, *pair.args, loss=pair.loss and pair.loss())
    assert {problem.severity for problem in report.problems} <= {"note"}, str(report)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)  # of the others, tests/infer says the same
def test_steps_are_taken_in_silence(pair):
    chosen = {"Trace_ELBO": Trace_ELBO, "TraceEnum_ELBO": TraceEnum_ELBO}
    name = virgil.explain(pair.model, pair.guide, *pair.args).objective
    loss = (pair.loss or chosen[name])()
    svi = SVI(pair.model, pair.guide, virgil.optim.SGD({"lr": 0.01}), loss)
    losses = torch.tensor([svi.step(*pair.args) for _ in range(3)])
    assert torch.isfinite(losses).all()


@pytest.mark.parametrize("pair", ALL.values(), ids=ALL)
def test_a_report_leaves_no_mark(pair):
    before = torch.get_rng_state()
    with virgil.ParamStore() as store:
        virgil.explain(pair.model, pair.guide, *pair.args, loss=pair.loss and pair.loss())
        assert not list(store)
    assert torch.equal(torch.get_rng_state(), before)
