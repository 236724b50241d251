"""Drawing with a word of the prompt weighted: the visitor's wish, its arms, and what the reader sees in them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from apps import limits
from apps.quantities import plain
from apps.tabs.latent import studio
from apps.tabs.latent.studio import Request
from apps.tabs.latent.words import pictures as words_pictures
from apps.tabs.latent.words.pictures import ALL, Drawn, Looked
from apps.wiring import FRAME
from tutorial.data.critters import ATTRIBUTES
from tutorial.data.pixels import to_arrays
from tutorial.diffusion import latent, looking
from tutorial.diffusion.looking import END, START, Maps, Word, token_weights
from tutorial.diffusion.preview import preview
from tutorial.diffusion.samplers import Step

AS_IT_IS, WEIGHTED, LEFT_OUT = "as it is", "weighted", "left out"
MOST_STEPS, MOST_PICTURES = 50, 4
LEAST, MOST = -2.0, 4.0
"""What a word may count. Hertz et al. 2022 go from −2 to 2."""


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    drawing: Request
    word: Word
    weight: float
    resolution: str


@dataclass(frozen=True)
class Arm:
    """A way to draw: the whole of it is what is asked for, and what each token counts."""

    name: str
    title: str
    prompt: str
    weights: Tensor


def check(prompt: Any, word: Any, weight: Any, resolution: Any, steps: Any, guidance: Any, seed: Any, n: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    drawing = studio.check(
        prompt,
        "",
        limits.whole("Steps", steps, 1, MOST_STEPS),
        limits.number("Guidance", guidance, 1, 15),  # at 0 nothing is looked up
        latent.SAMPLER,
        0.0,
        seed,
        limits.whole("The number of pictures", n, 1, MOST_PICTURES),
    )
    return Wish(
        drawing,
        in_prompt(drawing.prompt, word),
        limits.number("The weight", weight, LEAST, MOST),
        limits.choice("The resolution", resolution, resolutions()),
    )


def weight(wish: Wish) -> str:
    """The factor, in as many digits as it needs."""
    return plain(wish.weight, 2).rstrip("0").rstrip(".")


def words_of(prompt: str) -> list[Word]:
    return looking.words(studio.studio().model.tokenizer, prompt)


def in_prompt(prompt: str, name: Any) -> Word:
    """The prompt's word of this name. Raises gr.Error if there is none."""
    found = {word.name: word for word in words_of(prompt)}
    if not isinstance(name, str) or name not in found:
        raise limits.refuse(f"The word must be one of the prompt’s that are read, or {START} or {END}.")
    return found[name]


def resolutions() -> list[str]:
    """What the visitor may choose from."""
    model = studio.studio().model
    return [ALL, *map(words_pictures.name_of, looking.sides(model.unet.config, model.side))]


def arms(wish: Wish) -> list[Arm]:
    """As it is, with the word weighted, and, unless it is no word of the prompt, with the word left out."""
    prompt, word, length = wish.drawing.prompt, wish.word, studio.studio().model.tokenizer.length
    ones, name = token_weights(length, (), 1), words_pictures.called(word)
    found = [
        Arm(AS_IT_IS, "as it is", prompt, ones),
        Arm(WEIGHTED, f"“{name}” × {weight(wish)}", prompt, token_weights(length, word.tokens, wish.weight)),
    ]
    if word.span is not None:
        found.append(Arm(LEFT_OUT, f"without “{name}” in the prompt", word.left_out(prompt), ones))
    return found


@dataclass(frozen=True)
class Progress:
    """How far a run is: the arms that are drawn, and what the first looked up."""

    text: str
    arms: list[Drawn]
    looked: Looked | None = None
    seconds: float = 0.0


def drawn(wish: Wish) -> Generator[Progress | None, None, None]:
    """Draws the arms one after the other from the same noises; None where others can have their turn."""
    todo, done, looked = arms(wish), [], None
    shown = begun = time.monotonic()
    for arm in todo:
        steps, maps = [], []
        for step, found in looked_up(wish, arm) if looked is None else sampled(wish, arm):
            steps.append(step)
            maps.append({side: rows[:1].clone() for side, rows in found.items()})
            due = time.monotonic() - shown > FRAME
            shown = time.monotonic() if due else shown
            text = f"arm {len(done) + 1} of {len(todo)}, step {step.i + 1} of {step.n}"
            yield Progress(text, done, looked) if due else None
        pictures = yield from decoded(steps[-1].x_next)
        rough = torch.stack([preview(step.x0_hat, studio.studio().preview_map) for step in steps])
        yield None
        done = [*done, Drawn(arm.name, arm.title, arm.prompt, rough, pictures, seen(pictures))]
        if looked is None:
            guesses = yield from decoded(torch.cat([step.x0_hat[:1] for step in steps]))
            frames = to_arrays(torch.cat([guesses, pictures[:1]]))
            looked = Looked(words_of(arm.prompt), maps, [step.t for step in steps], frames, note(wish))
        yield Progress(f"arm {len(done)} of {len(todo)} drawn", done, looked, time.monotonic() - begun)


def looked_up(wish: Wish, arm: Arm) -> Iterator[tuple[Step, Maps]]:
    """The steps of an arm, and what was looked up at each."""
    return looking.sample(studio.studio().model, arm.prompt, arm.weights, **settings(wish))


def sampled(wish: Wish, arm: Arm) -> Iterator[tuple[Step, Maps]]:
    """The same steps, for less: what was looked up is not kept."""
    model = studio.studio().model
    unet = looking.private(model.unet)
    with looking.weighted(unet, arm.weights, wish.drawing.guidance):
        for step in replace(model, unet=unet).sample(arm.prompt, **settings(wish)):
            yield step, {}


def settings(wish: Wish) -> dict[str, Any]:
    """What all arms have in common."""
    return {name: getattr(wish.drawing, name) for name in ("steps", "guidance", "sampler", "seed", "n")}


def decoded(latents: Tensor) -> Generator[None, None, Tensor]:
    """The pictures of these latents, two at a time."""
    pictures = []
    for rows in latents.split(2):
        pictures.append(studio.studio().model.decode(rows))
        yield None
    return torch.cat(pictures)


@torch.no_grad()
def seen(pictures: Tensor) -> list[dict[str, str]]:
    """What the reader sees in each of them."""
    read = studio.studio().reader.read(pictures)
    return [{name: values[int(read[name][k])] for name, values in ATTRIBUTES.items()} for k in range(len(pictures))]


def note(wish: Wish) -> str:
    """What a visitor should know of a film."""
    return " ".join(
        [
            f"Seed {wish.drawing.seed}. Each position of the latent divides one whole among the words, at every step.",
            *studio.remarks(wish.drawing),
        ]
    )


def told(wish: Wish, now: Progress) -> str:
    """What came out: how many of the ten attributes the reader sees otherwise than as it is."""
    of = {arm.name: changed(now.arms[0], arm) for arm in now.arms[1:]}
    said = (
        f"With the word × {weight(wish)} the reader sees {of[WEIGHTED]:.2g} of {len(ATTRIBUTES)} attributes otherwise"
    )
    if LEFT_OUT in of:
        said += f", with the word left out of the prompt {of[LEFT_OUT]:.2g}"
    n = wish.drawing.n
    which = f"means over {n} pictures, each from one noise in all arms" if n > 1 else "one picture, from the same noise"
    return f"{said} ({which}). {now.seconds:.1f} s."


def changed(before: Drawn, after: Drawn) -> float:
    """In how many attributes the reader sees something else, on average over the pictures."""
    pairs = zip(before.sees, after.sees, strict=True)
    return sum(one[name] != other[name] for one, other in pairs for name in ATTRIBUTES) / len(before.sees)


def compared(done: Sequence[Drawn]) -> str:
    """What the reader sees in each arm, as a Markdown table, of the attributes in which they are not all the same."""
    differing = [name for name in ATTRIBUTES if any(counts(arm, name) != counts(done[0], name) for arm in done)]
    if not differing:
        return "The reader sees the same in all of them."
    heads = {AS_IT_IS: "as it is", WEIGHTED: "word weighted", LEFT_OUT: "word left out"}
    rows = [
        f"| {name} | " + " | ".join(", ".join(f"{n} {value}" for value, n in counts(arm, name)) for arm in done) + " |"
        for name in differing
    ]
    rest = len(ATTRIBUTES) - len(differing)
    return "\n".join(
        [
            "| the reader sees | " + " | ".join(heads[arm.name] for arm in done) + " |",
            "|---" * (len(done) + 1) + "|",
            *rows,
            "",
            f"In the other {rest} attributes it counts the same in all of them." if rest else "",
        ]
    )


def counts(arm: Drawn, attribute: str) -> list[tuple[str, int]]:
    """How often each value of an attribute is seen, the most frequent first."""
    return sorted(Counter(sees[attribute] for sees in arm.sees).items(), key=lambda item: (-item[1], item[0]))
