"""Serves the tutorial: `python -m apps`, or this file as a script, from any directory.

`python -m apps latent` serves that chapter alone.
"""

import gc
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:  # run as a script, Python puts only this file's folder on the path
    sys.path.insert(0, str(ROOT))

gc.disable()  # until the page is up: hardly anything made till then is garbage, and to look for it takes a second
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio is imported: no calls home

from apps.player import promises  # noqa: E402
from apps.shell import choose, serve  # noqa: E402

if __name__ == "__main__":
    page = serve(choose(sys.argv[1:]), prevent_thread_lock=True)
    gc.enable()
    gc.freeze()  # nor need it be looked through later
    promises.keep_all()
    page.block_thread()
