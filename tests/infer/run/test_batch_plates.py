"""A run on mini-batches hears of a plate that has a batch's size where a variable is shared by all data."""

import warnings

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import FitWarning
from virgil.infer import SVI, Trace_ELBO

DATA = torch.arange(12.0)
BATCHES = [DATA[:4], DATA[4:8], DATA[8:]]


def shared(x):
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    with virgil.plate("data", len(x)):
        virgil.sample("x", dist.Normal(z, 1.0), obs=x)


def of_all(x):
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    with virgil.plate("data", 12, subsample=torch.arange(len(x))):
        virgil.sample("x", dist.Normal(z, 1.0), obs=x)


def scaled(x):
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    with virgil.plate("data", len(x)), poutine.scale(scale=3.0):
        virgil.sample("x", dist.Normal(z, 1.0), obs=x)


def scaled_prior(x):
    with poutine.scale(scale=1 / 3):
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
    with virgil.plate("data", len(x)):
        virgil.sample("x", dist.Normal(z, 1.0), obs=x)


def local(x):
    with virgil.plate("data", len(x)):
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=x)


def of_features(x):
    """A plate that is none of the data."""
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    with virgil.plate("features", 3):
        virgil.sample("x", dist.Normal(z, 1.0), obs=x[:3])


def guide(x):
    virgil.sample("z", dist.Normal(virgil.param("loc", torch.tensor(0.0)), 1.0))


def scaled_guide(x):
    with poutine.scale(scale=1 / 3):
        guide(x)


def local_guide(x):
    with virgil.plate("data", len(x)):
        virgil.sample("z", dist.Normal(virgil.param("slope", torch.tensor(0.5)) * x, 1.0))


def _heard(model, the_guide, data, **options):
    svi = SVI(model, the_guide, virgil.optim.SGD({"lr": 1e-4}), Trace_ELBO())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        svi.run(epochs=2, data=data, progress=False, **options)
    assert all(each.filename == __file__ for each in caught)
    return [str(each.message) for each in caught if issubclass(each.category, FitWarning)]


LOADER = DataLoader(TensorDataset(DATA), batch_size=4)


@pytest.mark.parametrize("data", [BATCHES, LOADER], ids=["list", "loader"])
@pytest.mark.parametrize("engine", ["eager", "auto"])
def test_a_plate_of_the_batch_is_told_once(data, engine):
    (message,) = _heard(shared, guide, data, engine=engine)
    assert "Plate 'data' has size 4, that of one batch of 3, and site 'z', outside of it" in message
    assert "its prior counts in every batch, 3 times an epoch" in message
    assert "subsample=indices" in message


@pytest.mark.parametrize(
    ("model", "the_guide", "data"),
    [
        (of_all, guide, BATCHES),
        (scaled, guide, BATCHES),
        (scaled_prior, scaled_guide, BATCHES),
        (local, local_guide, BATCHES),
        (of_features, guide, BATCHES),
        (shared, guide, [DATA]),
        (shared, guide, [DATA] * 3),
    ],
    ids=["of all", "scaled", "scaled prior", "local", "features", "one batch", "all data again and again"],
)
def test_what_is_meant_is_not_told(model, the_guide, data):
    assert _heard(model, the_guide, data, engine="eager") == []
