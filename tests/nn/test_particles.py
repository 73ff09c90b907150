"""Networks of random weights, many particles or draws at once: the same as each alone, in loss, gradient and step."""

import pytest
import torch
from torch import nn

import virgil
import virgil.distributions as dist
from tests.graphs.test_engines import assert_xla_gives_the_eager_step
from tests.nn.layers import Recurrent, normal
from virgil.errors import FitWarning
from virgil.infer import SVI, Predictive, Trace_ELBO, TraceEnum_ELBO
from virgil.infer.autoguide import AutoDelta, AutoNormal
from virgil.nn import PyroModule, PyroModuleList, PyroSample, to_pyro_module_
from virgil.optim import zero_grads
from virgil.poutine import trace
from virgil.poutine.plate import active_frames
from virgil.poutine.runtime import Handler


def randomise(network, names=("weight", "bias")):
    """Give all parameters of these names a prior; what is a network becomes a program."""
    to_pyro_module_(network)
    for module in network.modules():
        for name, value in list(module.named_parameters(recurse=False)):
            if name in names:
                setattr(module, name, PyroSample(normal(*value.shape)))
    return network


class Regression(PyroModule):
    """Observes what a network says of the data, all dims of which are plates."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def mean(self, x):
        return self.network(x)

    def forward(self, x, y=None):
        mean = virgil.deterministic("mean", self.mean(x)[..., 0])
        with virgil.plate("data", x.shape[-2] if x.is_floating_point() else len(x)):
            if x.dim() < 3:
                return virgil.sample("y", dist.Normal(mean, 1.0), obs=y)
            with virgil.plate("groups", len(x)):
                return virgil.sample("y", dist.Normal(mean, 1.0), obs=y)


class Parts(Regression):
    """Layers by hand, in a list, under a module inside."""

    def __init__(self):
        parts = PyroModule()
        parts.layers = PyroModuleList([nn.Linear(2, 3), nn.LayerNorm(3), nn.Bilinear(2, 3, 1)])
        super().__init__(parts)
        randomise(self.network)

    def mean(self, x):
        linear, norm, last = self.network.layers
        return last(x, torch.tanh(norm(linear(x))))


def sequence():
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.LayerNorm(3), nn.Linear(3, 1))


def embedded():
    return nn.Sequential(nn.Embedding(4, 3), nn.Linear(3, 1))


X, Y = torch.tensor([[1.0, 0.5], [0.2, -1.0], [-0.7, 0.3], [1.5, 1.1], [0.0, -0.4]]), torch.arange(5.0)
NETWORKS = {
    "all random": (lambda: Regression(randomise(sequence())), (X, Y)),
    "weights random": (lambda: Regression(randomise(sequence(), ["weight"])), (X, Y)),
    "biases random": (lambda: Regression(randomise(sequence(), ["bias"])), (X, Y)),
    "in two plates": (lambda: Regression(randomise(sequence())), (torch.stack([X, -X, X.flip(0)]), Y.expand(3, 5))),
    "parts": (Parts, (X, Y)),
    "embedded": (lambda: Regression(randomise(embedded())), (torch.tensor([3, 0, 0, 1, 2]), Y)),
}


PARTICLES = 4


class Noise(Handler):
    """Draws normal variables from noise that is given, by site: of all particles where they run at once, or of one."""

    def __init__(self, noise, particle=0):
        self.noise = noise
        self.particle = particle

    def handle(self, site, outer):
        if site.is_latent:
            noise, normal = self.noise[site.name], site.fn.base_dist
            if not any(frame.particle for frame in active_frames()):
                noise = noise[self.particle].reshape(site.fn.event_shape)
            site = site.with_value(normal.loc + normal.scale * noise)
        return outer(site)


def program(name):
    """A network, a guide of its random weights, and their data."""
    virgil.set_rng_seed(0)
    make, data = NETWORKS[name]
    model = make()
    latent = {each: site.fn for each, site in trace(model).get_trace(*data).nodes.items() if site.is_latent}
    starts = {each: torch.randn(fn.event_shape) for each, fn in latent.items()}

    def guide(*data):
        for each, start in starts.items():
            virgil.sample(each, dist.Normal(virgil.param(f"loc_{each}", start), 0.5).to_event(start.dim()))

    return model, guide, data


def loss_and_gradients(model, guide, data, **options):
    svi = SVI(model, guide, virgil.optim.SGD({"lr": 0.0}), Trace_ELBO(**options))
    loss, leaves = svi.problem.gradients(data, {})
    gradients = {name: leaf.grad.clone() for name, leaf in leaves.items()}
    zero_grads(leaves.values())
    return {"loss": torch.tensor(loss), **gradients}


@pytest.mark.parametrize("name", NETWORKS)
def test_particles_at_once_are_the_mean_of_single_ones_on_the_same_noise(name):
    model, guide, data = program(name)
    plates = data[1].dim()
    shapes = {each: site.value.shape for each, site in trace(guide).get_trace(*data).iter_stochastic_nodes()}
    noise = {each: torch.randn(PARTICLES, *[1] * plates, *shape) for each, shape in shapes.items()}
    options = {"num_particles": PARTICLES, "vectorize_particles": True}
    together = loss_and_gradients(model, Noise(noise)(guide), data, **options)
    singles = [loss_and_gradients(model, Noise(noise, place)(guide), data) for place in range(PARTICLES)]
    assert len(together) > len(shapes)
    for key, value in together.items():
        mean = torch.stack([each[key] for each in singles]).mean(0)
        torch.testing.assert_close(value, mean, rtol=1e-4, atol=1e-4, msg=key)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_warning_appears_and_a_step_is_one_execution(name):
    model, guide, data = program(name)
    svi = SVI(model, guide, virgil.optim.SGD({"lr": 0.01}), Trace_ELBO(num_particles=PARTICLES))
    svi.step(*data)
    executions = []
    model.register_forward_hook(lambda *call: executions.append(call))
    svi.step(*data)
    assert len(executions) == 1


@pytest.mark.parametrize("name", NETWORKS)
def test_xla_takes_the_same_step(name):
    model, guide, data = program(name)
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO(num_particles=PARTICLES))
    svi.step(*data)
    assert_xla_gives_the_eager_step(svi, svi.session.compiled("xla").make(data, {}), data)


@pytest.mark.parametrize("name", NETWORKS)
def test_predictions_at_once_are_those_of_each_draw(name):
    model, guide, data = program(name)
    draws = Predictive(guide, num_samples=PARTICLES, parallel=True)(*data)
    mean, again = (
        Predictive(model, draws, return_sites=["mean"], parallel=parallel)(*data)["mean"] for parallel in (True, False)
    )
    assert mean.shape == (PARTICLES, *data[1].shape)
    torch.testing.assert_close(mean, again)


def test_weights_that_depend_on_a_variable_that_is_summed_out():
    """The loss is minus the logarithm of the average of two regressions."""
    net = Regression(PyroModule[nn.Linear](2, 1))
    choices = torch.tensor([[[1.0, -0.5]], [[0.3, 2.0]]])
    net.which = PyroSample(dist.Bernoulli(0.3))
    net.network.weight = PyroSample(lambda layer: choices[net.which.long()])
    net.network.bias = PyroSample(dist.Normal(0.0, 1.0))
    net.network.bias = torch.zeros(1)
    loss = TraceEnum_ELBO().loss(virgil.infer.config_enumerate(net), lambda *data: None, X, Y)
    of_choice = dist.Normal((X @ choices.mT)[..., 0], 1.0).log_prob(Y).sum(-1)
    exact = -torch.logsumexp(torch.tensor([0.7, 0.3]).log() + of_choice, 0)
    assert loss == pytest.approx(exact.item(), rel=1e-5)


class Sum(Regression):
    """A network of which no plate has the dims of its input."""

    def forward(self, x, y):
        virgil.sample("y", dist.Normal(self.network(x)[..., 0], 1.0).to_event(1), obs=y)


SEEN_ALONE = {
    "an embedding with a row of zeros": lambda: Regression(randomise(nn.Sequential(nn.Embedding(4, 1, padding_idx=0)))),
    "data in no plate": lambda: Sum(randomise(nn.Linear(2, 1))),
}


@pytest.mark.parametrize("name", SEEN_ALONE)
def test_what_takes_no_batch_of_weights_sees_those_of_one_particle(name):
    torch.manual_seed(0)
    model, x = SEEN_ALONE[name](), torch.tensor([3, 0, 0, 1, 2]) if name.startswith("an embedding") else X
    draws, point = Predictive(AutoNormal(model), num_samples=PARTICLES, parallel=True)(x, Y), AutoDelta(model)
    losses = [
        Trace_ELBO(num_particles=PARTICLES, vectorize_particles=wanted).loss(model, point, x, Y)
        for wanted in (True, False)  # a guide without noise
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    one, other = (Predictive(model, draws, parallel=parallel)(x, None)["y"] for parallel in (True, False))
    assert one.shape == other.shape == (PARTICLES, 5)


def test_a_recurrent_layer_of_random_weights_runs_particle_by_particle():
    """Torch has no rule to take it for many weights at once."""
    torch.manual_seed(0)
    model = Recurrent(["weight_ih_l0"])
    elbo = Trace_ELBO(num_particles=3, vectorize_particles=True)
    with pytest.warns(FitWarning, match="The particles run one after another.*gru"):
        elbo.loss(model, AutoDelta(model), X.repeat(2, 1)[:6], torch.ones(6))
