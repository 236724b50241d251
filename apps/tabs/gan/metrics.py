"""The lab "break the metrics on purpose": sets of digits that fool one metric each, and how many digits it takes."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr

from apps import limits, models, player, wiring
from apps.judged import ended, reference_digits
from apps.tabs.gan.metrics_shown import Row, bias, rows, table, told
from apps.tabs.gan.metrics_work import Compared, comparing, judging, recorded, sets
from apps.wiring import QUIET
from tutorial import measurements, weights
from tutorial.data.digits import DataError
from tutorial.gans import breaking
from tutorial.gans.breaking import REAL, TRICKS
from tutorial.metrics.sample_size import SIZES
from tutorial.metrics.verdict import Verdict, judged
from tutorial.training.evaluate_metrics import COMMAND

DEFAULTS: dict[str, Any] = {"n": 1000, "beside": "GAN", "seed": 0}
FEWEST, MOST = SIZES[0], SIZES[-1]
STATUS = (
    "The first row is what a perfect generator would get. “Judge them here” measures all rows anew; with "
    f"{MOST:,} digits that takes several times as long as with {DEFAULTS['n']:,}, and is cut off after "
    f"{limits.SECONDS:g} s of computing."
)


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    n: int
    beside: str
    seed: int


def compared() -> list[str]:
    """The models whose distances can be shown beside those of real digits."""
    return [name for name in recorded().curves if name != REAL.name]


def check(n: Any, beside: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    count = limits.whole("The number of digits", n, FEWEST, MOST)
    if count not in SIZES:
        raise limits.refuse(f"The number of digits must be one of: {', '.join(f'{one:,}' for one in SIZES)}.")
    return Wish(count, limits.choice("The model", beside, compared()), limits.whole("The seed", seed, 0, 2**31 - 1))


def work(wish: Wish) -> Generator[tuple[str, str] | None, None, None]:
    """Judges all sets: the table so far and a line on how far it is, after each set."""
    for part in judging(wish.n, wish.seed):
        if part is None:
            yield None
            continue
        found, seconds = part
        if len(found) < len(sets()):
            line = f"{len(found)} of {len(sets())} sets judged"
        else:
            line = f"All {len(sets())} sets judged, in {seconds:.1f} s of computing."
        yield shown(found, f"Measured here, with seed {wish.seed}."), line


def measure(wish: Wish) -> Generator[tuple[str | None, str] | None, None, None]:
    """Measures how distances fall with the number of digits: a line on how far it is, and at the end the clip."""
    for part in comparing(wish.beside, wish.seed):
        if isinstance(part, Compared):
            note = f"{told(part.real, part.other, wish.beside)} Measured here, with seed {wish.seed}, in "
            yield bias(part.real, part.other, wish.beside, f"{note}{part.seconds:.1f} s of computing."), ""
        else:
            yield None if part is None else (None, part)


def shown(found: dict[str, Verdict], note: str) -> str:
    """The table, with what was found of the sets so far."""
    pictures = {one.name: one.png for one in recorded().sets}
    lines = []
    for trick in sets():
        one = found.get(trick.name)
        limits_ = _limits(one.n) if one is not None else {}
        lines.append(Row(trick.name, trick.what, pictures[trick.name], trick in TRICKS, one, limits_))
    return rows(lines, note)


def _limits(n: int) -> dict[str, float]:
    """What real digits reach at least in sets of the largest size, of those measured, that is not above n."""
    return recorded().worst[max(one for one in recorded().worst if one <= max(n, FEWEST))]


def ahead(n: int) -> str:
    """The table as it was recorded with so many digits, or all that there are."""
    found = {one.name: one.verdicts[max(m for m in one.verdicts if m <= n)] for one in recorded().sets}
    return shown(found, f"Recorded with seed 0, by {COMMAND}.")


def bias_ahead(name: str) -> str:
    """The clip as it was recorded."""
    real, other = recorded().curves[REAL.name], recorded().curves[name]
    return bias(real, other, name, f"{told(real, other, name)} Recorded, by {COMMAND}.")


def gan_metrics(request: gr.Request, candidate: str = "memorised", n: int = 1000, seed: int = 0):
    """What the metrics say of n (50–5,000) digits of a set: other real digits, memorised, one of each, ones only, half
    noise, blurred, noisy, or a model's: VAE, diffusion, GAN.

    Of some sets there are fewer digits; the answer has how many were judged, n, inception_score (1–10), frechet (the
    distance to 5,000 real digits in the features of the digit classifier), precision, recall, accuracy (None for models
    that are not told which digit to draw), copies (share of the first 250), and fooled: the metrics by which the set is
    no worse than the worst of ten sets of as many real digits.
    """
    name = limits.choice("The candidate", candidate, [one.name for one in sets()])
    count = limits.whole("The number of digits", n, FEWEST, MOST)
    first = limits.whole("The seed", seed, 0, 2**31 - 1)
    trick = next(one for one in sets() if one.name == name)

    def answer() -> Generator[dict[str, Any] | None, None, None]:
        reference = yield from reference_digits()
        found = yield from ended(judged(reference, trick.draw(reference, count, first)))
        yield asdict(found) | {"fooled": sorted(breaking.fooled(found, _limits(found.n)))}

    yield from limits.run(request, answer())


gan_metrics.__annotations__["return"] = dict[str, Any]


def lab(page: gr.Blocks) -> None:
    """The lab's table, curves and controls; without what it needs, a sentence that says how to get it back."""
    gr.api(gan_metrics, api_name="gan_metrics")
    try:
        first, second = ahead(DEFAULTS["n"]), bias_ahead(DEFAULTS["beside"])
        models.digit_judge()
    except (weights.WeightsError, DataError, measurements.MeasurementsError) as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    settings, buttons = controls()
    status = gr.Markdown(STATUS, elem_id="metrics-status")
    judgement = table(first)
    gr.Markdown("#### Few digits seem farther away than many", elem_id="metrics-bias-title")
    film = player.player(second, elem_id="metrics-bias")
    with gr.Row():
        settings["beside"].render()
        own = _seed("metrics-bias-seed", "Seed of the curves")
        again = gr.Button("Measure it here", elem_id="metrics-bias-run", min_width=140)
        stop = gr.Button("Stop", elem_id="metrics-bias-stop", min_width=80)
    line = gr.Markdown(elem_id="metrics-bias-status")
    values = list(settings.values())
    wiring.connect(page, "metrics", judge, settings, [judgement, status], buttons, check)
    wiring.moved(settings["n"])(look_up, values, [judgement, status], trigger_mode="always_last", **QUIET)
    again.click(curves_again, [settings["n"], settings["beside"], own], [film, line], trigger_mode="once", **QUIET)
    stop.click(limits.stopper("metrics-bias"), queue=False, api_visibility="private")
    wiring.moved(settings["beside"])(beside_ahead, values, [film, line], trigger_mode="always_last", **QUIET)


def judge(request: gr.Request, *chosen: Any) -> Iterator[tuple[Any, str]]:
    """Judges all sets anew, row by row."""
    wish, line = check(*chosen), ""
    yield gr.skip(), "Looking at the real digits …"
    for found, line in limits.run(request, work(wish), "metrics"):
        yield found, line
    if not line.startswith("All"):
        yield gr.skip(), f"{line}, then stopped." if line else "Stopped."


def look_up(request: gr.Request, *chosen: Any) -> tuple[str, str]:
    """Shows what was recorded with so many digits, in place of what is being measured."""
    limits.stop(request, "metrics")
    return ahead(check(*chosen).n), STATUS


def curves_again(request: gr.Request, *chosen: Any) -> Iterator[tuple[Any, str]]:
    """Measures the curves anew."""
    wish, clip = check(*chosen), None
    yield gr.skip(), "Looking at the real digits …"
    for clip, line in limits.run(request, measure(wish), "metrics-bias"):
        yield clip or gr.skip(), line
    if clip is None:
        yield gr.skip(), "Stopped."


def beside_ahead(request: gr.Request, *chosen: Any) -> tuple[str, str]:
    """Shows the recorded curves of another model, in place of what is being measured."""
    limits.stop(request, "metrics-bias")
    return bias_ahead(check(*chosen).beside), ""


def _seed(elem_id: str, label: str) -> gr.Number:
    return gr.Number(DEFAULTS["seed"], label=label, precision=0, elem_id=elem_id, min_width=100)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, that of the curves unrendered, and the buttons."""
    sizes = [(f"{one:,}", one) for one in SIZES]
    with gr.Row():
        n = gr.Radio(
            sizes, value=DEFAULTS["n"], label="Digits in each set", elem_id="metrics-n", scale=4, min_width=560
        )
        seed = _seed("metrics-seed", "Seed")
    buttons = wiring.button_row("metrics", "Judge them here")
    beside = gr.Radio(
        compared(),
        value=DEFAULTS["beside"],
        label="Beside the real digits",
        elem_id="metrics-beside",
        min_width=320,
        render=False,
    )
    return {"n": n, "beside": beside, "seed": seed}, buttons
