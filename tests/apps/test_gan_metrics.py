"""The lab "break the metrics" and its endpoint: what they show, what they answer, and what they refuse."""

from __future__ import annotations

import base64
import io
import json
import math
import re
from dataclasses import asdict, replace

import gradio as gr
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from apps import limits
from apps.tabs.gan import metrics, metrics_shown
from apps.tabs.gan.metrics import DEFAULTS, check
from apps.tabs.gan.metrics_work import Compared, comparing, judging, recorded, sets
from tests.alone import alone
from tests.apps.gan_stage import floats
from tutorial.gans import drawn_ahead
from tutorial.gans.breaking import METRICS, REAL, TRICKS, fooled
from tutorial.measurements import MeasurementsError
from tutorial.metrics.sample_size import SIZES
from tutorial.metrics.verdict import Verdict
from tutorial.training import evaluate_metrics

pytestmark = pytest.mark.usefixtures("one_thread")
CELL = re.compile(r"<t[dh][^>]*>(.*?)</t[dh]>", re.DOTALL)


@pytest.fixture(scope="module")
def client():
    with alone(metrics.lab) as address:
        yield Client(address, verbose=False)


def body(html: str) -> dict[str, list[str]]:
    """The rows of a table by their names."""
    rows = [CELL.findall(row) for row in html.split("<tbody>")[1].split("</tr>")[:-1]]
    return {name: cells for name, *cells in rows}


def close(found: Verdict, expected: Verdict) -> bool:
    """Whether they agree, to 1e-3; nobody can say how well was read what was never asked for."""
    pairs = zip(asdict(found).values(), asdict(expected).values(), strict=True)
    return all(a == b if a is None or b is None else a == pytest.approx(b, rel=1e-3, abs=1e-6) for a, b in pairs)


def test_it_opens_with_the_recorded_table_and_says_so():
    html = metrics.ahead(DEFAULTS["n"])
    assert "Recorded with seed 0, by python -m tutorial.training.evaluate_metrics" in html
    rows = body(html)
    assert list(rows) == [trick.name for trick in sets()]
    assert rows["other real digits"][1] == rows["memorised"][1] == f"{DEFAULTS['n']:,}" == "1,000"
    assert rows["memorised"][-1] == "100%"


def test_the_largest_sets_are_looked_up_too():
    rows = body(metrics.ahead(SIZES[-1]))
    assert rows["memorised"][3].startswith("0.0<") and rows["memorised"].count("100%") == 1
    assert rows["one of each"][2].startswith("10.00<")
    assert rows["VAE"][6] == metrics_shown.UNKNOWN  # nobody told it what to draw
    assert rows["other real digits"][1] == "5,000"


def test_a_cell_says_fooled_where_the_set_is_broken_and_the_number_is_that_of_real_digits():
    rows, record = body(metrics.ahead(5000)), recorded()
    for one in record.sets:
        found = one.verdicts[max(one.verdicts)]
        wrong = fooled(found, metrics._limits(found.n)) if one.name in {trick.name for trick in TRICKS} else set()
        marked = {name for name, cell in zip(METRICS, rows[one.name][2:7], strict=True) if "fooled" in cell}
        assert marked == wrong
    assert "fooled" not in " ".join(rows[REAL.name] + rows["VAE"])


def test_every_metric_is_fooled_by_a_set_and_every_such_set_is_caught_by_another_number():
    """What the chapter says of the table, of the recorded one."""
    record = recorded()
    found = {one.name: one.verdicts[max(one.verdicts)] for one in record.sets}
    deceived = {trick.name: fooled(found[trick.name], metrics._limits(found[trick.name].n)) for trick in TRICKS}
    assert deceived["memorised"] == set(METRICS) and found["memorised"].copies == 1
    assert deceived["one of each"] == {"inception_score", "precision", "accuracy"}
    assert deceived["ones only"] == {"precision", "accuracy"}
    assert deceived["half noise"] == {"recall"}
    assert deceived["blurred"] == deceived["noisy"] == set()


def test_sets_with_fewer_digits_say_how_many(client):
    rows = body(metrics.ahead(5000))
    assert int(rows["ones only"][1]) < 600
    assert rows["diffusion"][1] == f"{recorded().curves['diffusion'].total:,}"


def test_pictures_are_six_digits_side_by_side():
    for one in recorded().sets:
        with Image.open(io.BytesIO(base64.b64decode(one.png))) as picture:
            assert picture.size == (6 * 28, 28)


@pytest.mark.slow
def test_the_record_is_that_of_its_command(tmp_path):
    """At the smallest size: sets, limits and curves, measured again."""
    evaluate_metrics.measure(SIZES[:1], tmp_path)
    again, shipped = evaluate_metrics.recorded(tmp_path), recorded()
    for one, other in zip(again.sets, shipped.sets, strict=True):
        assert (one.name, one.png) == (other.name, other.png)
        assert close(one.verdicts[50], other.verdicts[50])
    assert again.worst[50] == pytest.approx(shipped.worst[50], rel=1e-3)
    for name, curve in again.curves.items():
        assert curve.whole == pytest.approx(shipped.curves[name].whole, rel=1e-3)
        assert curve.sizes[0].found == pytest.approx(shipped.curves[name].sizes[0].found, rel=1e-3)
    content = json.loads((tmp_path / "digit_metrics.json").read_text())
    (tmp_path / "digit_metrics.json").write_text(json.dumps(content | {"curves": {"real": {"sizes": 3}}}))
    with pytest.raises(MeasurementsError, match=r"damaged\. Make it again"):
        evaluate_metrics.recorded(tmp_path)


def test_what_was_drawn_ahead_is_drawn_again_by_its_command(tmp_path):
    """The first digits; a grey value may be rounded to the other side."""
    evaluate_metrics.draw(3, tmp_path)
    again, shipped = drawn_ahead.load(tmp_path), drawn_ahead.load()
    assert again.classes.tolist() == shipped.classes[:3].tolist() and again.made == shipped.made
    assert (again.pictures.int() - shipped.pictures[:3].int()).abs().max() <= 3


def test_few_real_digits_seem_farther_than_many_and_the_line_gets_it_right():
    """What the chapter says of the curves, of the recorded ones."""
    real, vae = (recorded().curves[name] for name in (REAL.name, "VAE"))
    means = [one.mean for one in real.sizes]
    assert means == sorted(means, reverse=True)
    assert means[0] > vae.sizes[-1].mean > means[-1]
    for curve in (real, vae):
        assert abs(curve.line.at(curve.total) - curve.whole) < 3 * curve.line.error
    assert real.line.limit < means[-1]


def test_the_curves_show_what_was_found():
    clip = json.loads(metrics.bias_ahead("VAE"))
    assert clip["frames"] == len(SIZES) and clip["labels"][0].startswith("N = 50: real ")
    against_n, against_inverse, _ = clip["panels"]
    real = recorded().curves[REAL.name]
    dots = floats(against_n["layers"][0])[0]
    assert len(dots) == sum(len(one.found) for one in real.sizes)
    mean = next(layer for layer in against_n["layers"] if layer["name"] == "mean, real digits")
    assert floats(mean)[0, :, 1] == pytest.approx([one.mean for one in real.sizes], rel=1e-5)
    line = next(layer for layer in against_inverse["layers"] if layer["name"] == "the line to FD∞")
    assert floats(line)[0, 0] == pytest.approx([0, real.line.limit], rel=1e-5)
    assert "farther than 5,000 from the VAE" in clip["note"]


@pytest.mark.parametrize("name", ["VAE", "diffusion", "GAN"])
def test_clips_are_drawn_of_every_model(name):
    assert json.loads(metrics.bias_ahead(name))["note"].endswith("evaluate_metrics.")


def test_few_sets_have_no_line_and_say_so():
    real = recorded().curves[REAL.name]
    few = replace(real, sizes=real.sizes[:2], total=150)
    assert few.line is None
    clip = json.loads(metrics_shown.bias(real, few, "few", metrics_shown.told(real, few, "few")))
    assert clip["note"].endswith("few: 150 digits are too few for a line.")


def test_sets_are_judged_in_short_parts_and_shown_one_after_the_other():
    shown = [part for part in metrics.work(check(n=50, beside="VAE", seed=1)) if part is not None]
    assert len(shown) == len(sets())
    assert shown[0][1] == f"1 of {len(sets())} sets judged" and shown[-1][1].startswith(f"All {len(sets())} sets")
    first, last = body(shown[0][0]), body(shown[-1][0])
    assert first["VAE"][1:] == [metrics_shown.LATER] * 7 and metrics_shown.LATER not in last["VAE"]
    assert "Measured here, with seed 1." in shown[-1][0]


def test_the_same_seed_measures_what_was_recorded():
    *_, (found, _) = (part for part in judging(100, 0) if part is not None)
    for one in recorded().sets:
        assert close(found[one.name], one.verdicts[100])


def test_curves_are_measured_as_they_were_recorded():
    said = [part for part in comparing("VAE", 0) if part is not None]
    assert any("20,000 real digits" in part for part in said if isinstance(part, str))
    found = said[-1]
    assert isinstance(found, Compared)
    for curve, name in ((found.real, REAL.name), (found.other, "VAE")):
        assert curve.whole == pytest.approx(recorded().curves[name].whole, rel=1e-3)
        assert curve.sizes[3].found == pytest.approx(recorded().curves[name].sizes[3].found, rel=1e-2)


def test_the_endpoint_answers_with_the_numbers_and_what_is_fooled(client):
    found = client.predict(candidate="one of each", n=100, seed=0, api_name="/gan_metrics")
    assert found["n"] == 100 and found["recall"] == 0
    assert found["inception_score"] == pytest.approx(10, abs=1e-3)
    assert {"inception_score", "precision", "accuracy"} == set(found["fooled"])
    vae = client.predict(candidate="VAE", n=60, api_name="/gan_metrics")
    assert vae["accuracy"] is None and math.isfinite(vae["frechet"])


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"candidate": "the best"}, "The candidate must be one of"),
        ({"candidate": ["VAE"]}, "The candidate must be one of"),
        ({"n": 49}, "The number of digits must be between"),
        ({"n": 5001}, "The number of digits must be between"),
        ({"n": "all"}, "The number of digits must be a number"),
        ({"seed": 0.5}, "whole number"),
        ({"seed": -1}, "The seed must be between"),
    ],
)
def test_bad_values_are_refused_in_a_sentence(client, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**values, api_name="/gan_metrics")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [({"n": math.nan}, "must be a number"), ({"n": 70}, "must be one of: 50, 100"), ({"beside": "me"}, "one of: VAE")],
)
def test_the_page_offers_only_some_sizes_and_models(values, sentence):
    with pytest.raises(gr.Error, match=sentence):
        check(**DEFAULTS | values)


def test_text_is_never_markup():
    row = metrics_shown.Row("<b>", "<i>", "", True, Verdict(9, 1, 1, 1, 1, None, 0), dict.fromkeys(METRICS, 2.0))
    assert "<b>" not in metrics_shown.rows([row], "<script>") and "<script>" not in metrics_shown.rows(
        [row], "<script>"
    )


def test_without_its_record_the_lab_says_how_to_get_it_back(monkeypatch):
    def missing() -> None:
        raise MeasurementsError("Get it back.")

    monkeypatch.setattr(metrics, "recorded", missing)
    with gr.Blocks() as page:
        metrics.lab(page)
    assert any("Get it back" in str(block.value) for block in page.blocks.values() if isinstance(block, gr.Markdown))


def test_the_curves_have_a_seed_of_their_own_beside_their_button():
    with gr.Blocks() as page, gr.Tab("GANs"):
        metrics.lab(page)
    ids = {number: str(block.elem_id) for number, block in page.blocks.items()}
    inputs = {
        ids[number]: [str(one.elem_id) for one in event.inputs]
        for event in page.fns.values()
        for number, what in event.targets
        if what == "click"
    }
    assert inputs["metrics-bias-run"][1:] == ["metrics-beside", "metrics-bias-seed"]
    assert inputs["metrics-run"] == ["metrics-n", "metrics-beside", "metrics-seed"]
    row = {ids[number]: block.parent for number, block in page.blocks.items()}
    assert row["metrics-bias-seed"] is not None
    assert row["metrics-bias-run"] in (row["metrics-bias-seed"], row["metrics-bias-seed"].parent)


def test_no_part_of_the_work_is_longer_than_a_turn_should_be():
    """Of computing, by the clock of this thread; the first ones load what all need."""
    import time

    longest, work = 0.0, judging(500, 0)
    for _ in range(60):
        next(work)
    for _ in range(60):
        begun = time.thread_time()
        next(work)
        longest = max(longest, time.thread_time() - begun)
    assert longest < 3 * limits.SLICE
