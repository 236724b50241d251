"""The lab "what the words do": where a prompt's words are looked up, and what is drawn if one counts more, less or
nothing."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import contextlib
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from apps import limits, player, questions, wiring
from apps.pictures import png_bytes, served
from apps.tabs.latent import studio
from apps.tabs.latent.words import pictures as words_pictures
from apps.tabs.latent.words.controls import DEFAULTS, LAB, below, pickers
from apps.tabs.latent.words.pictures import ALL, Drawn, Looked
from apps.tabs.latent.words.work import (
    WEIGHTED,
    Progress,
    Wish,
    arms,
    check,
    compared,
    drawn,
    resolutions,
    told,
    words_of,
)
from apps.wiring import QUIET
from tutorial import weights
from tutorial.data.critter_words import EXAMPLES
from tutorial.data.pixels import to_arrays
from tutorial.diffusion.looking import END, START, Word

ASKED = ("hat", "crown")
"""The attribute that the question is about, and its value."""
QUESTION = f"“{EXAMPLES[1]}”: if the word “crown” is switched off in the attention, does the crown go?"
ANSWERS = ("it goes", "it stays", "it goes, and more with it")
HINT = "Say what you expect, and it is drawn: as it is, with the word switched off, and with the word left out."
CAUSAL = (
    "A word can be heard in other ways than by its own token: the text encoder lets each token read those before it, "
    f"so the tokens after the word, {END} with its padding above all, may have taken up what it says. Try it: choose "
    f"{END}, or “blue”, and press “Draw side by side”."
)
NOT_DRAWN = (
    "What is shown was drawn from another prompt. Press “Draw side by side” to see where this word is looked up."
)

OPENING = threading.Lock()
Shown = tuple[Any, ...]
"""A line, and new values for film, strip, arms, table and what is kept; `gr.skip()` where nothing changes."""
SKIPPED = (gr.skip(),) * 5


def work(wish: Wish, say: Callable[[Wish, Progress], str] | None = None) -> Generator[Shown | None, None, None]:
    """What a click shows: a line on how far it is, and at the end what `say` says; pictures after each arm."""
    there = 0
    for now in drawn(wish):
        if now is None or len(now.arms) == there:
            yield None if now is None else (now.text, *SKIPPED)
            continue
        there, over = len(now.arms), len(now.arms) == len(arms(wish))
        film, strip, kept = gr.skip(), gr.skip(), gr.skip()
        if there == 1:
            assert now.looked is not None  # the first arm looked
            film, kept = words_pictures.film(now.looked, wish.word, wish.resolution), now.looked
            yield None
            strip = words_pictures.strip(now.looked)
            yield None
        both = beside(wish, now)
        yield None
        table = compared(now.arms) if over else ""
        yield (say or told)(wish, now) if over else now.text, film, strip, both, table, kept


def beside(wish: Wish, now: Progress) -> str:
    """The arms side by side, as the player takes them."""
    assert now.looked is not None  # there is an arm
    return words_pictures.side_by_side(now.arms, wish.drawing.seed, now.looked.times)


def answer(chosen: Any) -> str:
    """Raises gr.Error for what is none of the answers."""
    return limits.choice("Your answer", chosen, ANSWERS)


def answered(said: str) -> Generator[Shown | None, None, None]:
    """Puts the question's settings into the controls and draws; the line at the end says what became of the crown."""
    values: Sequence[Any] = list(DEFAULTS.values())
    for part in work(check(**DEFAULTS), lambda wish, now: f"{verdict(said, now)}\n\n{told(wish, now)}"):
        yield None if part is None else (*part, *values)
        if part is not None:
            values = [gr.skip()] * len(DEFAULTS)


def verdict(said: str, now: Progress) -> str:
    """What is said to an answer: in how many pictures there is a crown."""
    name, value = ASKED
    n = len(now.arms[0].sees)
    first, weighted, left_out = (sum(sees[name] == value for sees in arm.sees) for arm in now.arms)
    return (
        f"You said: {said}. The reader sees a {value} in {first} of {n} pictures as it is, in {weighted} with the word "
        f"switched off in the attention, and in {left_out} with the word left out of the prompt. {CAUSAL}"
    )


def opening() -> tuple[Progress, Looked]:
    """The first arm of the default settings, and what it looked up. Drawn once: who comes meanwhile waits."""
    with OPENING:
        return _opening()


@cache
def _opening() -> tuple[Progress, Looked]:
    with contextlib.closing(drawn(check(**DEFAULTS))) as parts:
        first = next(now for now in parts if now is not None and now.arms)
    assert first.looked is not None  # it looked
    return first, replace(first.looked, note=f"Drawn here, since the app started. {first.looked.note}")


def look_again(kept: Looked | None, name: Any, resolution: Any) -> str:
    """The film of another word or resolution. Raises gr.Error for one that was not drawn."""
    if kept is None and not _opening.cache_info().currsize:
        raise limits.refuse("The first picture is still being drawn. Please try again in a moment.")
    looked = kept or opening()[1]
    found = {word.name: word for word in looked.words}
    if not isinstance(name, str) or name not in found:
        raise limits.refuse(NOT_DRAWN)
    chosen = limits.choice("The resolution", resolution, resolutions())
    with limits.CPU.turn():
        return words_pictures.film(looked, found[name], chosen)


def offered(prompt: Any, name: Any) -> Any:
    """The words of a prompt as it is being typed; the chosen one stays if it is still there, else it is the last."""
    found = [word.name for word in words_of(limits.text("The prompt", prompt, studio.LONGEST_PROMPT))]
    named = [each for each in found[1:-1] if any(map(str.isalnum, each))]  # rather than a full stop
    return gr.update(choices=found, value=name if name in found else [START, *named][-1])


def attention(
    request: gr.Request,
    prompt: str,
    word: str,
    weight: float = DEFAULTS["weight"],
    steps: int = DEFAULTS["steps"],
    guidance: float = DEFAULTS["guidance"],
    seed: int = DEFAULTS["seed"],
    n: int = 1,
):
    """Draws as it is, with a word's attention maps times a weight, and with the word left out of the prompt.

    Yields (progress, [], [], []), and ends with (what came out, words, arms, PNG files). word one of the prompt's, or
    ⟨start⟩ or ⟨end⟩, weight −2–4 (0 switches the word off), steps 1–50, guidance 1–15, seed 0–2147483647, n 1–4
    pictures. A word has its tokens, its mean share and, for the first picture as it is, the maps of all resolutions,
    averaged over steps, heads and layers: shares, of which those of all words add up to 1 at each position. An arm has
    what the reader sees in each picture. The files are those of the arms, one after the other.
    """
    try:
        studio.studio()
    except weights.WeightsError as error:
        raise limits.refuse(str(error)) from error
    wish, now = check(prompt, word, weight, ALL, steps, guidance, seed, n), None
    for now in limits.run(request, drawn(wish)):
        yield now.text, [], [], []
    if now is None or now.looked is None or len(now.arms) < len(arms(wish)):
        raise limits.refuse("This run was stopped before it had ended.")
    sees = [{"arm": arm.name, "prompt": arm.prompt, "sees": arm.sees} for arm in now.arms]
    yield told(wish, now), [row(now.looked, each) for each in now.looked.words], sees, files(wish, now.arms)


attention.__annotations__["return"] = tuple[str, list[dict[str, Any]], list[dict[str, Any]], list[FileData]]


def row(looked: Looked, word: Word) -> dict[str, Any]:
    """A word for programs."""
    maps = {name: looked.shares(word, name)[-1] for name in resolutions()}
    lists = {name: each.tolist() for name, each in maps.items()}
    return {"word": word.name, "tokens": list(word.tokens), "share": float(maps[ALL].mean()), "maps": lists}


def files(wish: Wish, done: Sequence[Drawn]) -> list[dict[str, Any]]:
    """The pictures as PNG files; those of unweighted arms carry the settings with which "draw a critter" draws them."""
    made = []
    for arm in done:
        for k, pixels in enumerate(to_arrays(arm.pictures)):
            own = vars(wish.drawing) | {"prompt": arm.prompt, "seed": wish.drawing.seed + k, "n": 1}
            png = png_bytes(pixels, None if arm.name == WEIGHTED else own)
            path = served(png, f"{arm.name.replace(' ', '-')}-{own['seed']}.png")
            made.append(FileData(path=path).model_dump())
    return made


def lab(page: gr.Blocks) -> None:
    """The lab's pictures and controls; without its weights, a sentence that says how to get them back."""
    gr.api(attention, api_name="attention")
    try:
        studio.studio()
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    wish = check(**DEFAULTS)
    film = player.player(lambda: words_pictures.film(opening()[1], wish.word, ALL), elem_id="words")
    prompt, word, resolution = pickers()
    gr.Markdown("#### Where each word is looked up")
    strip = player.player(lambda: words_pictures.strip(opening()[1]), elem_id="words-strip")
    gr.Markdown("#### A word that counts more, less or nothing")
    chosen, said = questions.pose(LAB, QUESTION, ANSWERS, HINT)
    both = player.player(lambda: beside(wish, opening()[0]), elem_id="words-arms")
    weight, buttons, table, more = below()
    settings = {"prompt": prompt, "word": word, "weight": weight, "resolution": resolution, **more}
    kept = gr.State()
    outputs = [said, film, strip, both, table, kept]
    run = wiring.as_it_goes(work, check, LAB, pictures=len(outputs) - 1, afresh=True)
    wiring.connect(page, LAB, run, settings, outputs, buttons, check)
    values = list(settings.values())
    shown = wiring.as_it_goes(answered, answer, LAB, pictures=len(outputs) - 1 + len(values), afresh=True)
    chosen.input(shown, chosen, [*outputs, *values], trigger_mode="multiple", **QUIET)
    prompt.change(offered, [prompt, word], word, trigger_mode="always_last", **QUIET)
    gr.on(
        [word.input, resolution.input], look_again, [kept, word, resolution], film, trigger_mode="always_last", **QUIET
    )
