"""The deep Markov model: densities step by step, the guide's reading, annealing, scores, and the program."""

from __future__ import annotations

import math

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.examples import dmm, dmm_baselines, dmm_scores
from virgil.examples.data.chorales import Chorales, load
from virgil.examples.dmm_model import Guide, Model
from virgil.examples.dmm_networks import READ, STATE, Reader
from virgil.examples.dmm_path import Path
from virgil.infer import SVI, Trace_ELBO
from virgil.params import ParamStore

pytestmark = pytest.mark.long


BEYOND = 4.9  # standard errors that a mean is off with a probability below 1e-6


@pytest.fixture
def small():
    """Networks not yet fitted, and three short chorales of different lengths, drawn."""
    virgil.set_rng_seed(0)
    lengths = torch.tensor([5, 3, 4])
    notes = (torch.rand(3, 5, 88) < 0.1).float()
    notes = notes * Chorales(notes, lengths).played[..., None]
    return Model(), Guide(), Chorales(notes, lengths)


def ahead(before, _):
    """A step that halves a value and adds noise of sd 1."""
    return dist.Normal(before / 2, torch.ones_like(before))


def test_the_density_of_a_path_is_the_sum_over_the_steps_that_count():
    z, first = torch.randn(4, 3, 2), torch.tensor([1.0, -1.0])
    played = torch.tensor([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]]).bool()
    expected = torch.zeros(4)
    for path in range(4):
        for step in range(3):
            before = z[path, step - 1] if step else first
            expected[path] += played[path, step] * dist.Normal(before / 2, 1.0).log_prob(z[path, step]).sum()
    torch.testing.assert_close(Path(ahead, first, played).log_prob(z), expected)


def test_the_draws_of_a_path_have_the_moments_of_the_chain():
    """Mean ``first / 2^t``, and variances and covariances of an autoregression with coefficient a half."""
    count = 40_000
    virgil.set_rng_seed(0)
    z = Path(ahead, torch.tensor([2.0]), torch.ones(count, 3).bool()).rsample()[..., 0]
    variances = torch.tensor([1.0, 1.25, 1.3125])
    covariance = torch.tensor([[1.0, 0.5, 0.25], [0.5, 1.25, 0.625], [0.25, 0.625, 1.3125]])
    errors = (variances / count).sqrt()
    assert ((z.mean(0) - torch.tensor([1.0, 0.5, 0.25])).abs() < BEYOND * errors).all()
    # an estimated covariance of normal variables has the variance (v_i v_j + c_ij²) / count
    spread = ((variances[:, None] * variances + covariance**2) / count).sqrt()
    assert ((torch.cov(z.T) - covariance).abs() < BEYOND * spread).all()


def test_a_draw_of_a_path_has_a_derivative():
    first = torch.tensor([2.0], requires_grad=True)
    Path(ahead, first, torch.ones(1, 3).bool()).rsample()[0, 2].sum().backward()
    assert first.grad.item() == pytest.approx(1 / 8)


def test_the_reader_knows_of_each_step_what_follows_within_the_length_and_no_more():
    virgil.set_rng_seed(0)
    reader, lengths = Reader(), torch.tensor([4, 2])
    notes = torch.rand(2, 5, 88, requires_grad=True)
    for sequence, length in enumerate(lengths.tolist()):
        for step in range(length):
            read = reader(notes, lengths)[sequence, step].sum()
            (gradient,) = torch.autograd.grad(read, notes)
            reaches = (gradient.abs().sum(-1) > 0).nonzero().tolist()
            assert reaches == [[sequence, later] for later in range(step, length)]
    assert reader(notes, lengths).shape == (2, 5, READ)


def test_the_bound_is_that_of_the_loop_over_steps_whatever_the_padding(small):
    model, guide, chorales = small
    longer = Chorales(torch.nn.functional.pad(chorales.notes, (0, 0, 0, 3)), chorales.lengths)
    drawn = poutine.trace(guide).get_trace(*longer)
    z, read = drawn.nodes["z"]["value"], guide.reader(*chorales)
    expected = 0.0
    for path, length in enumerate(chorales.lengths.tolist()):
        for step in range(length):
            before = z[path, step - 1] if step else None
            prior = model.transition(model.transition.first if before is None else before)
            posterior = guide.combiner(guide.combiner.first if before is None else before, read[path, step])
            now = z[path, step]
            expected += prior.log_prob(now).sum() - posterior.log_prob(now).sum()
            expected += dist.Bernoulli(logits=model.emitter(now)).log_prob(chorales.notes[path, step]).sum()
    loss = Trace_ELBO().loss(model, poutine.replay(guide, trace=drawn), *longer)
    assert -loss == pytest.approx(expected.item(), rel=1e-5)


def test_annealing_weighs_the_path_alone(small):
    model, guide, chorales = small

    def loss(annealing):
        virgil.set_rng_seed(1)
        return Trace_ELBO().loss(model, guide, *chorales, torch.tensor(annealing))

    trace = poutine.trace(guide).get_trace(*chorales)
    notes = poutine.trace(poutine.replay(model, trace=trace)).get_trace(*chorales).nodes["notes"]
    half, whole, twice = loss(0.5), loss(1.0), loss(2.0)
    assert twice - whole == pytest.approx(2 * (whole - half), rel=1e-3)
    assert 2 * half - whole > 0, "what is left at 0 is minus the log-probability of the notes"
    assert notes["scale"] == 1.0


def sure(guide):
    """Make a guide's sds tiny, so that the bound hardly depends on the draw."""
    with torch.no_grad():
        guide.combiner.scale.weight.zero_()
        guide.combiner.scale.bias.fill_(-12.0)


@pytest.mark.parametrize("engine", ["eager", "xla"])
def test_in_one_run_every_step_has_its_own_annealing(small, engine):
    """The rate is so small that nothing is learnt, and the guide draws hardly anything: losses are known beforehand."""
    model, guide, chorales = small
    sure(guide)
    weights = [0.1, 1.0, 0.3, 0.7]
    data = [(*chorales, torch.tensor(weight)) for weight in weights]
    expected = [Trace_ELBO(num_particles=500).loss(model, guide, *batch) for batch in data]
    with ParamStore():
        svi = SVI(model, guide, virgil.optim.ClippedAdam({"lr": 1e-12}), Trace_ELBO())
        losses = svi.run(epochs=1, data=data, engine=engine).losses.tolist()
    # the log-density of 12 steps of a normal state has an sd of the root of half the number of coordinates
    assert losses == [
        pytest.approx(e, abs=BEYOND * w * math.sqrt(6 * STATE)) for e, w in zip(expected, weights, strict=True)
    ]
    assert losses[1] > losses[3] > losses[2] > losses[0]


def test_mini_batches_are_as_many_as_steps_and_anneal_up_to_one():
    chorales = Chorales(torch.zeros(50, 4, 88), torch.full((50,), 4))
    batches = list(dmm.Batches(chorales, 20))
    assert len(batches) == len(dmm.Batches(chorales, 20)) == 20
    assert {tuple(notes.shape) for notes, _, _ in batches} == {(dmm.BATCH, 4, 88)}
    weights = [weight.item() for _, _, weight in batches]
    assert weights[:3] == pytest.approx([0.1, 0.25, 0.4])
    assert weights[6:] == [1.0] * 14


def test_many_paths_bound_more_tightly_than_one(small):
    model, guide, chorales = small
    single = dmm.bound(model, guide, chorales, particles=300)
    assert dmm_scores.importance_bound(model, guide, chorales, draws=300) > single


def test_where_the_guide_is_the_models_own_paths_the_importance_bound_finds_the_evidence(small):
    """An emitter that ignores the state: the notes' probability is a product."""
    model, _, chorales = small
    with torch.no_grad():
        for layer in model.emitter:
            for leaf in layer.parameters():
                leaf.zero_()

    def paths(notes, lengths):
        transition, played = model.transition, Chorales(notes, lengths).played
        with virgil.plate("chorales", len(notes)):
            virgil.sample("z", Path(lambda before, _: transition(before), transition.first, played))

    bound = dmm_scores.importance_bound(model, paths, chorales, draws=3)
    assert bound == pytest.approx(-88 * math.log(2), rel=1e-5)


def test_predictions_depend_on_the_past_alone(small):
    model, guide, chorales = small
    notes = chorales.notes[0]
    changed = notes.clone()
    changed[3] = 1 - changed[3]
    before, after = [], []
    for each, kept in ((notes, before), (changed, after)):
        virgil.set_rng_seed(2)
        kept.append(dmm_scores.next_keys(model, guide, each).logits)
    differs = ((before[0] - after[0]).abs() > 1e-6).any(-1).any(0)
    assert differs.tolist() == [False, False, False, False, True]


def test_predictions_are_of_the_next_step_by_the_model(small):
    """The first quarter's state comes from the model's first value: its mean, over many draws, is had directly."""
    model, guide, chorales = small
    keys = dmm_scores.next_keys(model, guide, chorales.notes[0], draws=50, onward=200).probs[:, 0]
    with torch.no_grad():
        direct = model.emitter(model.transition(model.transition.first).sample((10_000,))).sigmoid()
    errors = (keys.var(0) / len(keys) + direct.var(0) / len(direct)).sqrt()
    assert ((keys.mean(0) - direct.mean(0)).abs() < 6 * errors).all()  # 88 keys, each beyond 6 with 2e-9


def test_the_frequencies_of_keys_are_counted_by_quarters():
    notes = torch.zeros(2, 3, 88)
    notes[0, :, 0] = 1.0
    train = Chorales(notes, torch.tensor([3, 2]))  # key 0 sounds in 3 of 5 quarters, no other at all
    held_out = Chorales(notes[:1], torch.tensor([3]))
    others = 87 * math.log(1 - 0.5 / 6)
    assert dmm_baselines.frequencies(train, held_out) == pytest.approx(math.log(3.5 / 6) + others, rel=1e-5)
    # after silence key 0 began once of 3 times, and after sounding it went on twice of twice
    expected = (math.log(1.5 / 4) + 2 * math.log(2.5 / 3)) / 3
    rest = 87 * math.log(1 - 0.5 / 6)
    assert dmm_baselines.transitions(train, held_out) == pytest.approx(expected + rest, rel=1e-5)


def test_a_hidden_markov_model_with_one_state_has_the_frequencies(monkeypatch):
    monkeypatch.setattr(dmm_baselines, "STATES", 1)
    virgil.set_rng_seed(0)
    notes = (torch.rand(20, 6, 88) < torch.linspace(0.1, 0.9, 88)).float()
    lengths = torch.randint(3, 7, (20,))
    chorales = Chorales(notes * Chorales(notes, lengths).played[..., None], lengths)
    fitted = dmm_baselines.hidden_markov(chorales, chorales, 300)
    probs = chorales.notes[chorales.played].mean(0)
    best = -dist.Bernoulli(probs).entropy().sum().item()  # the greatest likelihood of independent keys
    assert best - 0.1 < fitted < best + 1e-3


@pytest.mark.thorough
def test_the_program_prints_every_score_and_draws(tmp_path, capsys):
    split = load()
    dmm.main(steps=24, out=tmp_path / "pictures")
    printed = capsys.readouterr().out
    scores = {}
    for line in printed.splitlines():
        *name, score = line.split() or [""]
        if score.startswith("-"):
            scores[" ".join(name)] = float(score)
    assert len(scores) == 6
    assert scores["each key by its frequency"] == pytest.approx(
        dmm_baselines.frequencies(split.train, split.test), abs=0.006
    )
    assert scores["its importance-weighted bound"] > scores["deep Markov model, ELBO"] > -30.0
    assert (tmp_path / "pictures" / "dmm.png").read_bytes().startswith(b"\x89PNG")
