"""Correct programs hear nothing: no error and no warning, from a report or from SVI."""

import copy

import pytest
import torch

import virgil
from tests.pairs import guides_and_supports, mistaken_meanings, plain
from tests.pairs.tables import DISCRETE, LEGAL, PLAIN
from virgil.infer import SVI, Predictive, Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO

SILENT = {**guides_and_supports.PAIRS, **mistaken_meanings.PAIRS}


def _fit(pair, steps=1, loss=None):
    svi = SVI(pair.model, pair.guide, virgil.optim.SGD({"lr": 0.01}), loss or (pair.loss or Trace_ELBO)())
    return svi.run(steps, *pair.args)


def test_there_are_enough():
    assert len({(pair.model, pair.guide) for pair in LEGAL.values()}) >= 60


@pytest.mark.parametrize("pair", LEGAL.values(), ids=LEGAL)
def test_the_report_has_neither_error_nor_warning(pair):
    report = virgil.explain(pair.model, pair.guide, *pair.args, loss=pair.loss and pair.loss())
    assert {problem.severity for problem in report.problems} <= {"note"}, str(report)


@pytest.mark.parametrize("pair", mistaken_meanings.PAIRS.values(), ids=mistaken_meanings.PAIRS)
def test_what_means_what_it_says_has_no_note(pair):
    assert virgil.explain(pair.model, pair.guide).problems == ()


@pytest.mark.parametrize("pair", SILENT.values(), ids=SILENT)
def test_steps_are_taken_in_silence(pair):
    loss = _chosen(pair)()
    svi = SVI(pair.model, pair.guide, virgil.optim.SGD({"lr": 0.01}), loss)
    losses = torch.tensor([svi.step(*pair.args) for _ in range(3)])
    assert torch.isfinite(losses).all()


@pytest.mark.parametrize("pair", LEGAL.values(), ids=LEGAL)
def test_a_report_leaves_no_mark(pair):
    before = torch.get_rng_state()
    with virgil.ParamStore() as store:
        virgil.explain(pair.model, pair.guide, *pair.args, loss=pair.loss and pair.loss())
        assert not list(store)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("objective", [Trace_ELBO, TraceMeanField_ELBO])
@pytest.mark.parametrize("pair", PLAIN.values(), ids=PLAIN)
def test_what_fits_is_neither_refused_nor_warned_of(pair, objective):
    assert torch.isfinite(_fit(pair, steps=3, loss=objective()).losses).all()


def _chosen(pair):
    """The objective of the pair: its own, or the one that the report chooses."""
    chosen = {"Trace_ELBO": Trace_ELBO, "TraceEnum_ELBO": TraceEnum_ELBO}
    return pair.loss or chosen[virgil.explain(pair.model, pair.guide, *pair.args).objective]


# those that assert how many particles there are run with just so many, and not by themselves
COUNTED = {"asserted dim of particles", "asserted dim of enumerated values"}
BY_ANY_COUNT = {name: pair for name, pair in LEGAL.items() if name not in COUNTED}


@pytest.mark.parametrize("pair", BY_ANY_COUNT.values(), ids=BY_ANY_COUNT)
def test_particles_of_what_fits_run_at_once(pair):
    """No structure here depends on values, so that nothing runs one by one; a warning would say that it does."""
    loss = _chosen(pair)(num_particles=3, vectorize_particles=True)
    assert torch.isfinite(_fit(pair, steps=2, loss=loss).losses).all()
    assert all(structure.particles.at_once for structure in loss._structures.values())


# rounds of a mini-batch state other sites each time, which cannot be stacked
STACKED = {name: pair for name, pair in BY_ANY_COUNT.items() if name != "an iterated plate that reads its own data"}


@pytest.mark.parametrize("pair", STACKED.values(), ids=STACKED)
def test_draws_of_what_fits_are_made_at_once(pair):
    """A warning, which is an error here, would say that they are not."""
    with virgil.ParamStore():
        draws = Predictive(pair.model, guide=pair.guide, num_samples=3, parallel=True)(*pair.args)
    assert all(len(value) == 3 for value in draws.values())


@pytest.mark.parametrize("particles", [1, 3])
@pytest.mark.parametrize("pair", DISCRETE.values(), ids=DISCRETE)
def test_what_is_enumerated_is_neither_refused_nor_warned_of(pair, particles):
    assert torch.isfinite(_fit(pair, steps=3, loss=TraceEnum_ELBO(num_particles=particles)).losses).all()


@pytest.mark.parametrize("pair", [*PLAIN.values(), *DISCRETE.values()], ids=[*PLAIN, *DISCRETE])
def test_fits_with_and_without_checks_are_the_same_bit_for_bit(pair):
    results, encoder = [], copy.deepcopy(plain.encoder.state_dict())
    for validate in (True, False):
        virgil.enable_validation(validate)
        virgil.set_rng_seed(4)
        plain.encoder.load_state_dict(encoder)  # a module's parameters are its own, whatever the store
        with virgil.ParamStore():
            results.append(_fit(pair, steps=3))
    assert torch.equal(results[0].losses, results[1].losses)
    assert all(torch.equal(results[0].params[name], value) for name, value in results[1].params.items())
