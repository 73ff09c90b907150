"""Values after the first step: parameters that leave their range, and data of later mini-batches."""

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.distributions import constraints
from virgil.errors import SupportError
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO, config_enumerate

FLIPS = torch.tensor([0.0, 1.0] * 20)
each_objective = pytest.mark.parametrize("objective", [Trace_ELBO, TraceMeanField_ELBO, TraceEnum_ELBO])
each_engine = pytest.mark.parametrize("engine", ["eager", "xla"])
pytestmark = pytest.mark.filterwarnings("ignore:At site 'z':virgil.errors.FitWarning")


def model(flips=FLIPS):
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    with virgil.plate("flips", 40, subsample_size=len(flips)):
        virgil.sample("x", dist.Bernoulli(logits=z), obs=flips)


def guide(flips=FLIPS):
    scale = virgil.param("scale", torch.tensor(1.0))
    virgil.sample("z", dist.Normal(virgil.param("loc", torch.tensor(0.0)), scale))


def svi_of(objective, the_model=model, the_guide=guide):
    loss = objective(strict_enumeration_warning=False)
    return SVI(the_model, the_guide, virgil.optim.Adam({"lr": 1e-3}), loss)


@each_engine
@each_objective
def test_a_scale_that_becomes_negative_is_an_error(objective, engine):
    def changed(step, loss):
        if step == 20:
            virgil.get_param_store()["scale"] = torch.tensor(-0.5)

    message = (
        "At site 'z', argument 'scale' of the guide's Normal must be real numbers above 0, and steps have taken "
        "parameter 'scale' outside, to -0.4.*constraint=constraints.positive"
    )
    with pytest.raises(SupportError, match=message.replace("-0.4", "-0.[45]")) as error:
        svi_of(objective).run(60, engine=engine, progress=False, callback=changed, callback_every=10)
    assert error.value.site == "z"


@each_objective
def test_a_free_probability_that_leaves_is_an_error(objective):
    def coin():
        k = virgil.sample("k", dist.Bernoulli(0.5))
        virgil.sample("y", dist.Normal(k, 1.0), obs=torch.tensor(1.0))

    def free():
        virgil.sample("k", dist.Bernoulli(virgil.param("free", torch.tensor(0.5))))

    svi = svi_of(objective, coin, config_enumerate(free) if objective is TraceEnum_ELBO else free)
    with pytest.warns(virgil.errors.FitWarning, match="argument 'probs' of the guide's Bernoulli"):
        svi.step()
    virgil.get_param_store()["free"] = torch.tensor(-0.5)
    with pytest.raises(SupportError, match=r"At site 'k', argument 'probs'.*to -0\.5"):
        svi.step()


@each_engine
@each_objective
def test_a_free_point_that_leaves_the_support_is_an_error(objective, engine):
    """The exponential's density is a finite number below zero as well, if nobody looks."""

    def waiting():
        wait = virgil.sample("wait", dist.Exponential(1.0))
        virgil.sample("y", dist.Normal(wait, 1.0), obs=torch.tensor(-3.0))

    def at_a_point():
        virgil.sample("wait", dist.Delta(virgil.param("point", torch.tensor(0.5))))

    loss = objective(strict_enumeration_warning=False)
    svi = SVI(waiting, at_a_point, virgil.optim.Adam({"lr": 0.05}), loss)
    with pytest.raises(SupportError, match="At site 'wait', the point, for the model's Exponential, must be.*'point'"):
        svi.run(100, engine=engine, progress=False)


@each_engine
@each_objective
def test_a_datum_outside_the_support_is_found_in_its_mini_batch(objective, engine):
    flips = FLIPS.clone()
    flips[33] = 7.0
    loader = DataLoader(TensorDataset(flips), batch_size=4)
    message = r"At site 'x' of the model, the observed value lies outside .* 1 of 4 do, such as 7 at index \(1,\)"
    with pytest.raises(SupportError, match=message) as error:
        svi_of(objective).run(epochs=2, data=loader, engine=engine, progress=False)
    assert error.value.site == "x"


@each_engine
@pytest.mark.parametrize("wrong", ["a point", "a datum"])
def test_restarts_are_looked_at_too(wrong, engine):
    data = torch.tensor([[-3.0], [-3.0], [-3.0]] if wrong == "a point" else [[2.0], [0.5], [-1.0]])

    def waiting(x):
        wait = virgil.sample("wait", dist.Exponential(1.0))
        with virgil.plate("data", 3, subsample_size=1):
            virgil.sample("y", dist.Exponential(wait) if wrong == "a datum" else dist.Normal(wait, 1.0), obs=x)

    def at_a_point(x):
        point = virgil.param("point", lambda: torch.rand(()) + 0.5)
        virgil.sample("wait", dist.Delta(point if wrong == "a point" else point.exp()))

    message = "'wait', the point" if wrong == "a point" else "'y' of the model, the observed value lies outside"
    svi = SVI(waiting, at_a_point, virgil.optim.Adam({"lr": 0.05}), Trace_ELBO())
    with pytest.raises(SupportError, match=message):
        svi.run(epochs=40, data=list(data), engine=engine, progress=False, restarts=2)


def test_a_total_that_is_taken_from_the_mini_batch_is_none_of_the_first_one():
    """Topic models take the largest document's length as the total of all."""
    words = torch.tensor([[1.0, 1.0], [2.0, 0.0], [4.0, 3.0], [0.0, 5.0]])

    def documents(words):
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        with virgil.plate("documents", 4, subsample_size=len(words)):
            total = int(words.sum(-1).max())
            virgil.sample("words", dist.Multinomial(total, logits=torch.stack([z, -z])), obs=words)

    svi = svi_of(Trace_ELBO, documents, guide)
    for batch in words.split(2):
        assert svi.step(batch) < float("inf")


@each_engine
def test_what_is_masked_or_not_to_be_checked_is_passed_over(engine):
    flips = FLIPS.clone()
    flips[33] = 7.0

    def unchecked(flips):
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        with virgil.plate("flips", 40, subsample_size=len(flips)):
            virgil.sample("x", dist.Bernoulli(logits=z, validate_args=False), obs=flips)

    def own_guide(flips):
        virgil.sample("z", dist.Normal(virgil.param("loc", torch.tensor(0.0)), 1.0))

    loader = DataLoader(TensorDataset(flips), batch_size=4)

    def masked_model(flips):
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        with virgil.plate("flips", 40, subsample_size=len(flips)), poutine.mask(mask=flips < 2):
            virgil.sample("x", dist.Bernoulli(logits=z), obs=flips)

    for the_model in (masked_model, unchecked):
        fit = svi_of(Trace_ELBO, the_model, own_guide).run(epochs=1, data=loader, engine=engine, progress=False)
        assert fit.losses.isfinite().all()


def test_a_tensor_is_looked_at_once_until_it_is_written(monkeypatch):
    kind, looks = type(constraints.boolean), []
    check = kind.check
    monkeypatch.setattr(kind, "check", lambda self, value: looks.append(value) or check(self, value))
    svi, flips = svi_of(Trace_ELBO), FLIPS.clone()
    svi.step(flips)
    looks.clear()
    for _ in range(5):
        svi.step(flips)
    assert not looks
    flips[0] = 1.0
    svi.step(flips)
    assert len(looks) == 1
    flips[0] = 0.5
    with pytest.raises(SupportError, match="such as 0.5 at index"):
        svi.step(flips)
