"""The first labs of the chapter "Two kinds of models": what they compute, what they answer, and what they refuse."""

from __future__ import annotations

import json
import math

import gradio as gr
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError
from sklearn.svm import SVC

from apps.tabs.two_kinds import by_hand, look, plane, shown, support
from apps.tabs.two_kinds.by_hand import ByHand
from tutorial.data.principal import zeros_and_ones
from tutorial.two_kinds import kinds


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


def test_a_linear_svm_on_points_of_ones_own(client):
    """Two pairs, four units apart: the street between them has the nearest two points on its edges."""
    points = [[-2, 0], [-3, 1], [2, 0], [3, 1]]
    answer = client.predict(
        points=points,
        labels=[0, 0, 1, 1],
        strength=2,
        generative="kernel density",
        at=[[-2, 0], [0, 5], [2, 0]],
        api_name="/classify_toy",
    )
    assert answer["accuracy_discriminative"] == answer["accuracy_generative"] == 1
    assert answer["margin"] == pytest.approx(4, rel=1e-3)
    assert answer["support"] == [0, 2]
    assert answer["decision"] == pytest.approx([-1, 0, 1], abs=1e-3)
    assert answer["posterior"][1] == pytest.approx(0.5, abs=1e-6)
    (line,) = answer["boundary_discriminative"]
    assert max(abs(x) for x, _ in line) < 1e-3
    assert "probability" not in answer


def test_digits_are_told_apart_and_bayes_rule_holds(client):
    answer = client.predict(
        discriminative="logistic regression", generative="QDA", digits=500, at=[[0.2, 0.5]], api_name="/classify_toy"
    )
    assert answer["accuracy_discriminative"] > 0.98
    assert answer["accuracy_generative"] > 0.98
    zero, one = math.exp(answer["log_joint_0"][0]), math.exp(answer["log_joint_1"][0])
    assert answer["log_density"][0] == pytest.approx(math.log(zero + one))
    assert answer["posterior"][0] == pytest.approx(one / (zero + one))
    assert answer["probability"][0] == pytest.approx(1 / (1 + math.exp(-answer["decision"][0])))
    assert "support" not in answer


@pytest.mark.parametrize("discriminative", kinds.DISCRIMINATIVE)
@pytest.mark.parametrize("generative", kinds.GENERATIVE)
def test_every_pair_is_answered(client, discriminative, generative):
    answer = client.predict(discriminative=discriminative, generative=generative, digits=300, api_name="/classify_toy")
    assert answer["accuracy_discriminative"] > 0.95
    assert answer["accuracy_generative"] > 0.95


def test_without_the_others_the_svm_stays_and_qda_does_not(client):
    answer = client.predict(api_name="/support_vectors")
    assert answer["svm_move"] < 1e-4
    assert answer["svm_changed"] == 0
    assert answer["gaussian_move"] > 0.1
    known = zeros_and_ones("training")
    theirs = SVC(kernel="linear", C=1.0).fit(known.points[:200].double().numpy(), known.labels[:200].numpy())
    assert answer["support_vectors"] == len(theirs.support_)
    assert answer["margin_before"] == pytest.approx(2 / (theirs.coef_**2).sum() ** 0.5, rel=1e-2)
    assert answer["margin_after"] == pytest.approx(answer["margin_before"], rel=1e-4)


def test_with_every_support_vector_at_its_bound_the_boundary_slides_and_the_lab_says_so(client):
    answer = client.predict(strength=-2, digits=20, api_name="/support_vectors")
    assert answer["margin_after"] == pytest.approx(answer["margin_before"])
    assert answer["svm_changed"] > 100
    *_, (_, said) = filter(None, support.whole(support.check("QDA", -2.0, 20)))
    assert support.OPEN_END in said


def test_a_gaussian_that_has_too_little_left_says_so():
    """With a hard margin three points are left, one of them alone in its class."""
    *_, (clip, said) = filter(None, support.deleted(support.check("QDA", 2.0, 20)))
    assert "nothing to say: there must be at least 2 points of each class" in said
    assert json.loads(clip)["frames"] == 3


MANY = [[0.0, 0.0]] * 2001
FOUR = {"points": [[0, 0], [1, 1], [2, 0], [3, 2]], "labels": [0, 1, 0, 1]}
BAD = [
    ("/classify_toy", {"discriminative": "oracle"}, "must be one of"),
    ("/classify_toy", {"generative": ["QDA"]}, "must be one of"),
    ("/classify_toy", {"digits": 19}, "between 20 and 2,000"),
    ("/classify_toy", {"digits": 30.5}, "whole number"),
    ("/classify_toy", {"noise": 41}, "between 0 and 40"),
    ("/classify_toy", {"strength": "much"}, "must be a number"),
    ("/classify_toy", {"gaussians": 0}, "between 1 and 6"),
    ("/classify_toy", {"bandwidth": 0}, "between 0.05 and 1"),
    ("/classify_toy", {"points": FOUR["points"]}, "points and labels together"),
    ("/classify_toy", {"labels": [0, 1]}, "points and labels together"),
    ("/classify_toy", FOUR | {"labels": [0, 1]}, "points and labels together"),
    ("/classify_toy", FOUR | {"labels": [0, 1, 2, 1]}, "A label must be between 0 and 1"),
    ("/classify_toy", FOUR | {"labels": [0, 1, 0, 0.5]}, "whole number"),
    ("/classify_toy", FOUR | {"labels": [0, 0, 0, 0]}, "of one class"),
    ("/classify_toy", FOUR | {"points": [[1, 1]] * 4}, "in one place"),
    ("/classify_toy", FOUR | {"points": [[0, 0], [1, 1], [2, 2], [3, 3]]}, "do not vary in all 2 directions"),
    ("/classify_toy", {"points": [[0, 0], [1, 1]], "labels": [0, 1]}, "at least 2 points of each class"),
    ("/classify_toy", {"points": [], "labels": []}, "of one class"),
    ("/classify_toy", {"points": MANY, "labels": [0] * 2001}, "at most 2,000 points"),
    ("/classify_toy", FOUR | {"points": [[0, 0], [1, 1], [2, 0], [3, 1e9]]}, "between -100"),
    ("/classify_toy", FOUR | {"points": [[0, 0], [1, 1], [2, 0], ["a", 1]]}, "must be a number"),
    ("/classify_toy", FOUR | {"points": [[0, 0], [1, 1], [2, 0], [3, 2, 1]]}, "pairs of numbers"),
    ("/classify_toy", {"at": [[0, 0]] * 1001}, "at most 1,000 pairs"),
    ("/classify_toy", {"at": [[0]]}, "pairs of numbers"),
    ("/support_vectors", {"gaussian": "naive Bayes"}, "must be one of"),
    ("/support_vectors", {"strength": 3}, "between -2 and 2"),
    ("/support_vectors", {"digits": 1e9}, "between 20 and 2,000"),
]


@pytest.mark.parametrize(("endpoint", "values", "sentence"), BAD, ids=range(len(BAD)))
def test_bad_values_are_refused_in_a_sentence(client, endpoint, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**values, api_name=endpoint)


def test_nan_and_a_hundred_thousand_points_are_refused():
    """JSON has no NaN, but Python's does; and a body of so many points is refused by its size before it gets here."""
    from apps.tabs.two_kinds import classify

    with pytest.raises(gr.Error, match="must be a number"):
        classify.own_data([[math.nan, 0.0], [1.0, 1.0]], [0, 1])
    with pytest.raises(gr.Error, match="at most 2,000 points"):
        classify.own_data([[0.0, 0.0]] * 100_000, [0, 1] * 50_000)


def test_wrong_labels_are_always_the_same_and_as_many_as_asked():
    clean, noisy, fewer = plane.digits(2000, 0), plane.digits(2000, 0.2), plane.digits(500, 0.2)
    turned = clean.y != noisy.y
    assert turned.double().mean() == pytest.approx(0.2, abs=5 * (0.2 * 0.8 / 2000) ** 0.5)
    assert torch.equal(fewer.y, noisy.y[:500])
    assert torch.equal(clean.y, zeros_and_ones("training").labels[:2000])


class TestClicks:
    """What each kind of click does to the points."""

    digits = staticmethod(lambda: plane.digits(50, 0))

    def after(self, *clicks: tuple[str, float, float]):
        hand = ByHand()
        for mode, x, y in clicks:
            hand = by_hand.clicked(hand, mode, by_hand.applied(self.digits(), hand), x, y)
        return hand, by_hand.applied(self.digits(), hand)

    def test_adding(self):
        _, sample = self.after((by_hand.ADD_0, 1.0, 2.0), (by_hand.ADD_1, -1.0, 0.5))
        assert len(sample.y) == 52
        assert sample.x[50:].tolist() == [[1.0, 2.0], [-1.0, 0.5]]
        assert sample.y[50:].tolist() == [0, 1]

    def test_deleting_takes_the_nearest_a_digit_or_an_added_one(self):
        x, y = self.digits().x[7].tolist()
        _, sample = self.after((by_hand.DELETE, x, y))
        assert sample.keys == tuple(k for k in range(50) if k != 7)
        _, sample = self.after((by_hand.ADD_0, 2.2, 3.0), (by_hand.ADD_1, -3.0, 3.0), (by_hand.DELETE, 2.3, 3.1))
        assert len(sample.y) == 51
        assert sample.y[50] == 1

    def test_moving_takes_two_clicks_and_keeps_the_label(self):
        x, y = self.digits().x[7].tolist()
        label = int(self.digits().y[7])
        hand, sample = self.after((by_hand.MOVE, x, y))
        assert hand.picked == 7
        assert len(sample.y) == 50
        hand, sample = self.after((by_hand.MOVE, x, y), (by_hand.MOVE, 2.0, -2.0))
        assert hand.picked is None
        assert 7 not in sample.keys
        assert sample.x[-1].tolist() == [2.0, -2.0]
        assert int(sample.y[-1]) == label
        hand, sample = self.after(*[(by_hand.MOVE, x, y), (by_hand.MOVE, 2.0, -2.0)], (by_hand.MOVE, 2.0, -2.0))
        assert hand.picked == -1

    def test_asking_changes_no_point(self):
        hand, sample = self.after((by_hand.MOVE, 0.0, 0.0), (by_hand.LOOK, 0.5, 0.5))
        assert hand.asked == (0.5, 0.5)
        assert hand.picked is None
        assert len(sample.y) == 50

    def test_there_is_an_end_to_adding(self):
        hand = ByHand(added=((0.0, 0.0, 0),) * by_hand.MOST)
        with pytest.raises(gr.Error, match="at most 200 points"):
            by_hand.clicked(hand, by_hand.ADD_1, by_hand.applied(self.digits(), hand), 0, 0)

    @pytest.mark.parametrize("mode", [by_hand.MOVE, by_hand.DELETE])
    def test_where_no_point_is_left_none_is_taken(self, mode):
        hand = ByHand(deleted=frozenset(range(50)))
        with pytest.raises(gr.Error, match="No point is left"):
            by_hand.clicked(hand, mode, by_hand.applied(self.digits(), hand), 0, 0)

    def test_deleting_one_class_is_refused_when_nothing_is_left_of_it(self):
        ones = frozenset(int(k) for k in self.digits().y.nonzero())
        with pytest.raises(gr.Error, match="of one class"):
            list(look.show(look.check(**look.DEFAULTS | {"digits": 50}), ByHand(deleted=ones)))

    def test_a_place_must_be_on_the_plane(self):
        for data in (None, {}, {"x": 0}, {"x": "a", "y": 0}, {"x": 9, "y": 0}, {"x": math.nan, "y": 0}):
            with pytest.raises(gr.Error, match="The place must be"):
                plane.place(gr.EventData(None, data))


@pytest.mark.parametrize(
    ("log", "text"),
    [
        (0.0, "1"),
        (math.log(0.25), "0.25"),
        (math.log(2e-20), "2.0 · 10⁻²⁰"),
        (-5000.0, "3.4 · 10⁻²¹⁷²"),
        (math.log(9.99e-8), "1.0 · 10⁻⁷"),
        (math.log(31415), "3.1 · 10⁴"),
    ],
)
def test_small_numbers_are_told_as_powers_of_ten(log, text):
    assert shown.scientific(log) == text


@pytest.mark.parametrize(
    ("log_odds", "text"), [(0.0, "50.0%"), (-100.0, "3.7 · 10⁻⁴⁴"), (100.0, "1 − 3.7 · 10⁻⁴⁴"), (2.0, "88.1%")]
)
def test_probabilities_near_their_ends_are_told_by_what_they_miss(log_odds, text):
    assert shown.chance(log_odds) == text
