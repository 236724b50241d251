"""The linear preview of latents, against scikit-learn and against the eye's standard: colours in their places."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.linear_model import LinearRegression

from tutorial import weights
from tutorial.diffusion.preview import PIXELS, REACH, explained_variance, fit_preview, load, preview
from tutorial.training.evaluate import real


def test_no_linear_map_of_the_neighbourhood_does_better():
    """Written out position by position, and fitted by scikit-learn."""
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(20, 4, 8, 8, generator=generator)
    x = torch.rand(20, 3, 64, 64, generator=generator) - 0.5
    margin, side = REACH // 2, 64 // (8 * PIXELS)
    padded = np.pad(z.numpy(), [(0, 0), (0, 0), (margin, margin), (margin, margin)], mode="edge")
    small = x.reshape(20, 3, 8 * PIXELS, side, 8 * PIXELS, side).mean((3, 5)).numpy()
    places = [(n, i, j) for n in range(20) for i in range(8) for j in range(8)]
    seen = np.stack([padded[n, :, i : i + REACH, j : j + REACH].ravel() for n, i, j in places])
    block = [slice(k * PIXELS, (k + 1) * PIXELS) for k in range(8)]
    wanted = np.stack([small[n, :, block[i], block[j]].ravel() for n, i, j in places])
    expected = LinearRegression().fit(seen, wanted).predict(seen)
    ours = preview(z, fit_preview(z, x)).numpy()
    got = np.stack([ours[n, :, block[i], block[j]].ravel() for n, i, j in places])
    assert np.abs(got - expected.clip(-1, 1)).max() < 1e-4


def test_the_shipped_map_explains_most_of_the_colours_of_fresh_critters():
    autoencoder = weights.load("autoencoder")
    card, fitted = weights.read_card("preview"), load(autoencoder.config.latent_channels)
    x = real(50, 800_000, training=True)
    with torch.no_grad():
        z = autoencoder.encode(x)[0] * autoencoder.config.scaling_factor
    explained = explained_variance(z, x, fitted)
    assert explained > card["explained_variance_of_fresh_critters"] - 0.05
    assert explained > 0.5
