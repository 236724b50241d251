"""Text to token numbers, in CLIP's format: byte-level byte-pair encoding of lower-case words.

Any string at all can be encoded: what is not in the vocabulary falls apart into pieces, at worst into bytes.
The two files, `vocab.json` and `merges.txt`, are laid out as Stable Diffusion's are, which load here too, as does a
`tokenizer.json` that holds both.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from torch import Tensor

START, END = "<|startoftext|>", "<|endoftext|>"
END_OF_WORD = "</w>"
WORDS = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+")
"""What counts as a word before it is split further (Radford et al. 2021, code): letters, a digit, or signs."""


def split_like_clip(tokenizer: Tokenizer) -> Tokenizer:
    """Gives a BPE tokenizer CLIP's preparation of text: tidy blanks, lower case, words, bytes."""
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(WORDS, behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


class ClipTokenizer:
    """Encodes prompts as rows of `length` numbers: start, the tokens, end, and more ends as padding.

    Raises OSError or ValueError if a file cannot be read.
    """

    def __init__(self, folder: Path, length: int) -> None:
        self.length = length
        vocabulary, merges = _read(folder)
        self.start, self.end, self.size = vocabulary[START], vocabulary[END], len(vocabulary)
        self._bpe = split_like_clip(
            Tokenizer(models.BPE(vocabulary, merges, unk_token=END, end_of_word_suffix=END_OF_WORD))
        )

    def __call__(self, texts: list[str]) -> Tensor:
        """Token numbers (B, length) int64. What does not fit is dropped; `cut_off` tells what."""
        room = self.length - 2
        rows = [[self.start, *encoding.ids[:room], self.end] for encoding in self._bpe.encode_batch(texts)]
        return torch.tensor([row + [self.end] * (self.length - len(row)) for row in rows])

    def spans(self, text: str) -> list[tuple[int, int]]:
        """The stretch of the text, (start, end), that each token stands for, read or not; a sign of several bytes may
        come several times."""
        return self._bpe.encode(text).offsets

    def pieces(self, text: str) -> list[str]:
        """The same stretches as texts."""
        return [text[a:b] for a, b in self.spans(text)]

    def cut_off(self, text: str) -> str:
        """The end of a text that does not fit into `length` tokens; empty if all of it does."""
        offsets = self.spans(text)
        room = self.length - 2
        return text[offsets[room][0] :] if len(offsets) > room else ""


def _read(folder: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """What number each piece of text has, and which two pieces become one, in the order in which they do."""
    both = folder / "tokenizer.json"
    if both.exists() and not (folder / "vocab.json").exists():
        model = json.loads(both.read_text(encoding="utf-8"))["model"]
        vocabulary, lines = model["vocab"], model["merges"]
    else:
        vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        lines = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split(" ") if isinstance(line, str) else line for line in lines if line and "#version" not in line]
    return vocabulary, [(a, b) for a, b in pairs]
