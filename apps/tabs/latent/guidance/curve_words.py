"""What is said of fidelity and diversity over the scale: a table, and what was recorded in answer to the question."""

from __future__ import annotations

from torch import Tensor

from apps.tabs.latent.guidance import curve_pictures as pictures
from apps.tabs.latent.guidance.strip_looks import T
from tutorial.diffusion.guidance_study import Interval
from tutorial.training import guidance_curve
from tutorial.training.guidance_curve import Curve, Row


def table(curve: Curve) -> str:
    """What was measured, as Markdown: mean and standard error over prompts, and what it costs."""
    arms = arms_of(curve)
    names = [pictures.where(arm, T) for arm in arms]
    head = ["scale", *(f"{what}, {name}" for name in names for what in ("fidelity", "diversity"))]
    lines = [_cells(head), _cells(["---"] * len(head))]
    for scale in sorted({row.scale for row in curve.rows}):
        at = {row.interval: row.judged for row in curve.rows if row.scale == scale}
        found = [(_percent(at[arm].fidelity), _number(at[arm].spread)) if arm in at else ("", "") for arm in arms]
        lines.append(_cells([f"{scale:g}", *(cell for pair in found for cell in pair)]))
    drawings = [_percent(curve.drawings.fidelity), _number(curve.drawings.spread)]
    lines.append(_cells(["drawings by program", *drawings, *[""] * (len(head) - 3)]))
    most = [max(row.evaluations for row in curve.of(arm)) for arm in arms]
    cost = ", ".join(f"{name} {n}" for name, n in zip(names, most, strict=True))
    return "\n".join(lines) + f"\n\nEvaluations of the network a picture, at most: {cost}."


def _cells(row: list[str]) -> str:
    return f"| {' | '.join(row)} |"


def _percent(values: Tensor) -> str:
    return f"{values.mean():.1%} ± {pictures.error(values):.1%}"


def _number(values: Tensor) -> str:
    return f"{values.mean():.2f} ± {pictures.error(values):.2f}"


def verdict(answer: str, curve: Curve) -> str:
    """What is said to an answer, from the recorded numbers."""
    plain, most = _at(curve, 1.0), curve.of(curve.rows[0].interval)[-1]
    change = (most.judged.spread - plain.judged.spread).double()
    share = f"{int((change < 0).sum())} of {len(change)} prompts"
    small, large = plain.judged.spread.mean(), most.judged.spread.mean()
    return (
        f"You said: {answer}. Recorded: the mean distance of two pictures of a prompt is {small:.2f} at 1 and "
        f"{large:.2f} at {most.scale:g}; it is smaller there for {share}. Drawings that say "
        f"the same, all else at random, are at {curve.drawings.spread.mean():.2f}. {saved(curve)}\n\n{table(curve)}"
    )


def saved(curve: Curve, scale: float = 4.0) -> str:
    """What guiding in an interval only costs and keeps, at one scale; nothing where it was not measured."""
    whole, *others = [row for row in curve.rows if row.scale == scale]
    if not others:
        return ""
    part = others[0]
    return (
        f"Guided at {pictures.where(part.interval, T)}, with scale {scale:g}: {part.evaluations} evaluations a picture "
        f"instead of {whole.evaluations}, fidelity {part.judged.fidelity.mean():.1%} instead of "
        f"{whole.judged.fidelity.mean():.1%}, diversity {part.judged.spread.mean():.2f} instead of "
        f"{whole.judged.spread.mean():.2f}."
    )


def _at(curve: Curve, scale: float) -> Row:
    return next(row for row in curve.rows if row.scale == scale)


def recorded(curve: Curve) -> str:
    """The note under what was recorded."""
    n = len(curve.drawings.fidelity)
    return f"{n} prompts, {curve.each} pictures each: a recorded run, made by {guidance_curve.COMMAND}."


def arms_of(curve: Curve) -> list[Interval]:
    """The intervals of a curve, in order."""
    return list(dict.fromkeys(row.interval for row in curve.rows))
