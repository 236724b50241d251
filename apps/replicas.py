"""Two replicas of the page behind nginx, each visitor always on the same one: `python -m apps.replicas`.

It needs nginx on the machine, uses the addresses in replicas.conf, all of this machine, and ends with Ctrl-C. On a
server the same file serves as it is, with a `server` line for each replica and a `listen` line that the world reaches.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

CONFIG = Path(__file__).with_suffix(".conf")
ROOT = Path(__file__).parents[1]
FRONT, REPLICAS = 7860, (7861, 7862)
"""Ports in `CONFIG`: nginx's, and the replicas'."""
PATIENCE = 120
"""Seconds that replicas have to start in."""


class CannotServe(Exception):
    """nginx is missing, or something that was started did not stay up; the message says what to do."""


def config(shift: int = 0) -> str:
    """nginx's configuration, every port so much higher."""
    text = CONFIG.read_text(encoding="utf-8")
    for port in (FRONT, *REPLICAS):
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{port + shift}")
    return text


@contextlib.contextmanager
def served(shift: int = 0) -> Iterator[str]:
    """Starts all three, gives the page's address once it answers, and ends what it started. Raises CannotServe."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if nginx is None:
        raise CannotServe("There is no nginx here. Install it, on Debian with `apt-get install nginx-light`.")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as started:
        settings = Path(folder) / "nginx.conf"
        settings.write_text(config(shift), encoding="utf-8")
        running = [
            started.enter_context(_process([sys.executable, "-m", "apps"], GRADIO_SERVER_PORT=str(port + shift)))
            for port in REPLICAS
        ]
        front = [nginx, "-p", folder, "-c", str(settings), "-e", "stderr", "-g", "daemon off;"]
        running.append(started.enter_context(_process(front)))
        for port in (*REPLICAS, FRONT):
            _await(f"http://127.0.0.1:{port + shift}/", running)
        yield f"http://127.0.0.1:{FRONT + shift}"


@contextlib.contextmanager
def _process(command: list[str], **environment: str) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _await(address: str, running: list[subprocess.Popen]) -> None:
    """Returns when the address answers. Raises CannotServe if a process ends before that, or it takes too long."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if any(process.poll() is not None for process in running):
            raise CannotServe("A replica or nginx ended at once: see above. Does something else use its port?")
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(address, timeout=10):
            return
        time.sleep(0.2)
    raise CannotServe(f"Nothing answered at {address} for {PATIENCE} seconds.")


if __name__ == "__main__":
    try:
        with served() as page, contextlib.suppress(KeyboardInterrupt):
            print(f"Two replicas behind nginx: {page}. Ctrl-C ends them.", flush=True)
            while True:
                time.sleep(3600)
    except CannotServe as error:
        sys.exit(str(error))
