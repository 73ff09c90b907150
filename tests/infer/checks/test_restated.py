"""What a report says of variables that reparameterisers restate, and a guide that states them all the same."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import MismatchError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoNormal, init_to_value
from virgil.infer.reparam import AutoReparam, LocScaleReparam, StudentTReparam


def plain():
    a = virgil.sample("a", dist.Normal(0.0, 1.0))
    with virgil.plate("rows", 5, subsample_size=2):
        b = virgil.sample("b", dist.LogNormal(a, 1.0))
        virgil.sample("c", dist.StudentT(4.0, b, 1.0), obs=torch.zeros(2))


def test_a_report_has_a_note_for_each():
    model = poutine.reparam(AutoReparam()(plain), config={"c": StudentTReparam()})
    report = virgil.explain(model, AutoNormal(model))
    roles = {row.site: row.role for row in report.rows}
    assert roles == {
        "a_decentered": "sampled in the guide",
        "a": "restated",
        "b_base_decentered": "sampled in the guide",
        "b_base": "restated",
        "b": "restated",
        "c_gamma": "sampled in the guide",
        "c": "observed",
    }
    notes = {problem.site: problem.message for problem in report.problems}
    assert all(problem.severity == "note" for problem in report.problems)
    assert set(notes) == {"a", "b_base", "b", "c"}
    assert notes["b"].startswith(
        "Site 'b' is restated by TransformReparam, by way of 'b_base_decentered'. It is no var"
    )
    assert notes["c"].startswith("Site 'c' is restated by StudentTReparam, by way of 'c_gamma'. It stays a variable")
    assert any("a, b_base, b: a function of the variables" in each for each in report.sentences)


def test_a_guide_of_the_plain_program_is_told_what_to_state():
    model = poutine.reparam(plain, config={"a": LocScaleReparam(0.0)})
    svi = SVI(model, AutoNormal(plain), virgil.optim.Adam({"lr": 0.01}), Trace_ELBO())
    message = "Site 'a' is in the guide, but the model states it by way of 'a_decentered': LocScaleReparam has restated"
    with pytest.raises(MismatchError, match=message):
        svi.step()


def test_initial_values_of_unknown_variables_are_refused_as_ever():
    model = AutoReparam()(plain)
    guide = AutoNormal(model, init_loc_fn=init_to_value(values={"a": 0.5, "b": torch.tensor([1.0, 2.0])}))
    guide()
    assert guide.median()["a_decentered"] == 0.5
    wrong = AutoNormal(model, init_loc_fn=init_to_value(values={"d": 0.5}))
    with pytest.raises(virgil.errors.ArgumentError, match="'d', which is no latent site"):
        wrong()
