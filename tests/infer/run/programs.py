"""Small programs for runs: a conjugate one, one with mini-batches and a network, and how each is fitted."""

import torch
from torch.utils.data import DataLoader, TensorDataset

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.infer import SVI, Trace_ELBO

DATA = torch.tensor([1.0, 2.5, 0.3, 4.0, 2.2, 3.1, 1.8, 2.7, 0.9, 3.3])


def model(data):
    mu = virgil.sample("mu", dist.Normal(0.0, 3.0))
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(mu, 1.0), obs=data)


def guide(data):
    scale = virgil.param("scale", torch.tensor(0.5), constraint=constraints.positive)
    virgil.sample("mu", dist.Normal(virgil.param("loc", torch.tensor(0.0)), scale))


class Amortised:
    """An encoder with batch normalisation and dropout reads each mini-batch; rows are shuffled each epoch."""

    def __init__(self, rows=20, batch=6):
        self.encoder = torch.nn.Sequential(
            torch.nn.Linear(1, 4),
            torch.nn.BatchNorm1d(4),
            torch.nn.Dropout(0.2),
            torch.nn.Tanh(),
            torch.nn.Linear(4, 1),
        )
        self.rows = torch.linspace(-2.0, 2.0, rows).unsqueeze(-1)
        self.batch = batch

    def loader(self):
        return DataLoader(TensorDataset(self.rows), batch_size=self.batch, shuffle=True)

    def model(self, rows):
        with virgil.plate("rows", len(rows)):
            z = virgil.sample("z", dist.Normal(0.0, 1.0))
            virgil.sample("x", dist.Normal(z, 0.5), obs=rows[:, 0])

    def guide(self, rows):
        virgil.module("encoder", self.encoder)
        with virgil.plate("rows", len(rows)):
            virgil.sample("z", dist.Normal(self.encoder(rows)[:, 0], 0.5))


def conjugate(optim=None, particles=1):
    return SVI(model, guide, optim or virgil.optim.Adam({"lr": 0.05}), Trace_ELBO(num_particles=particles))


def amortised(program):
    return SVI(program.model, program.guide, virgil.optim.Adam({"lr": 0.01}), Trace_ELBO())
