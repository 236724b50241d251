"""Finds a browser for the tests, or gets one: `python -m tests.browser.chromium`.

A Chromium or Chrome on the machine; else Playwright's own download; else, as root, the system's package
manager. Without any, the browser tests fail with `NO_BROWSER`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
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
    """Tries Playwright's download, then the package manager; says nothing if neither works."""
    attempts = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        attempts += [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]]
    for command in attempts:
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, check=False, capture_output=True, timeout=600)
        if find():
            return


if __name__ == "__main__":
    if not find():
        install()
    print(find() or NO_BROWSER)
