"""Questions that are put before what came out is shown. What a visitor answers is kept nowhere but in the page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from apps import limits
from apps.wiring import QUIET


def pose(lab: str, question: str, answers: Collection[str], hint: str) -> tuple[gr.Radio, gr.Markdown]:
    """The question with its answers, and under it where what came out is to be said; until then, the hint."""
    answer = gr.Radio(list(answers), label=question, elem_id=f"{lab}-answer")
    return answer, gr.Markdown(hint, elem_id=f"{lab}-said")


def reveal(
    answer: gr.Radio, answers: Collection[str], show: Callable[[str], tuple[Any, ...]], outputs: Sequence[Component]
) -> None:
    """Lets `show` fill the outputs once an answer is given; it gets one of the answers, checked."""

    def told(chosen: Any) -> tuple[Any, ...]:
        return show(limits.choice("Your answer", chosen, answers))

    answer.input(told, answer, list(outputs), **QUIET)
