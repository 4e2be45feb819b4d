"""When two arms count as equal, and what is said of a claim."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.arms import Arm
from studies.claims import Claim, relation, sentence, spread, values
from studies.training import Outcome, Point

SCORES = st.lists(st.floats(1, 100), min_size=1, max_size=5)


def outcomes(name, *mean_ius, batch=1):
    """One for each seed, whose points' mean IUs are given; the loss is their distance to 1."""
    return [
        Outcome(
            Arm(name, batch=batch),
            seed,
            tuple(Point(10 * (i + 1), 1 - iu, iu, iu) for i, iu in enumerate(of)),
        )
        for seed, of in enumerate(mean_ius)
    ]


@given(SCORES)
def test_an_arm_is_as_good_as_itself(scores):
    assert relation(scores, scores, True) == "as good as"


@given(st.lists(st.tuples(st.floats(1, 100), st.floats(1, 100)), min_size=1, max_size=5))
def test_more_and_less_turn_the_relation_round(pairs):
    ours, others = zip(*pairs, strict=True)
    turned = {"better than": "worse than", "worse than": "better than"}
    seen = relation(ours, others, True)
    assert relation(ours, others, False) == turned.get(seen, seen)


def test_what_is_not_noticeable_or_within_the_spread_is_equal():
    assert relation([50.9], [50], True) == "as good as"
    assert relation([51.1], [50], True) == "better than"
    assert relation([51, 53, 55], [50, 52, 54], True) == "as good as"  # by 1 of 52
    assert relation([53, 55, 57], [50, 52, 54], True) == "better than"  # by 3, in every seed
    assert relation([44, 60, 59], [50, 52, 54], True) == "as good as"  # by 2, now so, now so


def test_an_arm_that_diverged_is_worse():
    nan = math.nan
    assert relation([1, nan], [1, 1], True) == "worse than"
    assert relation([1, 1], [nan, 1], False) == "better than"
    assert relation([nan, 1], [nan, 1], True) == "as good as"


def test_values_are_the_last_and_those_after_as_many_images():
    (single,) = values(outcomes("a", (0.1, 0.2, 0.3, 0.4)), "mean IU")
    assert single == pytest.approx(40)
    of = outcomes("b", (0.1, 0.2, 0.3, 0.4), batch=2)
    assert values(of, "loss") == [0.6]
    assert values(of, "loss after as many images") == [0.8]  # after 20 of 40 iterations
    assert math.isnan(values(outcomes("c", ()), "loss")[0])


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        ((0.4, 0.5), "b is better than a (mean IU 45.0 ± 7.1 against 29.0 ± 7.1, 155 %, 2 seeds)"),
        ((0.2, 0.3), "b is worse than a (mean IU 25.0 ± 7.1 against 29.0 ± 7.1, 86 %, 2 seeds)"),
    ],
)
def test_a_sentence_says_what_was_claimed_and_seen_and_whether_it_agrees(ours, verdict):
    claim = Claim("b helps", "4.2", "b", "better than", "a")
    said = sentence(
        claim,
        {"a": outcomes("a", (0.24,), (0.34,)), "b": outcomes("b", *((iu,) for iu in ours))},
    )
    agrees = "it agrees" if "better" in verdict else "it does not agree"
    assert said == f"Claimed (4.2): b helps. Seen: {verdict}; {agrees}."


def test_an_arm_that_diverged_is_told():
    claim = Claim("b is hard", "4.2", "b", "worse than", "a")
    said = sentence(claim, {"a": outcomes("a", (0.24,)), "b": outcomes("b", ())})
    assert "b is worse than a (mean IU diverged (1 of 1) against 24.0, 1 seed); it agrees" in said
    assert spread([1.0, math.nan, 2.0]) == "diverged (1 of 3)"


@pytest.mark.parametrize(
    ("mean_iu", "agreeing"),
    [
        (0.30, {"better than", "no worse than"}),
        (0.24, {"as good as", "no worse than", "no better than"}),
        (0.20, {"worse than", "no better than"}),
    ],
)
def test_a_claim_may_leave_two_relations_open(mean_iu, agreeing):
    of = {"a": outcomes("a", (0.24,)), "b": outcomes("b", (mean_iu,))}
    claimed = ("better than", "worse than", "as good as", "no better than", "no worse than")
    said = {name: sentence(Claim("", "", "b", name, "a"), of) for name in claimed}
    assert {name for name, text in said.items() if text.endswith("it agrees.")} == agreeing


@pytest.mark.parametrize(
    ("of", "value", "text"),
    [
        ([41.24, 41.36], "mean IU", "41.3 ± 0.1"),
        ([15085.5, 15824.7, 15239.4], "loss", "15380 ± 390"),
        ([0.71234], "loss", "0.7123"),
    ],
)
def test_a_loss_has_as_many_digits_as_say_something(of, value, text):
    assert spread(of, value) == text
