"""The chapter "Objectives" in Chromium."""

from __future__ import annotations

import pytest


@pytest.fixture
def page(open_page):
    opened = open_page("views", "objectives", "bound", tab="Objectives")
    for lab, canvases in (("views", 6), ("each", 3), ("each-losses", 3), ("bound", 2), ("effort", 2)):
        opened.locator(f"#{lab}").scroll_into_view_if_needed()
        opened.wait_for_function(f"document.querySelectorAll('#{lab} canvas').length === {canvases}")
    opened.wait_for_function("document.querySelector('#views output').textContent.startsWith('t = 50')")
    return opened


def test_scrubbing_through_the_four_views_asks_nobody(page):
    page.wait_for_timeout(500)
    page.asked.clear()
    before = page.evaluate("document.querySelector('#views canvas').toDataURL()")
    for _ in range(5):
        page.locator("#views").get_by_role("button", name="One frame back").click()
    assert "t = 300" in page.locator("#views output").inner_text()
    assert page.evaluate("document.querySelector('#views canvas').toDataURL()") != before
    assert page.asked == []


def test_a_click_tells_all_four_values(page):
    assert "t = 500" in page.locator("#views-values").inner_text()
    page.locator("#views canvas").nth(1).click()
    page.wait_for_function("document.querySelector('#views-values').innerText.includes('t = 50\\t')")
    table = page.locator("#views-values").inner_text()
    assert all(word in table for word in ("network", "exact", "ε", "x₀", "v", "score"))


def test_another_network_answers_and_where_there_is_none_epsilon_is_chosen(page):
    before = page.locator("#views-values").inner_text()
    page.locator("#views-predicts").get_by_label("v", exact=True).check()
    page.wait_for_function("old => document.querySelector('#views-values').innerText !== old", arg=before)
    page.locator("#views-world input").click()
    page.get_by_role("option", name="two moons").click()
    page.wait_for_function("document.querySelectorAll('#views canvas').length === 5")  # no exact answer is known
    assert page.locator("#views-predicts").get_by_label("ε").is_checked()


def test_three_networks_train_and_pause(page):
    assert "A recorded run" in page.locator("#each .note").inner_text()
    page.get_by_role("button", name="Train all three").click()
    page.wait_for_function(
        "/^(?!24,000)\\d.* updates of each, .* a second/.test(document.querySelector('#each .note').textContent)",
        timeout=60_000,
    )
    first = page.locator("#each .note").inner_text()
    page.wait_for_function("old => document.querySelector('#each .note').innerText !== old", arg=first, timeout=60_000)
    page.locator("#pause-each").click()
    page.wait_for_timeout(1500)
    stopped = page.locator("#each .note").inner_text()
    page.wait_for_timeout(1500)
    assert page.locator("#each .note").inner_text() == stopped
    assert "objectives-rate=0.002" in page.url


def test_the_bound_is_measured_with_another_variance(page):
    before = page.locator("#bound-numbers").inner_text()
    page.locator("#bound-variance").get_by_label("β", exact=True).check()
    page.wait_for_function("document.querySelector('#bound-numbers').innerText.includes('128 points')", timeout=120_000)
    assert page.locator("#bound-numbers").inner_text() != before
    assert "bound-variance=beta" in page.url


def test_a_link_to_what_the_list_lacks_gets_a_plain_sentence(watched, url_of):
    page = watched(f"{url_of('Objectives', 'bound')}?bound-steps=7")
    page.get_by_text("The number of steps must be one of: 1000, 250").wait_for()
    page.get_by_role("tab", name="Objectives").click()
    assert page.locator("#bound-steps input").input_value() == "1000"
    assert "Value: 7" not in page.inner_text("body")  # Gradio's own words
