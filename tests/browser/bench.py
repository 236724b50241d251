"""How fast is it for a visitor? `make bench` measures, in Chromium on this machine, and writes the README's table."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.chromium import ARGUMENTS, NO_BROWSER, find
from tutorial.training.evaluate import between

ROOT = Path(__file__).parents[2]
PORT = 7941
RUNS = 9

CLOCK = """() => new Promise((done) => {
  const drawing = document.querySelector("#drawing");
  const begun = performance.now();
  const seen = {};
  const old = drawing.querySelector(".cell > img").src;
  const look = () => {
    const now = performance.now() - begun;
    if (drawing.querySelector("canvas") && seen.preview === undefined) seen.preview = now;
    const image = drawing.querySelector(".cell > img");
    if (image && image.src !== old && image.complete) { observer.disconnect(); done({...seen, picture: now}); }
  };
  const observer = new MutationObserver(() => requestAnimationFrame(look));
  observer.observe(drawing, {childList: true, subtree: true, characterData: true, attributes: true});
  document.querySelector("#draw").click();
})"""


def memory(pid: int) -> float:
    """Resident memory of a process in GB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1e6
    raise RuntimeError("no VmRSS")


def clicks(page: Page, url: str) -> list[dict[str, float]]:
    page.goto(url)
    page.get_by_role("tab", name="Latent diffusion").click()
    page.wait_for_selector("#drawing img")
    page.wait_for_selector("#seed input")
    measured = []
    for k in range(RUNS):
        page.fill("#seed input", str(100 + k))
        page.press("#seed input", "Tab")
        page.wait_for_timeout(300)
        measured.append(page.evaluate(CLOCK))
    return measured[1:]  # the first click warms up


def main() -> None:
    path = find()
    if path is None:
        sys.exit(NO_BROWSER)
    begun = time.monotonic()
    env = os.environ | {"GRADIO_SERVER_PORT": str(PORT)}
    app = subprocess.Popen([sys.executable, "-m", "apps"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{PORT}"
        while True:
            if app.poll() is not None or time.monotonic() - begun > 120:
                sys.exit("The app did not start.")
            try:
                urllib.request.urlopen(url, timeout=1)
                break
            except OSError:
                time.sleep(0.02)
        served = time.monotonic() - begun
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, headless=True, args=ARGUMENTS)
            measured = clicks(browser.new_page(), url)
            browser.close()
        held = memory(app.pid)
    finally:
        app.terminate()
        app.wait(10)

    def middle(name: str) -> float:
        return statistics.median(one[name] for one in measured)

    rows = [
        ("click to finished picture, 20 steps", f"{middle('picture') / 1000:.2f} s", "1.0 s"),
        ("click to first preview", f"{middle('preview'):.0f} ms", "250 ms"),
        ("`python -m apps` to a served page", f"{served:.1f} s", "10 s"),
        ("memory while serving", f"{held:.2f} GB", "1.5 GB"),
    ]
    head = [
        f"| measured by `make bench` on {os.cpu_count()} cores, median of {RUNS - 1} | figure | bar |",
        "|---|---|---|",
    ]
    block = "\n".join(head + [f"| {what} | {figure} | {bar} |" for what, figure, bar in rows])
    readme = ROOT / "README.md"
    readme.write_text(between(readme.read_text(encoding="utf-8"), "speed", f"\n{block}\n"), encoding="utf-8")
    print(block)


if __name__ == "__main__":
    main()
