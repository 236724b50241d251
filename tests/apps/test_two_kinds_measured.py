"""The chapter "Two kinds of models", from drawing on: what its endpoints answer and refuse, and what its labs show."""

from __future__ import annotations

import json
import math

import gradio as gr
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError

from apps.tabs.two_kinds import draws, effort, elsewhere, learners, letter, novelty
from tutorial.data import principal
from tutorial.data.principal import zeros_and_ones
from tutorial.two_kinds import kinds
from tutorial.two_kinds.novelty import LOST, SCORES


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


def test_samples_are_new_points_of_the_digit(client):
    answer = client.predict(model="QDA", space=10, digit=1, n=300, seed=3, api_name="/generate_toy")
    points = torch.tensor(answer["points"])
    assert points.shape == (300, 10)
    model = kinds.generative("QDA", 10)
    means = model.means  # type: ignore[attr-defined]
    assert torch.dist(points.double().mean(0), means[1]) < 0.3 < torch.dist(points.double().mean(0), means[0])
    known = zeros_and_ones("training", 10).points
    assert torch.cdist(points, known).min() > 1e-3  # nobody's copy
    assert 0 <= answer["read_as"] <= 1
    assert answer["real"] > 0.5
    again = client.predict(model="QDA", space=10, digit=1, n=300, seed=3, api_name="/generate_toy")
    assert again == answer


def test_more_components_are_read_better(client):
    few, many = (client.predict(space=space, digit=0, api_name="/generate_toy") for space in (2, 50))
    assert many["read_as"] > few["read_as"] + 0.2
    assert many["real"] > 0.9


def test_far_away_the_classifier_is_sure_and_the_density_is_not(client):
    answer = client.predict(x=5, y=-5, api_name="/seen_elsewhere")
    assert answer["p_one"] > 0.999
    assert answer["log_density"] < math.log(1e-20)
    assert answer["above"] == 0
    middle = client.predict(x=-1, y=0, api_name="/seen_elsewhere")
    assert middle["p_one"] < 0.01
    assert middle["above"] > 0.2
    at = torch.tensor([[-1.0, 0.0]])
    assert middle["log_density"] == pytest.approx(kinds.generative(kinds.MIXTURE, 2).log_density(at).item())


def test_a_drawn_stroke_is_a_familiar_one_and_a_cross_is_not(client):
    stroke, cross = [[0.5, 0.1], [0.5, 0.9]], [[0.1, 0.5], [0.9, 0.5]]
    one = client.predict(strokes=[stroke], api_name="/score_drawing")
    plus = client.predict(strokes=[stroke, cross], api_name="/score_drawing")
    assert one["one"]["logistic regression"] > 0.9
    assert one["stranger"][kinds.MIXTURE] < 0.9
    assert plus["log_density"] < one["log_density"]
    assert plus["lost"] > one["lost"]
    assert plus["stranger"][LOST] > 0.95


def test_who_notices_is_measured(client):
    text, areas = client.predict(space=2, api_name="/who_notices")
    assert "measured just now" in text
    assert areas.keys() == set(SCORES)
    assert all(0.5 < area < 1 for area in areas.values())


def test_who_learns_faster_is_measured_and_streams(client):
    job = client.submit(pair="3 and 5", repeats=2, api_name="/who_learns_faster")
    text, found = job.result(timeout=120)
    assert text == "3 and 5: 2 repeats, measured just now"
    assert {name: len(rows) for name, rows in found["labelled"].items()} == {
        "naive Bayes, variances shared": 12,
        "naive Bayes, variances per class": 12,
        "logistic regression": 12,
    }
    for rows in (*found["labelled"].values(), found["lead"], *found["unlabelled"].values()):
        assert all(row["low"] <= row["median"] <= row["high"] for row in rows)
    assert found["labelled"]["logistic regression"][-1]["median"] > 0.9


def test_the_effort_of_both_sides_is_measured(client):
    job = client.submit(space=2, api_name="/working_harder")
    _, rows = job.result(timeout=120)
    assert len(rows) == 9
    assert {row["side"] for row in rows} == {"discriminative", "generative"}
    assert all(row["accuracy"] > 0.98 and row["seconds"] > 0 for row in rows)
    assert len(job.outputs()) >= 9


LINE = [[0.1, 0.1], [0.9, 0.9]]
BAD = [
    ("/generate_toy", {"model": "GAN"}, "must be one of"),
    ("/generate_toy", {"model": ["QDA"]}, "must be one of"),
    ("/generate_toy", {"model": "logistic regression"}, "nothing to draw from"),
    ("/generate_toy", {"space": 3}, "must be one of: 2, 10, 50"),
    ("/generate_toy", {"digit": 7}, "must be one of: 0, 1"),
    ("/generate_toy", {"n": 0}, "between 1 and 1,000"),
    ("/generate_toy", {"n": 1e9}, "between 1 and 1,000"),
    ("/generate_toy", {"seed": -1}, "must be between"),
    ("/seen_elsewhere", {"x": 9}, "between -8.0 and 8.0"),
    ("/seen_elsewhere", {"y": "up"}, "must be a number"),
    ("/seen_elsewhere", {"separates": "QDA"}, "must be one of"),
    ("/seen_elsewhere", {"explains": "small MLP"}, "must be one of"),
    ("/score_drawing", {"strokes": []}, "Draw something first"),
    ("/score_drawing", {"strokes": [[]]}, "Draw something first"),
    ("/score_drawing", {"strokes": "T"}, "list of lists"),
    ("/score_drawing", {"strokes": [[[0.1, 0.2, 0.3]]]}, "pair of numbers"),
    ("/score_drawing", {"strokes": [[[2, 0.5]]]}, "between 0 and 1"),
    ("/score_drawing", {"strokes": [[["a", "b"]]]}, "must be a number"),
    ("/score_drawing", {"strokes": [LINE] * 41}, "at most 40 strokes"),
    ("/score_drawing", {"strokes": [[[0.5, 0.5]] * 4001]}, "at most 40 strokes"),
    ("/who_notices", {"space": 784}, "must be one of"),
    ("/who_learns_faster", {"pair": "0 and 0"}, "must be one of"),
    ("/who_learns_faster", {"repeats": 1}, "between 2 and 30"),
    ("/who_learns_faster", {"repeats": 2.5}, "whole number"),
    ("/working_harder", {"space": "all"}, "must be one of"),
]


@pytest.mark.parametrize(("endpoint", "values", "sentence"), BAD, ids=range(len(BAD)))
def test_bad_values_are_refused_in_a_sentence(client, endpoint, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**values, api_name=endpoint)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, True, {}])
def test_what_json_cannot_say_is_refused_too(value):
    with pytest.raises(gr.Error):
        elsewhere.check("logistic regression", kinds.MIXTURE, value, 0)
    with pytest.raises(gr.Error):
        letter.checked([[[value, 0.5]]])
    with pytest.raises(gr.Error):
        learners.check("0 and 1", value, 0)


@pytest.mark.parametrize("model", draws.NAMES)
def test_each_model_draws_or_climbs(model):
    *_, clip = draws.work(draws.check(model, "2", "1", 0))
    content = json.loads(clip)
    if model in draws.CLIMBS:
        assert content["frames"] == draws.STEPS // draws.EVERY + 1
        assert "The judge, who is a discriminative model too" in content["note"]
    else:
        assert "reads" in content["note"]
        assert len(content["panels"]) == 3


def test_a_climb_ends_sure_and_unlikely():
    *_, clip = draws.work(draws.check("logistic regression, climbing", "10", "0", 1))
    note = json.loads(clip)["note"]
    assert "gives each of them p(0 | x) = 1 − " in note
    assert "100% of what climbed is stranger still" in note


def test_an_svm_gives_its_decision_and_no_probability():
    wish = elsewhere.check("RBF SVM", "QDA", 5, -5)
    decision = elsewhere.ask(wish).decision
    assert f"| RBF SVM: decision, no probability | {decision:+.3g} |".replace("-", "−") in elsewhere.told(
        wish, elsewhere.ask(wish)
    )


@pytest.mark.parametrize(("p", "text"), [(1 - 3e-5, "1 − 3.0·10⁻⁵"), (1 - 5e-6, "1 − 5.0·10⁻⁶"), (5e-6, "5.0·10⁻⁶")])
def test_what_is_not_quite_sure_is_not_told_as_100_percent(p, text):
    log_odds = math.log(p / (1 - p))
    wish = elsewhere.check("logistic regression", "QDA", 0, 0)
    answer = elsewhere.Answer(abs(log_odds), p, p, log_odds, -3.0, 0.5)
    assert f"p(1 given x), by Bayes’ rule | {text} |" in elsewhere.told(wish, answer)
    drawn = letter.Answer({"small MLP": p}, {"small MLP": log_odds}, -3.0, 1.0, {kinds.MIXTURE: 0.5, LOST: 0.5})
    sure = text if p > 0.5 else f"1 − {text}"
    assert f"with p({int(p > 0.5)} given x) = {sure} |" in letter.told(drawn)


def test_recordings_say_so_and_how_to_repeat_them():
    films = [
        *learners.recordings().values(),
        *novelty.recordings().values(),
        *(one for one, _ in effort.recordings().values()),
    ]
    for film in films:
        assert "recorded by python -m tutorial.training.two_kinds" in json.loads(film)["note"]


def test_a_damaged_recording_is_told_with_its_command(monkeypatch):
    from tutorial import measurements

    content = {"command": "make it", "learning": {}, "repeats": 1, "spaces": {"2": {}}}
    monkeypatch.setattr(measurements, "load", lambda *_, **__: content)
    for recordings in (learners.recordings, novelty.recordings, effort.recordings):
        with pytest.raises(measurements.MeasurementsError, match="make it"):
            recordings()


def test_ink_follows_the_strokes_and_is_bounded():
    dots = letter.ink((((0.0, 0.0), (1.0, 0.0)), ((0.5, 0.5),)))[0]
    assert dots[-1].tolist() == [0.5, 0.5]
    line = dots[:-1]
    assert (line[0].tolist(), line[-1].tolist()) == ([0.0, 0.0], [1.0, 0.0])
    assert max(line[1:, 0] - line[:-1, 0]) <= 0.01 + 1e-12
    scribble = tuple((float(k % 2), (k // 2) / 2000) for k in range(letter.POINTS))
    assert letter.ink((scribble,)).shape[1] <= letter.DOTS + 2
    assert letter.ink(()).shape == (1, 0, 2)


def test_an_empty_paper_asks_for_a_drawing():
    clip, table = letter.picture(letter.check(letter.DRAWN, 0, []))
    assert "Draw a letter" in json.loads(clip)["note"]
    assert table == ""


def test_the_endpoints_compute_what_they_answer_and_no_picture(client, monkeypatch):
    for lab in (elsewhere, letter):
        monkeypatch.setattr(lab, "picture", None)
    assert client.predict(x=1, y=2, api_name="/seen_elsewhere")["p_one"] > 0
    assert client.predict(strokes=[LINE], api_name="/score_drawing")["lost"] > 0


@pytest.mark.parametrize(
    ("endpoint", "values"),
    [
        ("/classify_toy", {"digits": 20}),
        ("/support_vectors", {"digits": 20}),
        ("/generate_toy", {"model": "LDA", "space": 10}),
        ("/seen_elsewhere", {}),
        ("/score_drawing", {"strokes": [LINE]}),
        ("/who_notices", {"space": 2}),
        ("/who_learns_faster", {"repeats": 2}),
        ("/working_harder", {"space": 2}),
    ],
)
def test_without_mnist_an_endpoint_says_how_to_get_it_back(client, monkeypatch, tmp_path, endpoint, values):
    from tutorial.data import digits

    kept = [
        digits.digits,
        principal._all_components,
        zeros_and_ones,
        kinds.generative,
        kinds.discriminative,
        letter.watched,
    ]
    for function in kept:
        function.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(digits, "FOLDER", tmp_path)
        with pytest.raises(AppError, match=r"is missing or damaged\. Get it back"):
            client.predict(**values, api_name=endpoint)
