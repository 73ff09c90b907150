"""Under the alias a plate takes rows of data where it should get indices: their number is the mini-batch's."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer.autoguide import AutoNormal

from virgil.errors import FitWarning, PlateError

ROWS = torch.tensor([[0.5], [1.5], [2.5]])


def model():
    with pyro.plate("data", 12, subsample=ROWS):
        return pyro.sample("x", dist.Normal(0.0, 1.0), obs=ROWS.squeeze(-1))


def test_each_row_counts_for_its_share_of_the_plate():
    with pytest.warns(FitWarning, match="it counts as 3 slots of which nobody knows which"):
        trace = pyro.poutine.trace(model).get_trace()
    wanted = 12 / 3 * dist.Normal(0.0, 1.0).log_prob(ROWS).sum()
    torch.testing.assert_close(trace.log_prob_sum(), wanted)


def test_what_needs_the_indices_is_refused():
    def latent():
        with pyro.plate("data", 12, subsample=ROWS):
            pyro.sample("z", dist.Normal(0.0, 1.0))

    with pytest.warns(FitWarning, match="nobody knows which"), pytest.raises(PlateError, match="no tensor of indices"):
        AutoNormal(latent)()
    with pytest.warns(FitWarning), pytest.raises(PlateError), pyro.plate("data", 12, subsample=ROWS):
        pyro.subsample(torch.zeros(12), event_dim=0)
