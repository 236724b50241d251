"""Two replicas behind nginx: what the README shows is what is started, and no visitor's session is lost."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest

from apps import replicas
from tests.apps.load import Visitor, draw_button

SHIFT = 40
VISITORS, SECONDS = 20, 40


def test_the_readme_shows_the_file_that_is_used():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"```nginx\n(.*?)```", readme, re.DOTALL)
    assert shown == replicas.CONFIG.read_text(encoding="utf-8")


def test_other_ports_are_other_ports_throughout():
    text = replicas.config(SHIFT)
    assert sorted(re.findall(r"127\.0\.0\.1:(\d+)", text)) == ["7900", "7901", "7902"]


def test_without_nginx_a_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(replicas.CannotServe, match=r"no nginx here\. Install it"), replicas.served():
        pass


@pytest.mark.slow
def test_twenty_visitors_keep_their_replica_and_no_session_is_lost():
    """Each opens the page as a browser does, then draws again and again; Gradio keeps the session in the process."""
    with replicas.served(SHIFT) as url:
        button, end = draw_button(url), time.monotonic() + SECONDS
        visitors = [Visitor(k, url, button, end) for k in range(VISITORS)]
        seen = []
        for visitor in visitors:
            replies = set()
            visitor.browser.event_hooks["response"].append(
                lambda reply, replies=replies: replies.add(reply.headers["X-Replica"])
            )
            visitor.browser.get(f"{url}/").raise_for_status()
            seen.append(replies)
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
    assert [error for visitor in visitors for error in visitor.errors] == []
    assert all(visitor.whole or visitor.busy for visitor in visitors)
    assert all(len(replies) == 1 for replies in seen)
    assert len(set.union(*seen)) == 2
