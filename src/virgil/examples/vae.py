"""A variational autoencoder of handwritten digits *(Kingma and Welling 2014)*.

The model draws a point of the plane for each image and turns it into an image by a network, the decoder. The guide is
amortised: instead of parameters for each image it has another network, the encoder, which reads the image and says
where on the plane its point lies. Both are learnt from mini-batches, and judged by images that were held out.

A pixel counts the inked points of a block of 16, so its distribution is one over 0, ..., 16: the bound is on the
probability of the data as they are, where black and white pixels would be a bound on something else, and grey ones as
weights of a Bernoulli distribution on nothing. The points of a block are not independent, since ink comes in strokes;
so it is no binomial distribution but a beta-binomial one, of which the decoder gives both numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import virgil
import virgil.distributions as dist
from virgil.examples.data.digits import INK, PIXELS, load
from virgil.examples.reports.vae import Bounds, draw, report
from virgil.examples.vae_evidence import log_evidence
from virgil.examples.vae_networks import network, normal, pixels
from virgil.infer import SVI, Trace_ELBO

__all__ = ["BATCH", "LATENT", "VAE", "bound", "fit", "main"]

LATENT = 2  # a plane, so that all of it can be drawn, and the evidence be had by quadrature
BATCH = 128  # images a step


class VAE(nn.Module):
    """The two networks, and the two programs that use them."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = network(PIXELS, 2 * LATENT)
        self.decoder = network(LATENT, 2 * PIXELS)

    def model(self, images: Tensor) -> None:
        """A point of the plane for each image, and the image that it gives."""
        virgil.module("decoder", self.decoder)
        with virgil.plate("images", len(images)):
            z = virgil.sample("z", dist.Normal(0.0, 1.0).expand([LATENT]).to_event(1))
            virgil.sample("image", self.pixels(z).to_event(1), obs=images)

    def guide(self, images: Tensor) -> None:
        """Where each image's point lies, as the encoder reads it off the image."""
        virgil.module("encoder", self.encoder)
        with virgil.plate("images", len(images)):
            virgil.sample("z", self.points(images).to_event(1))

    def pixels(self, z: Tensor) -> dist.BetaBinomial:
        """The distribution of each pixel, given the point. Shape: ``(*points, PIXELS)``."""
        return pixels(self.decoder(z))

    def points(self, images: Tensor) -> dist.Normal:
        """The distribution of each image's point, as far as the encoder knows. Shape: ``(*images, LATENT)``."""
        return normal(self.encoder(images / INK))


def bound(vae: VAE, images: Tensor, particles: int = 2) -> float:
    """The ELBO of these images, nats an image."""
    return -Trace_ELBO(num_particles=particles).loss(vae.model, vae.guide, images) / len(images)


def fit(vae: VAE, train: Tensor, held_out: Tensor, steps: int) -> list[Bounds]:
    """Learn both networks; returns the ELBO of both parts after each epoch, and after the last step."""
    loader = DataLoader(TensorDataset(train), batch_size=BATCH, shuffle=True)
    optim = virgil.optim.ClippedAdam({"lr": 3e-3, "lrd": 0.03 ** (1 / steps)})  # the rate falls to 0.03 of itself
    svi = SVI(vae.model, vae.guide, optim, Trace_ELBO())
    bounds = []
    for step, images in zip(range(1, steps + 1), _batches(loader), strict=False):
        svi.step(images)
        if step % len(loader) == 0 or step == steps:
            bounds.append(Bounds(step / len(loader), bound(vae, train), bound(vae, held_out)))
    return bounds


def _batches(loader: DataLoader[tuple[Tensor, ...]]) -> Iterator[Tensor]:
    """Mini-batches without end, epoch after epoch."""
    while True:
        for (images,) in loader:
            yield images


def main(steps: int = 1440, seed: int = 0, out: Path = Path("demo")) -> None:
    """Fit, print the held-out bound by epoch beside the evidence, draw bounds, plane and reconstructions."""
    virgil.clear_param_store()
    virgil.set_rng_seed(seed)
    train, held_out = load()
    vae = VAE()
    bounds = fit(vae, train.images, held_out.images, steps)
    with torch.no_grad():
        evidence = log_evidence(vae.pixels, held_out.images).mean().item()
        last = bound(vae, held_out.images, particles=100)
        points = vae.points(held_out.images).mean
        reconstructions = vae.pixels(points).mean
    report(bounds, train.images, held_out.images, last, evidence)
    draw(bounds, evidence, held_out, points, reconstructions, out / "vae.png")


if __name__ == "__main__":
    main()
