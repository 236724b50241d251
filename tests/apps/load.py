"""Thirty visitors for two minutes: `make load` measures, and writes the README's table.

Each visitor presses Draw again and again, like a class that was told to try: one to four pictures in ten to forty
steps. What a browser sends is sent without one, since thirty browsers would need the processor themselves.

    python -m tests.apps.load 20     tries it for twenty seconds, and leaves the README as it is
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import threading
import time

import httpx

from apps.tabs.latent.draw.wish import SIDE
from tests.browser.bench import ROOT, memory
from tutorial.data.critter_words import EXAMPLES
from tutorial.diffusion import latent
from tutorial.training.evaluate import between

VISITORS, SECONDS, PORT = 30, 120, 7942
LOOKS = 12
"""How many times the memory is looked at."""


class Visitor(threading.Thread):
    """Draws until the time is over, and notes how long the first preview and the pictures took, in seconds."""

    def __init__(self, number: int, url: str, button: dict[str, int], end: float) -> None:
        super().__init__()
        self.number, self.button, self.end = number, button, end
        self.browser = httpx.Client(base_url=f"{url}/gradio_api", timeout=120)
        self.first: list[float] = []
        self.whole: list[float] = []
        self.busy, self.errors = 0, []

    def run(self) -> None:
        k = 0
        with contextlib.closing(self.browser):  # it may have been used before
            while time.monotonic() < self.end:
                k += 1
                steps, seed, n = 10 * (1 + (self.number + k) % 4), 1000 * self.number + k, 1 + k % 4
                prompt = EXAMPLES[k % len(EXAMPLES)]
                try:
                    self.press_draw([prompt, "", steps, latent.GUIDANCE, latent.SAMPLER, 0.0, seed, n, SIDE])
                except Exception as error:  # whatever it is, it is counted
                    self.errors.append(repr(error))

    def press_draw(self, settings: list) -> None:
        begun, visitor, seen = time.monotonic(), {"session_hash": f"visitor-{self.number}"}, {}
        joined = self.browser.post("/queue/join", json={"data": settings} | self.button | visitor)
        if joined.status_code == 503:
            return self.try_later()
        with self.browser.stream("GET", "/queue/data", params=visitor) as stream:
            for line in filter(None, stream.iter_lines()):
                told = json.loads(line.removeprefix("data:"))
                if told["msg"] == "process_generating":
                    seen.setdefault("preview", time.monotonic() - begun)
                    if "pictures" in line:
                        seen.setdefault("pictures", time.monotonic() - begun)
                elif told["msg"] == "process_completed" and not told["success"]:
                    if "busy" in told["output"]["error"]:
                        return self.try_later()
                    raise RuntimeError(told["output"]["error"])
        self.first.append(seen["preview"])
        self.whole.append(seen["pictures"])

    def try_later(self) -> None:
        self.busy += 1
        time.sleep(1)


def draw_button(url: str) -> dict[str, int]:
    """What a browser sends along with the settings when Draw is pressed."""
    config = httpx.get(f"{url}/config").json()
    [draw] = [part["id"] for part in config["components"] if part["props"].get("elem_id") == "draw"]
    [event] = [event["id"] for event in config["dependencies"] if [draw, "click"] in event["targets"]]
    return {"fn_index": event, "trigger_id": draw}


def main() -> None:
    seconds = float(sys.argv[1]) if sys.argv[1:] else SECONDS
    env = os.environ | {"GRADIO_SERVER_PORT": str(PORT)}
    app = subprocess.Popen([sys.executable, "-m", "apps"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{PORT}"
    try:
        for _ in range(600):
            try:
                button = draw_button(url)
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        else:
            sys.exit("The app did not start.")
        end = time.monotonic() + seconds
        visitors = [Visitor(k, url, button, end) for k in range(VISITORS)]
        for visitor in visitors:
            visitor.start()
        held = []
        for _ in range(LOOKS):
            time.sleep(seconds / LOOKS)
            held.append(memory(app.pid))
        for visitor in visitors:
            visitor.join()
    finally:
        app.terminate()
        app.wait(20)
    first = [took for visitor in visitors for took in visitor.first]
    whole = [took for visitor in visitors for took in visitor.whole]
    errors = [error for visitor in visitors for error in visitor.errors]
    rows = [
        ("drawings finished", f"{len(whole)}"),
        ("polite “busy”; errors", f"{sum(v.busy for v in visitors)}; {len(errors)}"),
        ("click to first preview: median; 95th percentile", _two(first)),
        ("click to finished pictures: median; 95th percentile", _two(whole)),
        (f"memory after {2 * seconds / LOOKS:.0f} s; at the end", f"{held[1]:.2f} GB; {held[-1]:.2f} GB"),
    ]
    what = f"{VISITORS} visitors press Draw for {seconds:g} s"
    head = f"| measured by `make load`: {what}, {os.cpu_count()} cores, clients included | |"
    block = "\n".join([head, "|---|---|", *(f"| {what} | {figure} |" for what, figure in rows)])
    if not sys.argv[1:]:
        readme = ROOT / "README.md"
        readme.write_text(between(readme.read_text(encoding="utf-8"), "load", f"\n{block}\n"), encoding="utf-8")
    print(block, *errors[:5], sep="\n")


def _two(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f} s; {statistics.quantiles(seconds, n=20)[-1]:.1f} s"


if __name__ == "__main__":
    main()
