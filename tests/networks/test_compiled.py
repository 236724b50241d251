"""The U-Net recorded for drawing against the one that is read, for any weights, batch, size and number of words."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import diffusers
import pytest
import torch
from torch import Tensor

from tests.exchange.test_folders import SD_SCHEDULER, pipeline
from tests.networks.test_stable_diffusion import randomize
from tutorial.diffusion import latent
from tutorial.diffusion.guidance import guided
from tutorial.diffusion.latent import as_denoiser
from tutorial.exchange import from_diffusers
from tutorial.networks.blocks import channels_last, private
from tutorial.networks.compiled import CompiledUNet
from tutorial.networks.unet import UNet, UNetConfig

pytestmark = pytest.mark.usefixtures("one_thread")
MINIATURE = UNetConfig(channels=(64, 128), attention=(True, True), layers=1, context=128, heads=4)
THREE_LEVELS = UNetConfig(
    channels=(32, 64, 64), attention=(True, True, False), layers=2, context=24, heads=8, groups=16
)
SIZES = [(1, 8, 8, 7), (2, 8, 8, 48), (5, 8, 12, 3), (3, 32, 16, 1), (8, 16, 16, 48), (1, 4, 4, 2)]
"""Batch, height, width, words."""


def random(config: UNetConfig) -> UNet:
    """As it is made: with parameters that can be trained."""
    network = UNet(config)
    randomize(network)
    return network


def from_their_folder(folder: Path) -> UNet:
    pipeline(diffusers.DDIMScheduler(**SD_SCHEDULER)).save_pretrained(folder)
    return from_diffusers(folder).unet


@pytest.fixture(params=["random", "channels last", "three levels", "shipped", "from diffusers"])
def unet(request, tmp_path) -> UNet:
    return {
        "random": lambda: random(MINIATURE),
        "channels last": lambda: channels_last(random(MINIATURE)),
        "three levels": lambda: random(THREE_LEVELS),
        "shipped": lambda: latent.load().unet,
        "from diffusers": lambda: from_their_folder(tmp_path),
    }[request.param]()


def call(unet: UNet, size: tuple[int, int, int, int], seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    batch, height, width, words = size
    x = torch.randn(batch, unet.config.latent_channels, height, width, generator=generator)
    t = torch.randint(0, 1000, (batch,), generator=generator)
    return x, t, torch.randn(batch, words, unet.config.context, generator=generator)


@torch.no_grad()
def asked(compiled: CompiledUNet, x: Tensor, t: Tensor, words: Tensor) -> Tensor:
    return compiled(x, t, compiled.look_up(words))


def off(answer: Tensor, right: Tensor) -> float:
    """The largest difference between two numbers of the same place, in units of the largest number."""
    return ((answer - right).abs().max() / right.abs().max()).item()


@torch.no_grad()
def test_it_answers_as_the_readable_one(unet):
    compiled = CompiledUNet(unet)
    for size in SIZES:
        x, t, words = call(unet, size)
        assert off(asked(compiled, x, t, words), unet(x, t, words)) < 1e-5, size


@torch.no_grad()
def test_rounding_takes_it_no_further_from_the_exact_answer_than_the_readable_one():
    """Which is that of the same network in 64 bits."""
    unet = random(MINIATURE)
    exact, compiled = deepcopy(unet).double(), CompiledUNet(unet)
    for seed in range(4):
        x, t, words = call(unet, SIZES[1], seed)
        right = exact(x.double(), t, words.double())
        assert off(asked(compiled, x, t, words), right) < 3 * off(unet(x, t, words), right) + 1e-7


def test_the_network_stays_as_it_was(unet):
    """Its names, its very tensors, its layers: it may be trained, looked into and saved as ever."""
    tensors = {name: (value.data_ptr(), value.clone()) for name, value in unet.state_dict().items()}
    kinds = [type(layer) for layer in unet.modules()]
    x, t, words = call(unet, SIZES[0])
    asked(CompiledUNet(unet), x, t, words)
    assert {name: value.data_ptr() for name, value in unet.state_dict().items()} == {
        name: pointer for name, (pointer, _) in tensors.items()
    }
    assert all(torch.equal(value, tensors[name][1]) for name, value in unet.state_dict().items())
    assert [type(layer) for layer in unet.modules()] == kinds
    unet.requires_grad_(True)(x, t, words).square().sum().backward()
    assert all(parameter.grad is not None for parameter in unet.parameters())


def test_its_answers_are_tensors_like_any_other():
    """Those of inference mode may not be changed in place outside of it, nor be part of what is differentiated."""
    unet = random(MINIATURE)
    answer = asked(CompiledUNet(unet), *call(unet, SIZES[0]))
    scale = torch.ones((), requires_grad=True)
    (answer.add_(1) * scale).sum().backward()
    assert scale.grad == pytest.approx(answer.sum().item(), rel=1e-4)


def test_many_may_ask_at_once_with_batches_of_their_own_and_it_is_recorded_once(monkeypatch):
    recorded, trace = [], torch.jit.trace
    monkeypatch.setattr(torch.jit, "trace", lambda *given, **how: recorded.append(0) or trace(*given, **how))
    unet = random(MINIATURE)
    compiled = CompiledUNet(unet)
    assert not recorded  # whoever loads it need not wait
    calls = [call(unet, SIZES[k % 3], seed=k) for k in range(18)]
    expected = [unet(*each).detach() for each in calls]
    with ThreadPoolExecutor(6) as pool:
        for answer, right in zip(pool.map(lambda each: asked(compiled, *each), calls), expected, strict=True):
            assert off(answer, right) < 1e-5
    assert len(recorded) == 1


@torch.no_grad()
def test_words_are_looked_up_once_for_all_steps_and_again_for_other_words(monkeypatch):
    unet, looked_up, look_up = random(MINIATURE), [], CompiledUNet.look_up

    def counted(self, words: Tensor) -> Tensor:
        looked_up.append(len(words))
        return look_up(self, words)

    monkeypatch.setattr(CompiledUNet, "look_up", counted)
    x, t, words = call(unet, SIZES[1])
    null = torch.zeros(1, *words.shape[1:])
    denoise = guided(as_denoiser(CompiledUNet(unet).drawing()), null, 3.0)
    readable = guided(as_denoiser(unet), null, 3.0)
    for step in range(3):
        assert off(denoise(x - step, t, words), readable(x - step, t, words)) < 1e-4
    assert looked_up == [4]
    words[0, 0, 0] += 1  # the same tensor, with other words in it
    assert off(denoise(x, t, words), readable(x, t, words)) < 1e-4
    assert off(denoise(x[:1], t[:1], words[:1]), readable(x[:1], t[:1], words[:1])) < 1e-4
    assert looked_up == [4, 4, 2]


def test_threads_that_share_a_drawing_never_get_the_words_of_another():
    unet = random(MINIATURE)
    ask = torch.no_grad()(CompiledUNet(unet).drawing())
    calls = [call(unet, SIZES[1], seed=k) for k in range(4)]
    expected = [unet(*each).detach() for each in calls]
    with ThreadPoolExecutor(4) as pool:
        for k, answer in enumerate(pool.map(lambda k: ask(*calls[k % 4]), range(40))):
            assert off(answer, expected[k % 4]) < 1e-5


@pytest.mark.parametrize("sampler", ["ddim", "dpm_solver_pp_2m"])
@pytest.mark.parametrize("side", [8, 16])
def test_pictures_are_those_of_the_readable_network(sampler, side):
    model = replace(latent.load(), side=side)
    settings = {"sampler": sampler, "guidance": 5.0, "steps": 10, "n": 2, "negative": "a hat"}
    drawn, readable = (each.draw("a blue one", **settings) for each in (model, replace(model, compiled=None)))
    assert (drawn - readable).abs().max() < 2 / 255  # of a range of 2: one level of 256


def test_hooks_are_met_by_whoever_asks_a_copy_of_the_readable_one():
    """Replaying meets none, so a model with another U-Net than was recorded passes the recording over."""
    model, met = latent.load(), []
    looked_into = private(model.unet)
    for network in (model.unet, looked_into):
        network.register_forward_hook(lambda layer, *_: met.append(layer))
    model.draw("a blue one", steps=1)
    assert met == []
    replace(model, unet=looked_into).draw("a blue one", steps=2)
    assert met == [looked_into, looked_into]
