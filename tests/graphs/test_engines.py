"""A captured step on a compiled engine is the eager step: exactly on the same noise, and in distribution."""

import jax
import pytest
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

import virgil
from tests.graphs.programs import ARGS, DEPENDENT, PAIRS
from virgil.engine.inductor.run import seed_of_step
from virgil.engine.runner import Inputs
from virgil.engine.xla.arrays import to_array, to_tensor
from virgil.engine.xla.interpret import interpret
from virgil.engine.xla.registry import LOWERINGS
from virgil.infer import SVI
from virgil.infer.density.dry_run import unmarked
from virgil.optim import zero_grads

pytestmark = pytest.mark.long


class Drawing(torch.fx.Interpreter):
    """Runs a graph in torch and keeps what its random operators drew."""

    def __init__(self, module):
        super().__init__(module)
        self.noise = {}

    def run_node(self, node):
        result = super().run_node(node)
        lowering = LOWERINGS.get(node.target)
        if lowering is not None and lowering.draws:
            self.noise[node.name] = result
        return result


def captured(name, engine="xla"):
    """An SVI after one step, and that step captured."""
    virgil.clear_param_store()
    virgil.set_rng_seed(0)
    model, guide, objective = PAIRS[name]()
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.01}), objective)
    svi.step(*ARGS)
    return svi, svi.session.compiled(engine).make(ARGS, {})


def assert_xla_gives_the_eager_step(svi, step, args):
    """On the same noise; takes the step."""
    program = step.runner.program
    state = [each.detach().clone() for each in step.state.tensors()]
    inputs = [*step.given.tensors, *svi.session.compiled("xla").rates()]
    virgil.set_rng_seed(1)
    drawing = Drawing(program.graph.module)
    drawing.boxed_run([*state, *inputs])
    virgil.set_rng_seed(1)
    loss = svi.step(*args)  # changes the state in place
    with jax.enable_x64(True):
        noise = {name: pytree.tree_map(to_array, each) for name, each in drawing.noise.items()}
        constants = {name: to_array(each) for name, each in program.constants.items()}
        given = [to_array(each) for each in (*state, *inputs)]
        outputs = jax.jit(lambda given: interpret(program.graph.graph, given, constants, jax.random.key(0), noise))(
            given
        )
    got = [to_tensor(each) for each in outputs]
    torch.testing.assert_close(got[program.num_state].item(), loss, rtol=1e-4, atol=1e-4)
    for after, expected in zip(got[: program.num_state], step.state.tensors(), strict=True):
        assert isinstance(after, Tensor)
        torch.testing.assert_close(after, expected.detach(), rtol=1e-3, atol=1e-4)


def _on_xla(name):
    """Programs with much to compile are left to ``make check-engines``."""
    others = [kind.__name__ for kind in DEPENDENT if kind.__name__ != "AutoPartialNonCentered"]
    is_left = (
        name.startswith(("reparameterisers", "AutoBatchedMultivariateNormal", "AutoAmortized", "complete", *others))
        or name == "AutoPartialNonCentered, TraceEnum_ELBO"
    )
    return pytest.param(name, marks=pytest.mark.every_engine) if is_left else name


@pytest.mark.parametrize("name", [_on_xla(name) for name in PAIRS])
def test_xla_gives_the_eager_step_on_the_same_noise(name):
    svi, step = captured(name)
    assert_xla_gives_the_eager_step(svi, step, ARGS)


# a compilation takes seconds: in `make check` each objective, each kind of gradient and each guide once
IN_EVERY_CHECK = {
    "pathwise, Trace_ELBO",
    "score function, TraceMeanField_ELBO",
    "mini-batches, Trace_ELBO",
    "guide that enumerates",
}


def on_inductor(names, in_every_check):
    """Runs a test for each of these names, for most of them only in ``make check-engines``."""
    every_engine = pytest.mark.every_engine
    cases = [name if name in in_every_check else pytest.param(name, marks=every_engine) for name in names]
    return lambda test: pytest.mark.parametrize("name", cases)(test)


def assert_inductor_gives_the_eager_step(svi, step, args):
    """On the numbers that torch draws; takes the step."""
    step.load()
    inputs = [*step.given.tensors, *svi.session.compiled("inductor").rates()]
    course = step.advance(Inputs(dict(enumerate(inputs)), {}), 1, 0, 1)
    torch.manual_seed(seed_of_step(1, 0))
    with unmarked():
        loss, leaves = svi.problem.gradients(args, {})
    norms = [torch.zeros(()) if each.grad is None else each.grad.norm() for each in leaves.values()]
    zero_grads(leaves.values())
    torch.manual_seed(seed_of_step(1, 0))
    svi.step(*args)  # changes the state in place
    torch.testing.assert_close(course.losses.item(), loss, rtol=1e-5, atol=1e-5)
    assert list(step.state.leaves) == list(leaves)
    torch.testing.assert_close(course.norms[0], torch.stack(norms), rtol=1e-4, atol=1e-5)
    for after, expected in zip(step.runner.state(), step.state.tensors(), strict=True):
        torch.testing.assert_close(after, expected.detach(), rtol=1e-4, atol=1e-6)


@on_inductor(PAIRS, IN_EVERY_CHECK)
def test_inductor_draws_the_numbers_of_the_eager_step(name):
    svi, step = captured(name, "inductor")
    assert_inductor_gives_the_eager_step(svi, step, ARGS)


def test_a_second_run_captures_nothing():
    svi, _ = captured("AutoNormal")
    for _ in range(3):
        svi.run(5, *ARGS, engine="xla")
    assert svi.session.compiled("xla").captures == 1


def _changed_option(svi):
    svi.optim.torch_optimizer.param_groups[0]["betas"] = (0.5, 0.9)


CHANGES = {
    "the number of particles": lambda svi: setattr(svi.objective, "num_particles", 2),
    "an option of the optimiser": _changed_option,
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_the_step_causes_one_capture(change):
    svi, _ = captured("AutoNormal")
    CHANGES[change](svi)
    for _ in range(2):
        svi.run(3, *ARGS, engine="xla")
    assert svi.session.compiled("xla").captures == 2


def test_arguments_of_another_kind_cause_one_capture_and_other_values_none():
    def model(y, offset=0.0, flag=False):
        mu = virgil.sample("mu", virgil.distributions.Normal(offset, 5.0))
        with virgil.plate("J", len(y)):
            virgil.sample("y", virgil.distributions.Normal(mu, 10.0 if flag else 5.0).to_event(y.dim() - 1), obs=y)

    guide = virgil.infer.autoguide.AutoNormal(model)
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.01}), virgil.infer.Trace_ELBO())
    y = ARGS[0]
    calls = [
        ((y,), {}, 1),
        ((y + 1,), {}, 1),  # other values
        ((y[:5],), {}, 2),  # another shape
        ((y.double(),), {}, 3),  # another dtype
        ((y,), {"offset": 1.0}, 4),  # another structure
        ((y,), {"offset": 2.0}, 5),  # another Python value
        ((y,), {"offset": torch.tensor(2.0)}, 6),  # a tensor instead
        ((y,), {"offset": torch.tensor(3.0)}, 6),
    ]
    svi.step(y)
    for args, kwargs, captures in calls:
        svi.run(2, *args, engine="xla", **kwargs)
        assert svi.session.compiled("xla").captures == captures, (args, kwargs)


def test_train_and_eval_are_two_programs():
    model, guide, objective = PAIRS["network"]()
    network = guide.__self__
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.01}), objective)
    svi.step(*ARGS)
    for training, captures in ((True, 1), (False, 2), (True, 2)):
        network.encoder.train(training)
        before = network.encoder[2].running_mean.clone()
        svi.run(3, *ARGS, engine="xla")
        assert svi.session.compiled("xla").captures == captures
        assert torch.equal(network.encoder[2].running_mean, before) is not training


def test_steps_and_runs_on_any_engine_may_alternate():
    svi, _ = captured("AutoNormal")
    counts = []
    for engine in ("xla", "eager", "xla"):
        svi.run(4, *ARGS, engine=engine)
        counts.append(float(next(iter(svi.optim.torch_optimizer.state.values()))["step"]))
        svi.step(*ARGS)
    assert counts == [5, 10, 15]


@pytest.mark.parametrize("engine", ["xla"])
def test_a_run_is_reproducible_from_the_seed(engine):
    fits = []
    for seed in (1, 1, 2):
        virgil.clear_param_store()
        virgil.set_rng_seed(seed)
        model, guide, objective = PAIRS["AutoNormal"]()
        fits.append(SVI(model, guide, virgil.optim.Adam({"lr": 0.01}), objective).run(20, *ARGS, engine=engine))
    assert torch.equal(fits[0].losses, fits[1].losses)
    assert not torch.equal(fits[0].losses, fits[2].losses)
