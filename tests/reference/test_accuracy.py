"""The benchmark of accuracy: its answers against closed forms, its measure of errors, its reading of verdicts."""

from dataclasses import replace

import pytest
import torch
from scipy.stats import truncnorm

from benchmarks.accuracy.known import Known, Moments, read
from benchmarks.accuracy.measure import Errors, errors, judged
from benchmarks.accuracy.methods import METHODS
from benchmarks.accuracy.posteriors import POSTERIORS
from benchmarks.accuracy.quadrature import quadrature
from benchmarks.accuracy.report import by_family, by_posterior, cause, every_row, summary, wrong_trusts
from benchmarks.accuracy.rows import Row, read_rows, rows_of, write_rows

KNOWN = read()
NEAR = Errors(0.01, 0.01, 0.01, 0.01, True, True, "a")
SPREADS_OFF = replace(NEAR, sd=0.5, sds_near=False)
OFF = replace(SPREADS_OFF, mean=1.0, means_near=False)


@pytest.fixture
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_every_posterior_is_known():
    assert list(KNOWN) == list(POSTERIORS)


@pytest.mark.parametrize("name", POSTERIORS)
def test_the_long_run_is_long_enough(name):
    known = KNOWN[name]
    assert known.r_hat < 1.005
    assert known.effective > 4_000
    assert known.disagreement is None or known.disagreement < 4.5  # standard errors, the largest of ten at most


@pytest.mark.parametrize("name", [name for name, each in POSTERIORS.items() if each.exact is not None])
def test_closed_forms_are_those_of_the_file(name):
    exact = POSTERIORS[name].exact(*POSTERIORS[name].arguments(torch.float64))
    for quantity, (mean, sd) in exact.items():
        moments = KNOWN[name].moments[quantity]
        torch.testing.assert_close(torch.tensor(moments.mean).double(), mean.double().reshape(-1), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(torch.tensor(moments.sd).double(), sd.double().reshape(-1), rtol=1e-5, atol=1e-6)


def test_a_bounded_mean_has_the_moments_of_a_truncated_normal():
    (x,) = POSTERIORS["bounded mean"].arguments(torch.float64)
    loc, scale = x.mean().item(), len(x) ** -0.5
    exact = truncnorm(-loc / scale, (1 - loc) / scale, loc, scale)
    moments = KNOWN["bounded mean"].moments["mean"]
    assert moments.mean[0] == pytest.approx(exact.mean(), rel=1e-5)
    assert moments.sd[0] == pytest.approx(exact.std(), rel=1e-5)


def test_quadrature_finds_a_closed_form(float64):
    found = quadrature(POSTERIORS["beta-binomial"], torch.tensor([-2.0]), torch.tensor([[0.3]]))
    exact = POSTERIORS["beta-binomial"].exact(*POSTERIORS["beta-binomial"].arguments(torch.float64))["share"]
    assert found["share"].mean[0] == pytest.approx(exact[0].item(), rel=1e-8)
    assert found["share"].sd[0] == pytest.approx(exact[1].item(), rel=1e-8)


def test_both_parameterisations_of_the_schools_have_one_answer():
    one, other = KNOWN["schools, centred"].moments, KNOWN["schools, non-centred"].moments
    assert {name: one[name] for name in ("mean", "spread", "own")} == {
        name: other[name] for name in ("mean", "spread", "own")
    }


@pytest.mark.parametrize(
    ("shift", "stretch", "means_near", "sds_near"),
    [(0.0, 1.0, True, True), (0.3, 1.0, False, True), (0.0, 0.7, True, False), (-0.3, 1.4, False, False)],
)
def test_errors_are_those_that_were_made(shift, stretch, means_near, sds_near):
    known = Known("closed form", {"mean": Moments([2.0], [0.5], [0.0], [0.0])}, 1.0, 1e4, 20_000, 0)
    quantiles = torch.special.ndtri((torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000)
    found = errors(POSTERIORS["normal mean"], known, {"mean": 2.0 + 0.5 * (shift + stretch * quantiles)})
    assert found.mean == pytest.approx(abs(shift), abs=1e-6)
    assert found.sd == pytest.approx(abs(stretch - 1), abs=1e-3)
    assert (found.means_near, found.sds_near) == (means_near, sds_near)


@pytest.mark.parametrize(
    ("trusts", "guide", "weighted", "judgement"),
    [
        ("all", NEAR, None, "right"),
        ("all", SPREADS_OFF, NEAR, "wrong trust"),
        ("means and spreads", OFF, NEAR, "wrong trust"),
        ("weighted draws", OFF, NEAR, "right"),
        ("weighted draws", NEAR, OFF, "wrong trust"),
        ("means", SPREADS_OFF, None, "right"),
        ("means", OFF, None, "wrong trust"),
        ("means", NEAR, None, "needless"),
        ("nothing", OFF, None, "right"),
        ("later", NEAR, None, "needless"),
    ],
)
def test_a_verdict_is_judged_by_what_it_claims(trusts, guide, weighted, judgement):
    assert judged(trusts, guide, weighted) == judgement


@pytest.mark.parametrize(
    ("posterior", "trusts", "found", "words"),
    [
        ("linear", "all", replace(OFF, mean=0.11, sd=0.11), "the rules allow"),
        ("schools, non-centred", "all", replace(OFF, worst="own[3]"), "derived"),
        ("schools, centred", "all", replace(OFF, worst="own[3]"), "too few draws"),
        ("linear", "weighted draws", OFF, "weighted draws"),
        ("linear", "means", OFF, "k-hat above the threshold"),
    ],
)
def test_a_wrong_trust_has_a_cause(posterior, trusts, found, words):
    row = Row(posterior, "a", found, "", 1.0, 100, 0.3, trusts, "wrong trust", "Trust.", found)
    assert words in cause(row, found)


def test_rows_come_back_from_their_file(tmp_path):
    rows = [Row("linear", "b", OFF, "", 2.0, 200, 0.3, "all", "wrong trust", "Trust.", OFF)]
    rows.append(Row("mixture", "b", None, "ArgumentError: none", 1.0, 400, k_hat=0.0))
    write_rows(rows, tmp_path / "rows.json")
    assert read_rows(tmp_path / "rows.json") == rows


def test_linear_response_is_exact_where_the_posterior_is_normal():
    name = "linear, known scale"
    mean_field, response = rows_of(POSTERIORS[name], KNOWN[name], METHODS["dadvi"])
    assert response.errors is not None
    assert response.errors.near
    assert response.errors.mean < 0.04  # of 20,000 draws: five standard errors
    assert response.errors.sd < 0.025
    assert mean_field.errors is not None
    assert not mean_field.errors.sds_near
    assert mean_field.trusts


def test_tables_have_a_line_for_what_was_found():
    rows = [
        Row("linear", "a", NEAR, "", 1.0, 100, 0.2, "all", "right"),
        Row("linear", "b", OFF, "", 2.0, 200, 0.3, "all", "wrong trust", "Trust.", OFF),
        Row("mixture", "a", NEAR, "", 1.0, 300, 0.9, "nothing", "needless"),
        Row("mixture", "b", None, "ArgumentError: none", 1.0, 400),
    ]
    assert len(every_row(rows).rows) == 4
    assert summary(rows).rows[0][:4] == ["a", "2", "2", "2"]
    assert summary(rows).rows[0][-3:] == ["0", "1", "2"]
    assert by_posterior(rows).rows == [
        ["linear", "regression", "**0.01 / 1**", "1.00 / 50 ✗"],
        ["mixture", "mixture", "**0.01 / 1** ○", "none"],
    ]
    assert by_family(rows).rows == [["regression", "1", "1", "0"], ["mixture", "1", "1", "0"]]
    assert [row[:2] for row in wrong_trusts(rows).rows] == [["linear", "b"]]
