"""The thread's LDA program, at its sizes: what runs, and what is an error."""

from __future__ import annotations

import functools
import math

import pytest
import torch
from torch import nn

import virgil as pyro
import virgil.distributions as dist
from tests.seeds import lda_program as program
from virgil.errors import MismatchError, SupportError
from virgil.infer import SVI, TraceEnum_ELBO

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def args():
    return program.parser.parse_args([])


@pytest.fixture(scope="module")
def drawn(args):
    """What the model draws: the thread's main() begins so."""
    pyro.set_rng_seed(0)
    return program.model(args=args)


@pytest.fixture(scope="module")
def data(drawn):
    return drawn[2]


original = program.make_predictor


def corrected(args):
    """The thread's network with a softmax in place of its last sigmoid."""
    return nn.Sequential(*list(original(args))[:-1], nn.Softmax(-1))


def svi_of(guide):
    return SVI(program.model, guide, pyro.optim.Adam({"lr": 0.001}), TraceEnum_ELBO(max_plate_nesting=2))


def test_the_model_draws_documents_of_the_threads_size(drawn):
    weights, words, data = drawn
    assert weights.shape == (8,)
    assert words.shape == (8, 1024)
    assert data.shape == (64, 1000)
    assert data.min() >= 0
    assert data.max() < 1024


def test_the_sigmoid_network_is_an_error_that_names_site_value_and_cause(args):
    with pytest.raises(SupportError, match=r"'doc_topics' of the model.*outside the support of Dirichlet") as caught:
        program.main(args)
    assert caught.value.site == "doc_topics"
    # eight sigmoids of nearly 0 are nearly 1/2 each
    assert "32 of 32 do" in str(caught.value)
    assert float(str(caught.value).split("it sums to ")[1].split(",")[0]) == pytest.approx(4.0, abs=0.05)
    assert "Simplex()" in str(caught.value)


@pytest.mark.parametrize("options", [[], ["--jit"]])
def test_with_a_softmax_the_program_runs_to_its_end(options, monkeypatch):
    monkeypatch.setattr(program, "make_predictor", corrected)
    assert math.isfinite(program.main(program.parser.parse_args(options)))


def test_validate_args_false_is_honoured(args, data, monkeypatch):
    """With validate_args=False, as in four statements of the thread, nobody looks at what the sigmoid network gives."""

    class Unvalidated:
        Categorical, Gamma = dist.Categorical, dist.Gamma
        Dirichlet = staticmethod(functools.partial(dist.Dirichlet, validate_args=False))
        Delta = staticmethod(functools.partial(dist.Delta, validate_args=False))

    monkeypatch.setattr(program, "dist", Unvalidated)
    guide = functools.partial(program.parametrized_guide, program.make_predictor(args))
    assert math.isfinite(svi_of(guide).step(data, args=args, batch_size=32))


def test_a_guide_without_its_sample_statements_is_an_error(args, data, monkeypatch):
    """The thread: the code ran without any messages of any kind."""
    predictor = corrected(args)

    class WithoutSamples:
        param, module, plate = staticmethod(pyro.param), staticmethod(pyro.module), pyro.plate

        @staticmethod
        def sample(name, fn):
            return None

    def guide(data, args, batch_size=None):
        with monkeypatch.context() as patch:
            patch.setattr(program, "pyro", WithoutSamples)
            program.parametrized_guide(predictor, data, args, batch_size)

    with pytest.raises(MismatchError) as caught:
        svi_of(guide).step(data, args=args, batch_size=32)
    assert "'topic_weights'" in str(caught.value)
    assert "word_topics" not in str(caught.value), "this one is summed out, and the guide need not state it"


@pytest.mark.parametrize("left_out", ["topic_weights", "topic_words", "doc_topics"])
def test_each_missing_statement_is_named(args, data, left_out):
    guide = functools.partial(program.parametrized_guide, corrected(args))
    guide = pyro.poutine.block(guide, hide=[left_out])
    with pytest.raises(MismatchError, match=f"'{left_out}'"):
        svi_of(guide).step(data, args=args, batch_size=32)


def test_the_word_topics_are_summed_out_exactly(args, data):
    """Given the guide's draw, each word has the probability of the mixed topics, and mini-batches are scaled up."""
    guide = functools.partial(program.parametrized_guide, corrected(args))
    trace = pyro.poutine.trace(guide).get_trace(data, args=args, batch_size=32)
    fixed = pyro.poutine.replay(guide, trace=trace)
    loss = TraceEnum_ELBO(max_plate_nesting=2).loss(program.model, fixed, data, args=args, batch_size=32)

    weights, words, mix = (trace.nodes[name]["value"] for name in ("topic_weights", "topic_words", "doc_topics"))
    batch = trace.nodes["documents"]["value"]
    assert len(batch) == 32
    least = torch.finfo(torch.float32).eps  # torch takes no probability to be less
    words = words.clamp_min(least).double()
    log_words = torch.log((mix.double() @ words).gather(1, data[:, batch].T)).sum()
    log_mix = torch.distributions.Dirichlet(weights.double()).log_prob(mix.double()).sum()
    per_topic = [
        torch.distributions.Gamma(1 / 8, 1.0).log_prob(weights)
        - torch.distributions.Gamma(pyro.param("topic_weights_posterior"), 1.0).log_prob(weights),
        torch.distributions.Dirichlet(torch.ones(1024) / 1024).log_prob(trace.nodes["topic_words"]["value"])
        - torch.distributions.Dirichlet(pyro.param("topic_words_posterior")).log_prob(
            trace.nodes["topic_words"]["value"]
        ),
    ]
    expected = sum(each.double().sum() for each in per_topic) + 1000 / 32 * (log_mix + log_words)
    assert loss == pytest.approx(-expected.item(), rel=1e-5)


def test_both_of_the_threads_histograms_are_one(data):
    ones = torch.ones(data.shape)
    scattered = torch.zeros(1024, 1000).scatter_add_(0, data, ones)
    torch.testing.assert_close(torch.eye(1024)[data[:, :50]].sum(0).t(), scattered[:, :50])
