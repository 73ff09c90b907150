"""Classifiers that learn from labelled images alone."""

from __future__ import annotations

import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from virgil.examples.data.digits import INK, PIXELS, Digits
from virgil.examples.data.scikit_learn import scikit_learn
from virgil.examples.vae_networks import network
from virgil.infer import SVI, Trace_ELBO
from virgil.params import ParamStore

__all__ = ["logistic_regression", "network_alone"]


def logistic_regression(labelled: Digits, images: Tensor) -> Tensor:
    """The digits of images by scikit-learn's, with the penalty that it has unless told otherwise."""
    regression = scikit_learn("linear_model").LogisticRegression(max_iter=1000)
    regression.fit(labelled.images.numpy() / INK, labelled.labels.numpy())
    return torch.from_numpy(regression.predict(images.numpy() / INK))


def network_alone(labelled: Digits, images: Tensor, steps: int) -> Tensor:
    """The digits of images by a network, at the parameters that make the labels most probable.

    A model with nothing latent, and a guide that states nothing: then the ELBO is the log-probability of the labels.
    """
    classifier = network(PIXELS, 10)

    def model(digits: Digits) -> None:
        virgil.module("classifier", classifier)
        with virgil.plate("images", len(digits.labels)):
            virgil.sample("label", dist.Categorical(logits=classifier(digits.images / INK)), obs=digits.labels)

    def guide(digits: Digits) -> None:
        pass

    optim = virgil.optim.ClippedAdam({"lr": 5e-3, "lrd": 0.03 ** (1 / steps)})
    with ParamStore():
        SVI(model, guide, optim, Trace_ELBO()).run(steps, labelled)
    with torch.no_grad():
        read: Tensor = classifier(images / INK).argmax(-1)
    return read
