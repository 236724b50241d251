"""Thirty visitors for two minutes: `make load` measures, and writes the README's table.

Each visitor calls `/sample` again and again, like a class that was told to try: one to four pictures in ten to
forty steps.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

from gradio_client import Client

from tests.browser.bench import ROOT, memory
from tutorial.data.critter_words import EXAMPLES
from tutorial.training.evaluate import between

VISITORS, SECONDS, PORT = 30, 120, 7942


class Visitor(threading.Thread):
    """Draws until the time is over, and notes how long the first sign and the pictures took, in seconds."""

    def __init__(self, number: int, url: str, end: float) -> None:
        super().__init__()
        self.number, self.url, self.end = number, url, end
        self.first: list[float] = []
        self.whole: list[float] = []
        self.busy, self.errors = 0, []

    def run(self) -> None:
        client, k = None, 0
        while time.monotonic() < self.end:
            k += 1
            begun = time.monotonic()
            wish = {"seed": 1000 * self.number + k, "n": 1 + k % 4, "steps": 10 * (1 + (self.number + k) % 4)}
            try:
                client = client or Client(self.url, verbose=False)
                job = client.submit(EXAMPLES[k % len(EXAMPLES)], **wish, api_name="/sample")
                while not job.outputs() and not job.done():
                    time.sleep(0.01)
                first = time.monotonic() - begun
                job.result()
                self.first.append(first)
                self.whole.append(time.monotonic() - begun)
            except Exception as error:  # whatever it is, it is counted
                if "busy" in str(error).lower() or "queue" in str(error).lower():
                    self.busy += 1
                else:
                    self.errors.append(repr(error))


def main() -> None:
    env = os.environ | {"GRADIO_SERVER_PORT": str(PORT)}
    app = subprocess.Popen([sys.executable, "-m", "apps"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{PORT}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(url, timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        else:
            sys.exit("The app did not start.")
        end = time.monotonic() + SECONDS
        visitors = [Visitor(k, url, end) for k in range(VISITORS)]
        for visitor in visitors:
            visitor.start()
        held = []
        while time.monotonic() < end:
            time.sleep(10)
            held.append(memory(app.pid))
        for visitor in visitors:
            visitor.join()
    finally:
        app.terminate()
        app.wait(20)
    first = [seconds for visitor in visitors for seconds in visitor.first]
    whole = [seconds for visitor in visitors for seconds in visitor.whole]
    errors = [error for visitor in visitors for error in visitor.errors]
    rows = [
        ("drawings finished", f"{len(whole)}"),
        ("polite “busy”; errors", f"{sum(v.busy for v in visitors)}; {len(errors)}"),
        ("first sign: median; 95th percentile", _two(first)),
        ("drawing finished: median; 95th percentile", _two(whole)),
        ("memory after 20 s; at the end", f"{held[1]:.2f} GB; {held[-1]:.2f} GB"),
    ]
    what = f"{VISITORS} visitors call `/sample` for {SECONDS} s"
    head = f"| measured by `make load`: {what}, {os.cpu_count()} cores, clients included | |"
    block = "\n".join([head, "|---|---|", *(f"| {what} | {figure} |" for what, figure in rows)])
    readme = ROOT / "README.md"
    readme.write_text(between(readme.read_text(encoding="utf-8"), "load", f"\n{block}\n"), encoding="utf-8")
    print(block, *errors[:5], sep="\n")


def _two(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f} s; {statistics.quantiles(seconds, n=20)[-1]:.1f} s"


if __name__ == "__main__":
    main()
