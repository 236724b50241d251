"""Generator and discriminator of digits: shapes, sizes, and what an output depends on."""

from __future__ import annotations

import torch

from tutorial import weights
from tutorial.gans.digits import load
from tutorial.networks.blocks import parameter_count
from tutorial.networks.digit_gan import (
    DigitDiscriminator,
    DigitDiscriminatorConfig,
    DigitGenerator,
    DigitGeneratorConfig,
    pixel_norm,
)

SMALL = DigitGeneratorConfig(noise=6, embedding=3, width=4)


def small() -> DigitGenerator:
    torch.manual_seed(0)
    return DigitGenerator(SMALL).requires_grad_(False)


def test_noise_and_a_class_become_a_digit():
    x = small()(10 * torch.randn(5, 6), torch.arange(5))
    assert x.shape == (5, 1, 28, 28)
    assert x.abs().max() <= 1


def test_they_have_the_parameters_of_their_layers():
    """Counted by hand."""
    embedding, first = 10 * 3, (6 + 3 + 1) * 7 * 7 * 8
    assert parameter_count(small()) == embedding + first + (8 * 4 * 16 + 4) + (4 * 16 + 1)
    w = 2
    convolutions = (16 + 1) * w + (16 * w + 1) * 2 * w + (9 * 2 * w + 1) * 4 * w
    head = (4 * w * 16 + 1) * 4 * w + (4 * w + 1) + 10 * 4 * w
    assert parameter_count(DigitDiscriminator(DigitDiscriminatorConfig(width=w))) == convolutions + head


def test_no_fake_depends_on_the_others_of_its_batch():
    generator, z, y = small(), torch.randn(4, 6), torch.tensor([3, 1, 4, 1])
    alone = torch.cat([generator(z[k : k + 1], y[k : k + 1]) for k in range(4)])
    assert torch.allclose(generator(z, y), alone, atol=1e-6)


def test_pixels_are_normalised_over_their_channels():
    x = pixel_norm(torch.randn(2, 16, 5, 3) * 30)
    assert torch.allclose(x.square().mean(1), torch.ones(2, 5, 3), atol=1e-4)


def test_a_class_is_projected_on_what_a_picture_has():
    """Logits are linear in the classes' vectors (Miyato & Koyama 2018, eq. 3): without them, all classes are alike, and
    with the mean of two vectors the logit is the mean of two logits."""
    torch.manual_seed(0)
    critic = DigitDiscriminator(DigitDiscriminatorConfig(width=2)).requires_grad_(False)
    x = torch.rand(6, 1, 28, 28) * 2 - 1

    def says(k: int) -> torch.Tensor:
        return critic(x, torch.full((6,), k))

    one, other = says(1), says(2)
    assert not torch.allclose(one, other)
    critic.classes.weight[3] = (critic.classes.weight[1] + critic.classes.weight[2]) / 2
    assert torch.allclose(says(3), (one + other) / 2, atol=1e-6)
    critic.classes.weight.zero_()
    assert torch.equal(says(1), says(2))


def test_what_ships_is_small_and_says_how_it_was_made():
    assert load().config == DigitGeneratorConfig()
    assert weights.tensors_file("digit_gan").stat().st_size < 4_000_000
    card = weights.read_card("digit_gan", needs=("measured",))
    assert card["command"].endswith("python -m tutorial.training.digit_gan --run healthy")
    assert card["measured"]["command"] == "python -m tutorial.training.evaluate_digit_gan --card"
