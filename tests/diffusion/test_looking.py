"""Where words are looked up, and what re-weighting one does, against attention written out by hand in float64."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tutorial.diffusion import latent, looking
from tutorial.diffusion.guidance import guided
from tutorial.diffusion.latent import as_denoiser
from tutorial.diffusion.looking import END, START, Word, by_side, recorded, token_weights, weighted, words
from tutorial.networks.unet import Attention, UNet, UNetConfig

CONFIG = UNetConfig(channels=(8, 16), attention=(True, True), layers=1, context=12, heads=2, groups=4)
TOKENS = 5
LAYERS = 7
PROMPT = "a blue one with a crown"


@pytest.fixture(scope="module")
def model() -> latent.LatentDiffusion:
    return latent.load()


@pytest.fixture(scope="module")
def tokenizer(model):
    return model.tokenizer


@pytest.fixture
def unet() -> UNet:
    """A small one in float64, none of whose layers starts silent."""
    torch.manual_seed(0)
    network = UNet(CONFIG).double().eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.2)
    return network


@pytest.fixture
def call():
    """What a U-Net is called with: two pictures, their time, and the words."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 4, 8, 8, generator=generator, dtype=torch.float64)
    return x, torch.tensor([300, 700]), torch.randn(2, TOKENS, 12, generator=generator, dtype=torch.float64)


def by_hand(layer: Attention, x, source, c):
    """(maps, output) of one picture's attention, head by head: x (N, C), source (M, S), columns of the map times c."""
    q, k, v = x @ layer.to_q.weight.T, source @ layer.to_k.weight.T, source @ layer.to_v.weight.T
    width = q.shape[1] // layer.heads
    maps, outputs = [], []
    for head in range(layer.heads):
        part = slice(head * width, (head + 1) * width)
        scores = torch.exp(q[:, part] @ k[:, part].T / math.sqrt(width))
        maps.append(scores / scores.sum(1, keepdim=True))
        outputs.append((maps[-1] * c) @ v[:, part])
    out = layer.to_out[0]
    return torch.stack(maps), torch.cat(outputs, 1) @ out.weight.T + out.bias


@torch.no_grad()
@pytest.mark.parametrize("c", [1.0, 0.0, -2.0, 3.5])
def test_a_layer_looks_up_and_answers_as_by_hand(unet, c):
    layer = unet.mid_block.attentions[0].transformer_blocks[0].attn2
    x, source = torch.randn(2, 16, 16, dtype=torch.float64), torch.randn(2, TOKENS, 12, dtype=torch.float64)
    weights = token_weights(TOKENS, [1, 3], c)
    with recorded(unet, 1) as maps, weighted(unet, weights, 1):
        output = layer(x, source)
    assert len(maps) == 1
    for row in range(2):
        expected, answer = by_hand(layer, x[row], source[row], weights.double())
        assert torch.allclose(maps[0][row], expected, atol=1e-12)
        assert torch.allclose(output[row], answer, atol=1e-12)


@torch.no_grad()
def test_a_word_at_zero_is_a_word_whose_row_of_the_values_is_gone(unet):
    """The map as it is, but without that column, times V without that row."""
    layer = unet.mid_block.attentions[0].transformer_blocks[0].attn2
    x, source = torch.randn(1, 16, 16, dtype=torch.float64), torch.randn(1, TOKENS, 12, dtype=torch.float64)
    with weighted(unet, token_weights(TOKENS, [2], 0), 1):
        output = layer(x, source)
    rest = [0, 1, 3, 4]
    maps, _ = by_hand(layer, x[0], source[0], 1)
    v = (source[0, rest] @ layer.to_v.weight.T).unflatten(1, (layer.heads, -1)).transpose(0, 1)
    answer = (maps[:, :, rest] @ v).transpose(0, 1).flatten(1) @ layer.to_out[0].weight.T + layer.to_out[0].bias
    assert torch.allclose(output[0], answer, atol=1e-12)


@torch.no_grad()
def test_every_row_of_every_map_sums_to_one_and_looking_changes_nothing(unet, call):
    plain = unet(*call)
    with recorded(unet, 1) as maps:
        assert torch.equal(unet(*call), plain)
    assert len(maps) == LAYERS
    for each in maps:
        assert each.shape[:2] == (2, 2)
        assert each.shape[3] == TOKENS
        assert torch.allclose(each.sum(3), torch.ones_like(each[..., 0]))
        assert each.min() >= 0
    assert {each.shape[2] for each in maps} == {64, 16}


@torch.no_grad()
@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_weight_one_changes_nothing_at_all_and_zero_does(unet, call, guidance):
    plain = unet(*call)
    with weighted(unet, token_weights(TOKENS, [2], 1), guidance):
        assert torch.equal(unet(*call), plain)
    with weighted(unet, token_weights(TOKENS, [2], 0), guidance):
        assert not torch.allclose(unet(*call), plain)


@torch.no_grad()
def test_guidance_without_the_prompt_asks_as_ever(unet, call):
    """Of a batch of both halves only the second is recorded and weighted; at guidance 0 there is none to be."""
    x, t, source = call
    null = torch.zeros(1, TOKENS, 12, dtype=torch.float64)
    weights = token_weights(TOKENS, [1], 0)
    denoise = as_denoiser(unet)
    without, towards = denoise(x, t, null.expand(2, -1, -1)), None
    with weighted(unet, weights, 1):
        towards = denoise(x, t, source)
    with weighted(unet, weights, 3), recorded(unet, 3) as maps:
        answer = guided(denoise, null, 3)(x, t, source)
    assert torch.allclose(answer, without + 3 * (towards - without), atol=1e-10)
    assert [len(each) for each in maps] == [2] * LAYERS
    with weighted(unet, weights, 0), recorded(unet, 0) as maps:
        assert torch.equal(guided(denoise, null, 0)(x, t, source), without)
    assert [len(each) for each in maps] == [0] * LAYERS


def hooks(unet) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in unet.modules())


def test_hooks_are_gone_afterwards_even_upon_an_error(unet):
    weights = token_weights(TOKENS, [1], 0)
    with recorded(unet), weighted(unet, weights):
        assert hooks(unet) == 2 * LAYERS
    assert hooks(unet) == 0
    with pytest.raises(RuntimeError), recorded(unet), weighted(unet, weights):
        raise RuntimeError
    assert hooks(unet) == 0


@torch.no_grad()
def test_a_private_network_has_the_same_tensors_and_no_hook_of_it_is_met_by_others(unet, call):
    plain, own = unet(*call), looking.private(unet)
    assert {p.data_ptr() for p in own.parameters()} == {p.data_ptr() for p in unet.parameters()}
    with weighted(own, token_weights(TOKENS, [2], 0), 1):
        assert hooks(unet) == 0
        assert torch.equal(unet(*call), plain)
        assert not torch.allclose(own(*call), plain)


def test_maps_are_averaged_over_heads_and_layers_and_then_over_resolutions():
    fine, other = torch.rand(1, 2, 16, 3), torch.rand(1, 2, 16, 3)
    coarse = torch.rand(1, 2, 4, 3)
    found = by_side([fine, coarse, other])
    assert list(found) == [4, 2]
    at = (fine[0, :, 1 * 4 + 3, 2].sum() + other[0, :, 1 * 4 + 3, 2].sum()) / 4  # row 1, column 3, token 2
    assert found[4][0, 2, 1, 3] == pytest.approx(at.item())
    below = coarse[0, :, 0 * 2 + 1, 2].mean()  # the coarse position in which that one lies
    assert looking.averaged(found)[0, 2, 1, 3] == pytest.approx(((at + below) / 2).item())


def test_of_a_prompt_all_words_together_are_everything(model):
    weights = token_weights(model.tokenizer.length, [], 1)
    *_, (_, maps) = looking.sample(model, PROMPT, weights, steps=2, seed=3, n=2)
    assert list(maps) == looking.sides(model.unet.config, model.side)
    mean = looking.averaged(maps)
    shares = torch.stack([looking.of_word(mean, word) for word in words(model.tokenizer, PROMPT)])
    assert shares.shape == (8, 2, model.side, model.side)
    assert torch.allclose(shares.sum(0), torch.ones(2, model.side, model.side), atol=1e-5)


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_with_all_weights_one_it_samples_what_the_model_samples(model, guidance):
    """Not to the last bit: the order of additions may depend on where in memory the numbers lie."""
    weights = token_weights(model.tokenizer.length, [], 1)
    *_, (last, _) = looking.sample(model, PROMPT, weights, guidance=guidance, steps=3, seed=5, n=2)
    *_, plain = model.sample(PROMPT, guidance=guidance, steps=3, seed=5, n=2)
    assert torch.allclose(last.x_next, plain.x_next, atol=1e-4)
    assert hooks(model.unet) == 0


def test_a_sampling_that_is_given_up_leaves_nothing_behind(model):
    run = looking.sample(model, PROMPT, token_weights(model.tokenizer.length, [6], 0), steps=3)
    next(run)
    run.close()
    assert hooks(model.unet) == 0


def test_words_are_told_from_tokens(model):
    found = words(model.tokenizer, "A  blue one, ball-shaped one 🎩 and a xylophone")
    names = [START, "A", "blue", "one", ",", "ball-shaped", "one (2)", "🎩", "and", "a", "xylophone", END]
    assert [word.name for word in found] == names
    several = {word.name: len(word.tokens) for word in found}
    assert several["ball-shaped"] >= 3
    assert several["xylophone"] > 1
    assert found[-1].tokens[-1] == model.tokenizer.length - 1


def test_a_word_is_left_out_of_the_prompt(model):
    prompt = "a blue one  and a red one"
    *_, last, _ = words(model.tokenizer, prompt)
    assert last.name == "one (2)"
    assert last.left_out(prompt) == "a blue one and a red"
    with pytest.raises(ValueError, match="cannot be left out"):
        Word(START, (0,)).left_out(prompt)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_every_token_is_in_exactly_one_word(tokenizer, prompt):
    found = words(tokenizer, prompt)
    assert sorted(token for word in found for token in word.tokens) == list(range(tokenizer.length))
    names = [word.name for word in found]
    assert names[0] == START
    assert names[-1] == END
