"""A report: a role for each site, what it shows of programs that fail, and its three forms."""

from __future__ import annotations

import json
from io import StringIO

import pytest
import torch
from rich.console import Console

import virgil
import virgil.distributions as dist
from tests.pairs.enumerated import EACH, crossing, flip, pick, see
from tests.pairs.guides_and_supports import with_a_hidden_site
from tests.pairs.plated import leaf, minibatch_guide, minibatch_model, nested_guide, nested_model, normal
from tests.pairs.statements import NORMAL, ONE, P3, program
from virgil.infer import JitTrace_ELBO, Trace_ELBO, TraceEnum_ELBO, config_enumerate


def every_role():
    virgil.sample("drawn", NORMAL)
    virgil.sample("point", NORMAL)
    virgil.sample("missing", NORMAL)
    summed, averaged = pick("summed", **EACH), pick("averaged")
    several = virgil.sample("several", NORMAL)
    total = virgil.deterministic("total", summed + averaged + several, event_dim=0)
    virgil.factor("factor", torch.zeros(()))
    with virgil.poutine.block(hide=["hidden"]):
        virgil.sample("hidden", NORMAL)
    virgil.sample("seen twice", NORMAL, obs=ONE)
    virgil.sample("seen", dist.Normal(total, 1.0), obs=ONE)
    with virgil.condition(data={"conditioned": ONE}):
        virgil.sample("conditioned", NORMAL)


def guide_of_every_role():
    normal("drawn")
    virgil.sample("point", dist.Delta(leaf("point", 0.0)))
    pick("averaged", **EACH)
    virgil.sample("several", NORMAL, infer={"enumerate": "parallel", "num_samples": 3})
    virgil.sample("seen twice", NORMAL)
    virgil.sample("own", NORMAL)
    virgil.sample("auxiliary", NORMAL, infer={"is_auxiliary": True})
    virgil.sample("observed", NORMAL, obs=ONE)


ROLES = {
    "drawn": "sampled in the guide",
    "point": "point estimate",
    "missing": "missing in the guide",
    "summed": "summed out",
    "averaged": "enumerated in the guide",
    "several": "several draws",
    "total": "deterministic",
    "factor": "factor",
    "hidden": "hidden",
    "seen twice": "sampled though observed",
    "seen": "observed",
    "conditioned": "observed",
    "own": "only in the guide",
    "auxiliary": "auxiliary",
    "observed": "observed in the guide",
}


def test_each_site_has_its_role():
    report = virgil.explain(every_role, guide_of_every_role)
    assert {row.site: row.role for row in report.rows} == ROLES
    assert len(report.sentences) == 1 + len(set(ROLES.values()))
    assert {problem.site for problem in report.errors} == {"missing", "seen twice", "own", "observed"}


def test_a_row_holds_both_statements():
    row, *_ = virgil.explain(nested_model, nested_guide).rows
    assert (row.site, row.model.distribution, row.guide.distribution) == ("r", "Gamma", "LogNormal")
    assert row.model.batch == row.guide.batch == (2, 1)
    assert row.model.plates == ("rows",)
    assert (row.model.support, row.guide.support) == ("≥ 0", "> 0")


def test_plates_have_sizes_and_programs():
    (plate,) = virgil.explain(minibatch_model, minibatch_guide).plates
    assert (plate.name, plate.dim, plate.size, plate.subsample_size) == ("data", -1, 4, 2)
    assert set(plate.programs) == {"model", "guide"}


@pytest.mark.parametrize(
    ("marked", "objective"), [(lambda program: program, "Trace_ELBO"), (config_enumerate, "TraceEnum_ELBO")]
)
def test_the_objective_follows_the_marks(marked, objective):
    assert virgil.explain(marked(lambda: see("x", flip("z"))), lambda: flip("z")).objective == objective


def test_an_objective_is_left_as_it_was():
    loss = JitTrace_ELBO(num_particles=2)
    before = {name: value.copy() if isinstance(value, dict) else value for name, value in vars(loss).items()}
    report = virgil.explain(lambda: normal("z"), lambda: normal("z"), loss=loss)
    assert report.objective == "JitTrace_ELBO"
    assert vars(loss) == before


def test_a_loss_may_be_a_function():
    def squares(model, guide):
        model()
        return guide()

    report = virgil.explain(lambda: normal("z"), lambda: normal("z") * float("nan"), loss=squares)
    assert report.objective == "squares"
    assert [problem.cause for problem in report.errors] == ["The loss is nan."]


@pytest.mark.parametrize(
    ("loss", "part"), [(Trace_ELBO, "loss=Trace_ELBO, a class"), (3.0, "got loss=3.0; it takes an objective")]
)
def test_what_is_no_objective_is_a_problem(loss, part):
    report = virgil.explain(lambda: normal("z"), lambda: normal("z"), loss=loss)
    assert any(part in problem.cause for problem in report.errors)
    assert [row.site for row in report.rows] == ["z"]


# programs that fail


def fails_at(*names):
    def run():
        for name in names:
            normal(name)
        raise ZeroDivisionError("of the program")

    return run


def test_a_model_that_fails_is_shown_so_far():
    report = virgil.explain(fails_at("a"), lambda: (normal("a"), normal("b")))
    assert {row.site: row.role for row in report.rows} == {"a": "sampled in the guide", "b": "stated in the guide"}
    (problem,) = report.errors
    assert problem.cause == "The model raised ZeroDivisionError: of the program"
    assert "in run\n    raise ZeroDivisionError" in problem.details


def test_of_a_guide_that_fails_the_model_is_shown_alone():
    report = virgil.explain(lambda: (normal("a"), normal("b")), fails_at("a"))
    assert {row.site: row.role for row in report.rows} == {"a": "sampled in the guide", "b": "latent"}
    assert [problem.cause for problem in report.errors] == ["The guide raised ZeroDivisionError: of the program"]


def test_the_cause_of_an_exception_comes_before_it():
    """A scale that the guide draws negative is refused by the distribution that takes it."""

    def model():
        scale = virgil.sample("scale", dist.HalfNormal(1.0))
        virgil.sample("x", dist.Normal(0.0, scale), obs=ONE)

    report = virgil.explain(model, lambda: virgil.sample("scale", dist.Normal(-50.0, 1.0)))
    assert report.errors[0].site == "scale"
    assert any("The model raised ValueError" in problem.cause for problem in report.errors[1:])


@pytest.mark.parametrize("guide", [None, 3, lambda a, b: None])
def test_what_cannot_be_called_is_a_problem(guide):
    report = virgil.explain(lambda: normal("z"), guide)
    assert [problem.severity for problem in report.problems] == ["error"]
    assert "cannot be called" in report.errors[0].cause
    assert [row.site for row in report.rows] == ["z"]


def test_what_is_found_by_the_objective_alone_is_a_problem():
    """Crossing plates around two variables that are summed together show only in the elimination."""
    assert any("Make the plates a tree" in problem.message for problem in virgil.explain(crossing, lambda: None).errors)


def test_all_problems_are_there():
    model = program(("a", NORMAL), ("b", dist.Gamma(1.0, 1.0)), ("c", NORMAL, P3), ("d", NORMAL))
    guide = program(("b", NORMAL), ("c", NORMAL, {"plate": ("data", 4)}), ("e", NORMAL))
    sites = {problem.site for problem in virgil.explain(model, guide).errors}
    assert sites >= {"a", "b", "d", "e", "data"}


# forms


def _shown(report, width):
    console = Console(file=StringIO(), width=width, no_color=True)
    console.print(report)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_shows_everything(width):
    report = virgil.explain(every_role, guide_of_every_role)
    text = _shown(report, width)
    assert all(len(line.rstrip()) <= width for line in text.splitlines() if "|" not in line)
    words = " ".join(text.split())
    for expected in (*report.sentences, *(problem.cure[1:] for problem in report.problems)):
        assert " ".join(expected.split()) in words


def test_shapes_are_aligned_by_plate():
    lines = [line for line in str(virgil.explain(nested_model, nested_guide)).splitlines() if "|" in line]
    bars = {line.index("|") for line in lines[1:]}
    assert len(bars) == 1


def test_html_escapes_names():
    name = "<script>alert(1)</script>"
    html = virgil.explain(program((name, NORMAL)), lambda: None)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_the_dict_is_json():
    report = virgil.explain(every_role, guide_of_every_role)
    data = json.loads(json.dumps(report.to_dict()))
    assert [row["site"] for row in data["rows"]] == [row.site for row in report.rows]
    assert {problem["kind"] for problem in data["problems"]} == {"MismatchError"}
    assert data["verdict"] == report.verdict == "4 errors."


def test_rounds_of_a_loop_are_one_line():
    def model():
        for step in range(30):
            normal(f"z_{step}")

    report = virgil.explain(model, model)
    assert len(report.rows) == 30
    assert "z_0 ... z_29" in str(report)
    assert len(str(report).splitlines()) < 15


def test_a_hidden_site_is_told_of():
    report = virgil.explain(with_a_hidden_site, lambda: normal("z"), loss=TraceEnum_ELBO())
    assert any("noise: hidden by poutine.block" in sentence for sentence in report.sentences)
