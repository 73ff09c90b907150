"""An SVI whose step is captured, and an engine that replays it in torch."""

from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils import _pytree as pytree

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.engine.recording.capture import capture
from virgil.engine.runner import Course, Inputs
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.density.dry_run import unmarked
from virgil.infer.step.arguments import arguments
from virgil.ops.random_state import seed_torch

Y = torch.tensor([1.0, -0.5, 2.0, 0.3, 1.2])


class Replayed:
    """A step recorded once, and run in torch."""

    def __init__(self, step, state, inputs):
        self.program = capture(step, state, inputs)
        self.num_compiled = self.program.num_nodes

    def load(self, state):
        self._state = [each.detach().clone() for each in state]

    def state(self):
        return self._state

    def advance(self, inputs, seed, first, count, summed=0):
        losses, norms = [], []
        for number in range(count):
            rows = {**inputs.fixed, **{place: each[number] for place, each in inputs.streamed.items()}}
            torch.manual_seed(seed + first + number)
            with torch.no_grad():
                self._state, loss, norm = self.program.graph(self._state, [rows[place] for place in sorted(rows)])
            losses.append(loss)
            norms.append(norm)
        return Course(torch.stack(losses), torch.stack(norms))


@dataclass
class Shift:
    """An argument with parts that are not tensors of its own right."""

    shift: float


class Holder:
    """The same, known by its identity alone."""

    def __init__(self, shift):
        self.shift = shift


class Weighted:
    """A loss of one's own with a choice."""

    weight = 1.0

    def __init__(self):
        self.weight = 1.0
        self._elbo = Trace_ELBO()

    def __call__(self, *args, **kwargs):
        return self.weight * self._elbo.differentiable_loss(*args, **kwargs)


class Case:
    """An SVI of a model with a network and a parameter, and the arguments and handler of its next run."""

    def __init__(self, optim=None, loss=None):
        self.net = nn.Sequential(nn.BatchNorm1d(1, affine=False), nn.Tanh(), nn.Dropout(0.5), nn.Linear(1, 1, False))
        self.spread = lambda: torch.tensor(1.5)
        self.constraint = constraints.positive
        self.shift, self.count = 0.0, 0
        self.args, self.kwargs = (Y,), {}
        self.around = nullcontext()
        self.optim = optim or virgil.optim.Adam({"lr": 0.01})
        self.svi = SVI(self.model, self.guide, self.optim, loss or Trace_ELBO(vectorize_particles=False))

    def model(self, y, *extra, **more):
        virgil.module("net", self.net)
        spread = virgil.param("spread", self.spread, constraint=self.constraint)
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        shift = sum(torch.as_tensor(getattr(each, "shift", each)).sum() for each in pytree.tree_leaves((extra, more)))
        shift = torch.as_tensor(shift).nan_to_num() + self.shift
        loc = self.net(y.to(self.net[3].weight.dtype).unsqueeze(-1)).squeeze(-1)
        with virgil.plate("data", len(y)):
            virgil.sample("y", dist.Normal(z + loc + shift, spread), obs=y)

    def guide(self, y, *extra, **more):
        virgil.sample("z", dist.Normal(virgil.param("loc", torch.tensor(0.5)), 0.5))

    def other_guide(self, y, *extra, **more):
        virgil.sample("z", dist.Normal(virgil.param("loc", torch.tensor(0.5)), 2.0))

    @property
    def steps(self):
        return self.svi.session.compiled("xla")

    @property
    def group(self):
        return self.svi.optim.torch_optimizer.param_groups[0]

    def run(self, num_steps=2):
        with self.around:
            self.svi.run(num_steps, *self.args, engine="xla", progress=False, **self.kwargs)

    def assert_present(self):
        """The step that is kept for these arguments computes what the program does."""
        with self.around:
            step = self.steps.find(self.args, self.kwargs)
            step.load()
            inputs = [*arguments(self.args, self.kwargs).tensors, *self.steps.rates()]
            course = step.advance(Inputs(dict(enumerate(inputs)), {}), 7, 0, 1)
            with unmarked():
                seed_torch(7)
                expected = self.svi.differentiable_loss(*self.args, **self.kwargs)
        torch.testing.assert_close(course.losses[0], expected.detach().to(course.losses.dtype), rtol=1e-4, atol=1e-4)


def begun(*args, **kwargs):
    case = Case(*args, **kwargs)
    case.svi.step(*case.args)
    case.run()
    assert case.steps.captures == 1
    return case
