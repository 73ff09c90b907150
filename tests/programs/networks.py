"""Networks of both kinds: neural nets with random weights or fixed ones, and graphs of nodes and edges."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from scipy import special, stats
from torch import nn

import virgil
import virgil.distributions as dist
from tests.programs.program import Answer, Program
from virgil.nn import PyroModule, PyroSample
from virgil.nn.module import to_pyro_module_

_x = torch.linspace(-1.0, 1.0, 6)
_y = torch.tensor([-0.8, -0.3, -0.2, 0.1, 0.4, 0.9])
_adjacency = torch.tensor([[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0]])
_upper = torch.triu_indices(4, 4, offset=1)


def two_layers(x, y=None, hidden=3):
    """A Bayesian net by matrices of one's own."""
    w1 = virgil.sample("w1", dist.Normal(torch.zeros(1, hidden), 1.0).to_event(2))
    b1 = virgil.sample("b1", dist.Normal(torch.zeros(hidden), 1.0).to_event(1))
    w2 = virgil.sample("w2", dist.Normal(torch.zeros(hidden, 1), 1.0).to_event(2))
    h = torch.tanh(x.unsqueeze(-1) @ w1 + b1)
    mean = (h @ w2).squeeze(-1)
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.Normal(mean, 0.3), obs=y)


def two_layers_answer(x, y, w1, b1, w2):
    mean = (np.tanh(x[:, None] @ w1 + b1) @ w2)[:, 0]
    prior = sum(stats.norm.logpdf(each).sum() for each in (w1, b1, w2))
    return Answer(prior + stats.norm.logpdf(y, mean, 0.3).sum(), {"y": (mean, 0.3)})


class Deep(PyroModule):
    """A Bayesian net by layers: a prior for each parameter that `named_parameters` finds."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
        to_pyro_module_(self.net)
        for layer in (self.net[0], self.net[2]):
            for name, value in list(layer.named_parameters(recurse=False)):
                setattr(layer, name, PyroSample(dist.Normal(0.0, 0.8).expand(value.shape).to_event(value.dim())))
        self.sigma = PyroSample(dist.Gamma(2.0, 4.0))

    def forward(self, x, y=None):
        sigma = self.sigma
        mean = virgil.deterministic("mean", self.net(x.unsqueeze(-1)).squeeze(-1))
        with virgil.plate("rows", x.shape[0]):
            virgil.sample("y", dist.Normal(mean, sigma), obs=y)
        return mean


def deep_answer(x, y, sigma, **point):
    (w1, b1), (w2, b2) = ((point[f"net.{i}.weight"], point[f"net.{i}.bias"]) for i in (0, 2))
    mean = (np.maximum(x[:, None] @ w1.T + b1, 0) @ w2.T + b2)[:, 0]
    prior = sum(stats.norm.logpdf(each, 0, 0.8).sum() for each in (w1, b1, w2, b2))
    prior += stats.gamma.logpdf(sigma, 2, scale=0.25)
    return Answer(prior + stats.norm.logpdf(y, mean, sigma).sum(), {"y": (mean, sigma)})


_decoder = nn.Sequential(nn.Linear(2, 3), nn.Softplus(), nn.Linear(3, 4), nn.Sigmoid()).requires_grad_(False)
with torch.no_grad():
    for _number, _parameter in enumerate(_decoder.parameters()):
        _parameter.copy_(torch.linspace(-0.9, 0.8 + 0.1 * _number, _parameter.numel()).reshape(_parameter.shape))


def autoencoder(images=None, n=3):
    """A variational autoencoder's model, with a decoder that was learnt before."""
    with virgil.plate("images", n):
        z = virgil.sample("z", dist.Normal(torch.zeros(n, 2), torch.ones(n, 2)).to_event(1))
        virgil.sample("x", dist.Bernoulli(_decoder(z)).to_event(1), obs=images)


def decoded(z):
    w1, b1, w2, b2 = (each.double().numpy() for each in _decoder.parameters())
    return special.expit(np.log1p(np.exp(z @ w1.T + b1)) @ w2.T + b2)


def autoencoder_answer(images, z):
    p = decoded(z)
    prior = stats.norm.logpdf(z).sum()
    return Answer(prior + stats.bernoulli.logpmf(images, p).sum(), {"x": (p, np.sqrt(p * (1 - p)))})


def frozen(images=None):
    """Factors through a fixed network, in mini-batches of the whole: `subsample` by the plate's indices."""
    scale = virgil.sample("scale", dist.LogNormal(0.0, 1.0))
    with virgil.plate("images", 3, subsample_size=3) as index:
        z = virgil.sample("z", dist.Normal(0.0, 1.0).expand([2]).to_event(1))
        with torch.no_grad():
            shift = torch.tensor([0.1, 0.2, 0.3])[index]
        mean = torch.tanh(z).sum(-1) * scale + shift
        batch = None if images is None else images.index_select(0, index)
        virgil.sample("x", dist.Laplace(mean, 1.0), obs=batch)


def frozen_answer(images, scale, z):
    mean = np.tanh(z).sum(-1) * scale + np.array([0.1, 0.2, 0.3])
    prior = stats.lognorm.logpdf(scale, 1) + stats.norm.logpdf(z).sum()
    return Answer(prior + stats.laplace.logpdf(images, mean).sum())


def blocks(nodes, edges, seen):
    """A block of each node, all summed out; an edge, of a list of pairs, by the blocks of its ends."""
    share = virgil.sample("share", dist.Dirichlet(torch.ones(2)))
    with virgil.plate("from", 2, dim=-2), virgil.plate("to", 2, dim=-1):
        p = virgil.sample("p", dist.Beta(1.0, 1.0))
    block = [
        virgil.sample(f"block_{i}", dist.Categorical(share), infer={"enumerate": "parallel"}) for i in range(nodes)
    ]
    for k, (i, j) in enumerate(edges):
        virgil.sample(f"edge_{i}_{j}", dist.Bernoulli(p[block[i], block[j]]), obs=seen[k])


def blocks_answer(nodes, edges, seen, share, p):
    terms = []
    for block in itertools.product((0, 1), repeat=nodes):
        ends = [p[block[i], block[j]] for i, j in edges]
        terms.append(np.log(share[list(block)]).sum() + stats.bernoulli.logpmf(seen, ends).sum())
    return Answer(special.logsumexp(terms))


def latent_space(adjacency=None, n=4):
    """A place of each node; a matrix of edges, of which those above the diagonal count."""
    alpha = virgil.sample("alpha", dist.Normal(1.0, 1.0))
    with virgil.plate("nodes", n):
        place = virgil.sample("place", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    distance = (place[..., :, None, :] - place[..., None, :, :]).pow(2).sum(-1)
    upper = torch.ones(n, n).triu(1).bool()
    with virgil.plate("rows", n, dim=-2), virgil.plate("columns", n, dim=-1):
        logits = alpha[..., None, None] - distance if alpha.dim() else alpha - distance
        virgil.sample("edge", dist.Bernoulli(logits=logits).mask(upper), obs=adjacency)


def latent_space_answer(adjacency, alpha, place):
    distance = ((place[:, None] - place[None]) ** 2).sum(-1)
    p = special.expit(alpha - distance)
    prior = stats.norm.logpdf(alpha, 1) + stats.norm.logpdf(place).sum()
    likelihood = np.triu(stats.bernoulli.logpmf(adjacency, p), 1).sum()
    return Answer(prior + likelihood, {"edge": (p, np.sqrt(p * (1 - p)))})


def node_effects(edges, y=None):
    """Weighted edges with senders, receivers and a correlation of the two."""
    rho = virgil.sample("rho", dist.Uniform(-1.0, 1.0))
    one = torch.ones_like(rho)
    cov = torch.stack([torch.stack([one, rho], -1), torch.stack([rho, one], -1)], -2)
    with virgil.plate("nodes", 4):
        effect = virgil.sample("effect", dist.MultivariateNormal(torch.zeros(2), cov))
    send, receive = effect[..., 0], effect[..., 1]
    with virgil.plate("edges", edges.shape[1]):
        virgil.sample("y", dist.Normal(send[..., edges[0]] + receive[..., edges[1]], 0.5), obs=y)


def node_effects_answer(edges, y, rho, effect):
    prior = -np.log(2) + stats.multivariate_normal.logpdf(effect, np.zeros(2), [[1, rho], [rho, 1]]).sum()
    mean = effect[edges[0], 0] + effect[edges[1], 1]
    return Answer(prior + stats.norm.logpdf(y, mean, 0.5).sum(), {"y": (mean, 0.5)})


_images = torch.tensor([[1.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 1.0]])
_codes = [[0.3, -0.5], [1.1, 0.2], [-0.7, 0.9]]

PROGRAMS = {
    "two layers": Program(
        two_layers,
        {"w1": [[0.8, -0.5, 1.2]], "b1": [0.1, 0.3, -0.2], "w2": [[0.7], [-0.4], [0.5]]},
        two_layers_answer,
        (_x,),
        {"y": _y},
    ),
    "layers with priors": Program(
        Deep(),
        {
            "net.0.weight": [[0.8], [-0.6]],
            "net.0.bias": [0.2, 0.1],
            "net.2.weight": [[0.9, -0.7]],
            "net.2.bias": [0.05],
            "sigma": 0.4,
        },
        deep_answer,
        (_x,),
        {"y": _y},
    ),
    "an autoencoder": Program(autoencoder, {"z": _codes}, autoencoder_answer, data={"images": _images}),
    "a batch of all": Program(
        frozen, {"scale": 0.8, "z": _codes}, frozen_answer, data={"images": torch.tensor([0.2, 1.0, -0.4])}
    ),
    "blocks": Program(
        blocks,
        {"share": [0.375, 0.625], "p": [[0.7, 0.2], [0.3, 0.6]]},
        blocks_answer,
        (4, _upper.T.tolist(), _adjacency[_upper[0], _upper[1]]),
        enumerated=tuple(f"block_{i}" for i in range(4)),
    ),
    "a latent space": Program(
        latent_space,
        {"alpha": 0.8, "place": [[0.5, 0.1], [-0.3, 0.8], [0.2, -0.9], [1.1, 0.4]]},
        latent_space_answer,
        data={"adjacency": _adjacency},
    ),
    "senders and receivers": Program(
        node_effects,
        {"rho": 0.4, "effect": [[0.5, 0.1], [-0.3, 0.8], [0.2, -0.9], [1.1, 0.4]]},
        node_effects_answer,
        (_upper,),
        {"y": _y},
    ),
}
