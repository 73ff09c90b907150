"""Digits of which few have labels: objective and bounds by quadrature, and the program from end to end."""

from __future__ import annotations

import math

import pytest
import torch
from numpy.polynomial.hermite_e import hermegauss

import virgil
import virgil.distributions as dist
from virgil.examples import ssvae
from virgil.examples.data import digits
from virgil.examples.reports.ssvae import Answer, accuracy, confusion, report
from virgil.examples.reports.vae import log_frequencies
from virgil.examples.ssvae_baselines import logistic_regression, network_alone
from virgil.infer import Trace_ELBO, TraceEnum_ELBO

pytestmark = pytest.mark.long


BEYOND = 4.9  # standard errors that a mean is off with a probability below 1e-6


@pytest.fixture(scope="module")
def data():
    return digits.load()


@pytest.fixture
def small(data, monkeypatch):
    """An autoencoder with one coordinate of style, not yet fitted, whose classifier is sure of itself; six images."""
    monkeypatch.setattr(ssvae, "STYLE", 1)
    virgil.set_rng_seed(0)
    autoencoder = ssvae.SSVAE()
    with torch.no_grad():
        autoencoder.classifier[-1].weight *= 5.0
    return autoencoder, data[1].images[:6], data[1].labels[:6]


def log_joint(autoencoder, images, digit, style):
    """``log p(image, digit, style)``. Shape: that of ``digit`` and ``style`` without its last dim, which broadcast."""
    prior = dist.Normal(0.0, 1.0).log_prob(style).sum(-1) - math.log(10)
    return prior + autoencoder.pixels(digit, style).log_prob(images).sum(-1)


@torch.no_grad()
def label_bounds(autoencoder, images):
    """The ELBO of each image with each label, by Gauss and Hermite's rule over the style. Shape: (10, images)."""
    nodes, weights = (torch.from_numpy(each).float() for each in hermegauss(60))
    digit = torch.arange(10)[:, None].expand(10, len(images))
    styles = autoencoder.styles(images, digit)
    style = styles.mean + styles.stddev * nodes[:, None, None, None]  # (nodes, 10, images, 1)
    costs = log_joint(autoencoder, images, digit, style) - styles.log_prob(style).sum(-1)
    return (weights[:, None, None] * costs).sum(0) / weights.sum()


@torch.no_grad()
def image_bounds(autoencoder, images):
    """The ELBO of each image without label: the sum over digits, written out. Shape: (images,)."""
    probs = autoencoder.digits(images).probs.T
    return (probs * (label_bounds(autoencoder, images) - probs.log())).sum(0)


@torch.no_grad()
def log_evidence(autoencoder, images):
    """``log p(image)``, the integral over the style by the rectangle rule. Shape: (images,)."""
    style = torch.linspace(-8.0, 8.0, 2001)[:, None, None, None]
    digit = torch.arange(10)[:, None].expand(10, len(images))
    return log_joint(autoencoder, images, digit, style).logsumexp((0, 1)) + math.log(16.0 / 2000)


def assert_mean(estimates, expected):
    estimates = torch.tensor(estimates, dtype=torch.double)
    error = estimates.std().item() / math.sqrt(len(estimates))
    assert estimates.mean().item() == pytest.approx(expected, abs=BEYOND * error + 1e-6 * abs(expected))


def test_without_labels_the_bound_is_the_sum_over_the_ten_digits(small):
    autoencoder, images, _ = small
    estimates = [ssvae.bound(autoencoder, images, particles=50) for _ in range(40)]
    assert_mean(estimates, image_bounds(autoencoder, images).mean().item())


def test_with_labels_the_bound_is_that_of_the_digits_given(small):
    autoencoder, images, labels = small
    estimates = [ssvae.bound(autoencoder, images, labels, particles=50) for _ in range(40)]
    assert_mean(estimates, label_bounds(autoencoder, images)[labels, torch.arange(6)].mean().item())


def test_with_labels_the_model_is_the_one_without_conditioned_on_its_digits(small):
    autoencoder, images, labels = small
    conditioned = virgil.condition(autoencoder.model, {"unlabelled_digit": labels})

    def guide(images):
        with virgil.plate("unlabelled", len(images)):
            virgil.sample("unlabelled_style", autoencoder.styles(images, labels).to_event(1))

    virgil.set_rng_seed(1)
    by_hand = -Trace_ELBO().loss(conditioned, guide, images) / len(images)
    virgil.set_rng_seed(1)
    assert ssvae.bound(autoencoder, images, labels, particles=1) == pytest.approx(by_hand, rel=1e-6)


def test_the_bounds_are_below_the_evidence_by_the_guides_divergence(small):
    """The best classifier gives each digit in proportion to the exponential of its bound; any other loses by it."""
    autoencoder, images, _ = small
    by_label, evidence = label_bounds(autoencoder, images), log_evidence(autoencoder, images)
    assert (image_bounds(autoencoder, images) < evidence).all()
    assert (by_label.logsumexp(0) < evidence).all()
    best = by_label.softmax(0).log()
    probs = autoencoder.digits(images).probs.T
    divergence = (probs * (probs.log() - best)).sum(0)
    expected = by_label.logsumexp(0) - divergence
    torch.testing.assert_close(image_bounds(autoencoder, images), expected.detach(), rtol=1e-5, atol=1e-3)


def test_the_objective_counts_each_image_once_and_the_classifiers_term_by_its_weight(small, data, monkeypatch):
    autoencoder = small[0]
    monkeypatch.setattr(ssvae, "BATCH", 8)
    part = digits.Digits(data[0].images[:200], data[0].labels[:200])
    images = ssvae.withhold(part, 20)
    images = ssvae.Images(images.unlabelled[:40], images.labelled)
    seen, labels = images.labelled
    with torch.no_grad():
        term = 3.0 * 60 * autoencoder.digits(seen).log_prob(labels).mean().item()
    known = label_bounds(autoencoder, seen)[labels, torch.arange(20)].sum().item()
    expected = image_bounds(autoencoder, images.unlabelled).sum().item() + known + term
    elbo = TraceEnum_ELBO()
    losses = [elbo.loss(autoencoder.model_of_all, autoencoder.guide_of_all, images) for _ in range(400)]
    assert_mean([-loss for loss in losses], expected)


def test_the_weight_enters_the_classifiers_term_alone(small, data, monkeypatch):
    autoencoder, images = small[0], ssvae.withhold(data[0], 50)
    losses = []
    for alpha in (1.0, 3.0):
        monkeypatch.setattr(ssvae, "ALPHA", alpha)
        virgil.set_rng_seed(0)
        losses.append(TraceEnum_ELBO().loss(autoencoder.model_of_all, autoencoder.guide_of_all, images))
    with torch.no_grad():
        mean = autoencoder.digits(images.labelled.images).log_prob(images.labelled.labels).mean().item()
    assert losses[0] - losses[1] == pytest.approx(2.0 * 1437 * mean, rel=1e-3)


def test_labels_are_withheld_from_all_but_as_many_images_of_each_digit(data):
    train, _ = data
    few, more = ssvae.withhold(train, 50), ssvae.withhold(train, 100)
    for images, each in ((few, 5), (more, 10)):
        assert images.labelled.labels.bincount().tolist() == [each] * 10
        assert images.size == len(train.labels) == 1437
        together = torch.cat([images.unlabelled, images.labelled.images])
        assert len(together.unique(dim=0)) == 1437, "every image is in one part, and in one alone"
        assert {tuple(row.tolist()) for row in together} == {tuple(row.tolist()) for row in train.images}
        of = {tuple(row.tolist()): int(label) for row, label in zip(train.images, train.labels, strict=True)}
        assert [of[tuple(row.tolist())] for row in images.labelled.images] == images.labelled.labels.tolist()


@pytest.mark.thorough
def test_a_short_fit_reads_digits_and_beats_the_pixels_own_frequencies(data):
    virgil.set_rng_seed(0)
    train, (images, labels) = data
    before = ssvae.bound(ssvae.SSVAE(), images, particles=1)
    autoencoder = ssvae.fit(ssvae.withhold(train, 100), steps=100)
    bounds = ssvae.bound(autoencoder, images), ssvae.bound(autoencoder, images, labels)
    assert min(bounds) > log_frequencies(train.images, images) > before
    assert accuracy(ssvae.read(autoencoder, images), labels) > 0.8


def test_an_image_in_its_own_style_and_digit_is_its_reconstruction(small):
    autoencoder, images, _ = small
    with torch.no_grad():
        restyled, read = ssvae.restyled(autoencoder, images), ssvae.read(autoencoder, images)
        own = autoencoder.pixels(read, autoencoder.styles(images, read).mean).mean
    assert restyled.shape == (6, 10, 64)
    torch.testing.assert_close(restyled[torch.arange(6), read], own)


def test_the_baselines_read_what_they_have_learnt_and_much_of_what_they_have_not(data):
    virgil.set_rng_seed(0)
    labelled = ssvae.withhold(data[0], 100).labelled
    images, labels = data[1]
    for read in (logistic_regression, lambda *args: network_alone(*args, steps=200)):
        assert accuracy(read(labelled, labelled.images), labelled.labels) == 1.0
        assert accuracy(read(labelled, images), labels) > 0.85


def test_the_table_of_confusions_counts_labels_by_row_and_readings_by_column():
    read, labels = torch.tensor([1, 1, 9, 0]), torch.tensor([1, 7, 9, 0])
    expected = torch.zeros(10, 10, dtype=torch.long)
    expected[1, 1] = expected[7, 1] = expected[9, 9] = expected[0, 0] = 1
    assert torch.equal(confusion(read, labels), expected)
    assert accuracy(read, labels) == 0.75


def test_the_report_prints_the_shares_that_were_read_right(data, capsys):
    train, held_out = data
    labels = held_out.labels
    wrong = {name: labels.clone() for name in ("logistic regression", "network alone", "autoencoder")}
    for count, read in zip((36, 18, 9), wrong.values(), strict=True):
        read[:count] = (read[:count] + 1) % 10
    read = wrong.pop("autoencoder")
    report([Answer(50, wrong, read, -90.123, -91.456, torch.zeros(360, 10, 64))], train, held_out)
    printed = capsys.readouterr().out
    assert [line.split() for line in printed.splitlines() if line.startswith("50")] == [
        ["50", "90.0%", "95.0%", "97.5%"],
        ["50", "-90.12", "-91.46"],
    ]
    assert f"{math.sqrt(0.975 * 0.025 / 360):.1%}" in printed
    assert f"{log_frequencies(train.images, held_out.images):.2f}" in printed


@pytest.mark.thorough
def test_the_program_prints_a_row_for_each_number_of_labels_and_draws(tmp_path, capsys):
    ssvae.main(steps=10, out=tmp_path / "pictures")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    counts = [words[0] for words in lines if len(words) == 4 and all(word.endswith("%") for word in words[1:])]
    assert counts == ["50", "100", "200"]
    assert (tmp_path / "pictures" / "ssvae.png").read_bytes().startswith(b"\x89PNG")
