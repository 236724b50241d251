"""Finds a browser for the tests, or gets one: `python -m tests.browser.chromium`.

A headless shell, which needs a third less of the processor than a browser with windows; else a Chromium or Chrome.
What is on the machine comes first, then the system's package manager, as root, then Playwright's own download.
Without any, the browser tests fail with `NO_BROWSER`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

SHELLS = ("chromium-headless-shell", "chrome-headless-shell")
NAMES = (*SHELLS, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
NO_BROWSER = "No Chromium or Chrome was found, and none could be installed: please install one and run again."
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find() -> str | None:
    """Path of a browser that is already there."""
    for name in NAMES:
        if (path := shutil.which(name)) and _runs(path):
            return path
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if _runs(own) else None


def _runs(path: str) -> bool:
    """A downloaded browser may lack the system's libraries; then it cannot even tell its version."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run([path, "--version"], check=False, capture_output=True, timeout=60).returncode == 0
    return False


def install() -> None:
    """Tries the package manager, then Playwright's download; says nothing if neither works."""
    managed = os.geteuid() == 0 and shutil.which("apt-get")
    if managed:
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-y", "-qq", SHELLS[0])
    if not find() and managed:
        _run("apt-get", "install", "-y", "-qq", "chromium")
    if not find():
        _run(sys.executable, "-m", "playwright", "install", "chromium")


def _run(*command: str) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(command, check=False, capture_output=True, timeout=200)


if __name__ == "__main__":
    if not any(map(shutil.which, SHELLS)):
        install()
    print(find() or NO_BROWSER)
