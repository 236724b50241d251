"""Makes the tokenizer: byte-pair merges learned from the training captions.

    python -m tutorial.training.tokenizer

The alphabet is CLIP's, all 256 bytes, each also as the end of a word; so nothing a visitor types is unknown.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor
from tqdm import tqdm

from tutorial import weights
from tutorial.data.critter_words import caption
from tutorial.data.critters import training_critter
from tutorial.networks.tokenizer import END, END_OF_WORD, START, ClipTokenizer, split_like_clip

COMMAND = "python -m tutorial.training.tokenizer"
VOCABULARY = 1024
CAPTIONS = range(20_000)
CAPTIONS_EACH = 8
"""Different captions of each training critter, for the recipes that learn from words."""


def captions(seed: int, count: int) -> list[str]:
    """That many different ways to describe the training critter of a seed."""
    critter = training_critter(seed)
    return [caption(critter, np.random.default_rng((seed, k))).text for k in range(count)]


def tokenized(tokenizer: ClipTokenizer, seeds: range) -> Tensor:
    """Captions of the training critters as tokens: (N, CAPTIONS_EACH, length) int16."""
    with ProcessPoolExecutor() as pool:
        texts = pool.map(partial(captions, count=CAPTIONS_EACH), seeds, chunksize=512)
        return torch.stack([tokenizer(some).short() for some in tqdm(texts, desc="captions", total=len(seeds))])


def any_caption(choices: Tensor) -> Tensor:
    """One of each critter's captions, at random: tokens (B, CAPTIONS_EACH, length) → (B, length) int64."""
    rows = torch.arange(len(choices))
    return choices[rows, torch.randint(choices.shape[1], (len(choices),))].long()


def train(assets: Path = weights.FOLDER) -> None:
    """Learns the merges, and writes `vocab.json`, `merges.txt` and a card to `assets`/tokenizer."""
    folder = assets / "tokenizer"
    bpe = split_like_clip(Tokenizer(models.BPE(end_of_word_suffix=END_OF_WORD)))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        min_frequency=20,
        initial_alphabet=alphabet,
        end_of_word_suffix=END_OF_WORD,
        show_progress=False,
    )
    bpe.train_from_iterator((captions(seed, 1)[0] for seed in CAPTIONS), trainer)
    merges = [tuple(pair) for pair in json.loads(bpe.to_str())["model"]["merges"]]
    tokens = [*alphabet, *(a + END_OF_WORD for a in alphabet), *("".join(pair) for pair in merges), START, END]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = json.dumps({token: i for i, token in enumerate(tokens)}, ensure_ascii=False)
    (folder / "vocab.json").write_text(vocabulary + "\n", encoding="utf-8")
    lines = ["#version: 0.2", *(f"{a} {b}" for a, b in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    card = {
        "name": "tokenizer",
        "command": COMMAND,
        "vocabulary": len(tokens),
        "merges": len(merges),
        "trained_on": f"one caption for each of the training critters {CAPTIONS.start}–{CAPTIONS.stop - 1}",
    }
    (folder / "card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    train()
