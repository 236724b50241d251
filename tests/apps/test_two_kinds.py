"""The first labs of the chapter "Two kinds of models": what they compute, what they answer, and what they refuse."""

from __future__ import annotations

import copy
import json
import math
import threading
from dataclasses import replace

import gradio as gr
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError
from sklearn.svm import SVC

from apps import limits
from apps.tabs.two_kinds import by_hand, look, plane, support
from apps.tabs.two_kinds.by_hand import ByHand, Hand
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
    assert "all at their bound C: they settle w, but the boundary may slide along it" in said
    *_, (_, said) = filter(None, support.deleted(support.check("QDA", -2.0, 20)))
    assert "| it leaves the picture |" in said
    assert said.count("at their bound C") == 1


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
    ("/classify_toy", {"points": [], "labels": []}, "There are no points"),
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


class TestOneVisitorsHand:
    """Clicks that come at the same time, and those that nothing can be learned from."""

    wish = staticmethod(lambda **other: look.check(**look.DEFAULTS | {"digits": 50} | other))

    def test_quick_clicks_all_count_and_visitors_do_not_wait_for_each_other(self):
        mine, other = (copy.deepcopy(Hand()) for _ in range(2))  # as Gradio makes them
        inside, go_on = threading.Event(), threading.Event()

        def slow(now: ByHand) -> ByHand:
            inside.set()
            assert go_on.wait(10)
            return look.click(self.wish(), now, by_hand.ADD_0, 1.0, 1.0)

        def quick(now: ByHand) -> ByHand:
            return look.click(self.wish(), now, by_hand.ADD_1, -1.0, 1.0)

        clicks = [threading.Thread(target=mine.change, args=(change,)) for change in (slow, quick)]
        clicks[0].start()
        assert inside.wait(10)
        clicks[1].start()
        other.change(quick)  # while the first visitor's click is still at work
        assert len(other.now.added) == 1
        assert mine.now.added == ()
        go_on.set()
        for click in clicks:
            click.join(10)
        assert [label for *_, label in mine.now.added] == [0, 1]

    def test_a_sentence_is_not_said_again_to_every_quick_click(self, monkeypatch):
        hand, clock, shown = Hand(), [100.0], []
        monkeypatch.setattr(by_hand.time, "monotonic", lambda: clock[0])

        def refused(sentence: str) -> None:
            def never(now: ByHand) -> ByHand:
                raise limits.refuse(sentence)

            with pytest.raises(gr.Error, match=sentence) as caught:
                hand.change(never)
            shown.append((sentence, caught.value.visible))

        for sentence in ("one", "one", "two", "one", "one"):
            refused(sentence)
            clock[0] += 1
        clock[0] += by_hand.SAID
        refused("one")
        assert [visible for _, visible in shown] == [True, False, True, True, False, True]

    def test_a_click_fits_no_model(self, monkeypatch):
        monkeypatch.setattr(plane, "generative", None)
        monkeypatch.setattr(plane, "discriminative", None)
        assert look.click(self.wish(), ByHand(), by_hand.ADD_1, -1.0, 1.0).added

    def test_changes_that_a_model_cannot_learn_from_are_taken_back(self):
        """Six Gaussians for each class need six points of each; with five zeros left, the class counts are no bar."""
        sample, hand, wish = plane.digits(50, 0), Hand(), self.wish(generative=kinds.MIXTURE, gaussians=6)
        zeros = [sample.keys[row] for row in (sample.y == 0).nonzero().flatten()]
        hand.change(lambda now: replace(now, deleted=frozenset(zeros[6:])))
        list(look.attempt(wish, hand))
        kept, (x, y) = hand.now, sample.x[zeros[0]].tolist()
        for first in (True, False):
            hand.change(lambda now: look.click(wish, now, by_hand.DELETE, x, y))
            with pytest.raises(gr.Error, match="6 Gaussians") as caught:
                list(look.attempt(wish, hand))
            assert hand.now is kept
            assert caught.value.visible == first  # once is enough


@pytest.mark.parametrize("noise", [0, 40])
@pytest.mark.parametrize("own", [False, True])
def test_models_that_remember_many_points_answer_in_short_slices(noise, own):
    """All that is no single call of scikit-learn's: how long it takes does not grow with the places that are asked."""
    from apps.tabs.two_kinds import classify

    asked: list[int] = []

    class Watched(type(plane.generative(kinds.KERNEL, 1, 0.2))):  # type: ignore[misc]
        def log_joint(self, x):
            asked.append(len(x))
            return super().log_joint(x)

    wish = look.check(**look.DEFAULTS | {"generative": kinds.KERNEL, "noise": noise})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plane, "generative", lambda *_: Watched(0.2))
        work = classify.classify(wish, None, torch.zeros(3, 2)) if own else look.show(wish, ByHand())
        calls = []
        for _ in work:
            calls.append(len(asked))
            asked.clear()
    assert max(calls) <= 1
    assert sum(calls) > plane.MIDDLES**2 / plane.BLOCK
