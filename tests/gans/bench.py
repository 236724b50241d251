"""How many turns a second? `make bench` writes it into the README: of one game and of nine, alone and on the page.

On the page means: through the lab's real handler, served over HTTP to a program that takes every frame as it comes.
"""

from __future__ import annotations

import os
import re
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before anything imports gradio

import gradio as gr
import torch
from gradio_client import Client

from apps import live
from apps.shell import queued
from apps.tabs.gan import diagram, hands, lab, wall
from apps.tabs.gan.settings import DEFAULTS
from tutorial.gans.game import Game, Rules, Setup
from tutorial.gans.worlds import WORLDS
from tutorial.training.evaluate import write_readme

SECONDS = 6.0


@dataclass(frozen=True)
class Speed:
    turns: float
    """A second."""
    frames: float
    """A second."""


def alone(seeds: int, rules: Rules, repeats: int = 5, turns: int = 200) -> float:
    """Turns a second of so many games as one computation, batch 150 and two hidden layers of 16: the best of some."""
    game, best = Game(WORLDS["eight Gaussians"], Setup(), range(seeds), rules), 0.0
    for _ in range(repeats):
        begun = time.perf_counter()
        for _ in range(turns):
            game.turn()
        best = max(best, turns / (time.perf_counter() - begun))
    return best


def streamed(seconds: float = SECONDS) -> Speed:
    """Runs the lab's Run handler behind a server for so long, and counts."""
    with gr.Blocks() as page:
        built = diagram.build(lab.opening()[1])
        made = hands.Hands(live.Benches(page), built)
        chosen = list(DEFAULTS.values())

        def run(request: gr.Request):
            yield from made.run(request, *chosen, [])

        go = gr.Button()
        go.click(run, None, [*built.pictures.values(), built.rewind], api_name="run")
    _, url, _ = queued(page).launch(prevent_thread_lock=True, quiet=True, run_history=False, ssr_mode=False)
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            return apart.submit(_counted, url, seconds).result()
    finally:
        page.close()


def wall_streamed() -> Speed:
    """Plays the wall through its whole run, nine games with a picture of each frame, behind a server, and counts."""
    with gr.Blocks() as page, gr.Tab("GANs"):
        wall.lab(page)
        [play] = [one for one in page.fns.values() if one.name == "run"]
        play.api_name, play.api_visibility = "play", "public"
    _, url, _ = queued(page).launch(prevent_thread_lock=True, quiet=True, run_history=False, ssr_mode=False)
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            return apart.submit(_played, url).result()
    finally:
        page.close()


def _played(url: str) -> Speed:
    """Between the first frame and the last one that arrive at a program of its own."""
    arrived = []
    for said, _ in Client(url, verbose=False).submit(*wall.DEFAULTS.values(), api_name="/play"):
        if found := re.match(r"([\d,]+) of", said):
            arrived.append((time.monotonic(), int(found[1].replace(",", ""))))
    (begun, first), (ended, last) = arrived[0], arrived[-1]
    return Speed((last - first) / (ended - begun), (len(arrived) - 1) / (ended - begun))


def _counted(url: str, seconds: float) -> Speed:
    """What arrives at a program of its own, as a browser is one."""
    job = Client(url, verbose=False).submit(api_name="/run")
    while len(job.outputs()) < 5:
        time.sleep(0.05)
    begun, first, before = time.monotonic(), len(job.outputs()), _turn(job)
    time.sleep(seconds)
    took, frames, after = time.monotonic() - begun, len(job.outputs()) - first, _turn(job)
    job.cancel()
    return Speed((after - before) / took, frames / took)


def _turn(job) -> int:
    """The turn that the last frame's note names."""
    found = re.findall(r"turn ([\d,]+)", str(job.outputs()[-1][0]))
    return int(found[-1].replace(",", ""))


def main() -> None:
    torch.set_num_threads(1)
    one, nine = streamed(), wall_streamed()
    alone_one, alone_nine = alone(1, Rules()), alone(9, Rules())
    critic = alone(1, Rules(loss="Wasserstein"))
    rows = [
        ("GAN lab, turns a second while it streams; frames", f"{one.turns:,.0f}; {one.frames:.1f}", "600; 10"),
        ("nine seeds at once, the same", f"{nine.turns:,.0f}; {nine.frames:.1f}", "400; 10"),
        ("turns a second with nothing shown: one; nine", f"{alone_one:,.0f}; {alone_nine:,.0f}", ""),
        ("the same, one with a Wasserstein critic", f"{critic:,.0f}", ""),
    ]
    head = [f"| measured by `make bench` on {os.cpu_count()} cores, batch 150 | figure | bar |", "|---|---|---|"]
    block = "\n".join(head + [f"| {what} | {figure} | {bar} |" for what, figure, bar in rows])
    write_readme("gan-speed", f"\n{block}\n")
    print(block)


if __name__ == "__main__":
    main()
