"""The question of the lab "edit": at which strength is the source's colour lost?"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import gradio as gr

from apps import limits, wiring
from apps.tabs.latent.edit import pictures as edit_pictures
from apps.tabs.latent.edit import wish as edit_wish
from apps.tabs.latent.edit import work as edit_work
from apps.tabs.latent.edit.wish import DEFAULTS, PICTURES, STRENGTH, Wish, labels, shares
from apps.tabs.latent.edit.work import Look
from apps.wiring import QUIET
from tutorial.data.critters import ATTRIBUTES

HAS, ASKED, STEPS = "yellow", "blue", 10
PROMPT = DEFAULTS["description"].replace(HAS, ASKED)
QUESTION = (
    f"The source is {HAS}, and the prompt says the same of it but “{ASKED}”. From which strength on are most pictures "
    f"no longer {HAS}?"
)
ANSWERS = {"0.1 to 0.3": 0.3, "0.4 to 0.6": 0.6, "0.7 or 0.8": 0.8, "0.9 or 1": 1.0, "never": 2.0}
"""Each with the last strength that it speaks of."""
HINT = f"Answer, and {PICTURES} pictures are drawn at each strength, of {STEPS} steps."


def question(film: gr.HTML) -> None:
    """The question and its answers; once one is given it is run, and shown in the lab's film."""
    answer = gr.Radio(list(ANSWERS), label=QUESTION, elem_id="edit-answer")
    told = gr.Markdown(HINT, elem_id="edit-answered")
    answer.input(wiring.as_it_goes(work, check, "edit"), answer, [told, film], **QUIET)


def check(answer: Any) -> str:
    """Raises gr.Error for what is none of the answers."""
    return limits.choice("Your answer", answer, list(ANSWERS))


def asked() -> Wish:
    """What is run."""
    return edit_wish.check(**DEFAULTS | {"kind": STRENGTH, "prompt": PROMPT, "steps": STEPS})


def work(answer: str) -> Generator[tuple[str, str] | None, None, None]:
    """Draws at each strength, and says what came out."""
    looks: list[Look] = []
    wish, at = asked(), shares(None, "Strengths")
    for look in edit_work.strengths(wish, at):
        if look is None:
            yield None
            continue
        looks.append(look)
        so_far = f"strength {labels([look.at])[0]}" if len(looks) < len(at) else verdict(answer, looks)
        yield so_far, edit_pictures.strengths(wish, looks)


def lost(looks: Sequence[Look]) -> float | None:
    """The first strength from which on more than half of the pictures are read in another colour than the source's."""
    column, colour = list(ATTRIBUTES).index("colour"), ATTRIBUTES["colour"].index(HAS)
    gone = [(look.labels[:, column] != colour).double().mean().item() > 0.5 for look in looks]
    if not gone[-1]:
        return None
    return next(look.at for k, look in enumerate(looks) if all(gone[k:]))


def verdict(answer: str, looks: Sequence[Look]) -> str:
    """What is said to a visitor's answer."""
    strength = lost(looks)
    truth = next(name for name, end in ANSWERS.items() if (2.0 if strength is None else strength) <= end)
    came = "at no strength" if strength is None else f"from strength {labels([strength])[0]} on"
    return (
        f"You said: {answer}. {'So it is' if truth == answer else 'It is another'}: {came} most of the {PICTURES} "
        f"pictures are no longer read as {HAS}. Drag the film’s slider over the strengths."
    )
