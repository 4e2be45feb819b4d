"""Ranks train as one process does on all their images, and what each of them sees."""

import numpy as np
import pytest
from support import ranks
from support.ranks import on_ranks, resumed, trained
from support.small_nets import digits, fcn_solver, lenet_solver

RULES = ["SGD", "Adam"]


def assert_close(found, expected, tolerance=1e-6):
    for mine, theirs in zip(found, expected, strict=True):
        assert np.abs(mine - theirs).max() <= tolerance * np.abs(theirs).max()


def assert_same(found, expected):
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def weights(found):
    return found[: len(found) // 2]


# The two batches of a step hold other images on two ranks than on one, so sums round otherwise; of
# a gradient that is nothing but rounding, Adam makes a whole step.
@pytest.mark.parametrize(("rule", "batch"), [("SGD", 4), ("Adam", 1)])
def test_lenet_of_two_ranks_is_that_of_one_process_with_iter_size_2(tmp_path, rule, batch):
    database = digits(tmp_path)
    text = lenet_solver(database, tmp_path / "two", rule, batch=batch)
    first, second = on_ranks(2, trained, text, 20)
    assert_same(first, second)
    alone = trained(None, lenet_solver(database, tmp_path, rule, "iter_size: 2", batch), 20)
    assert_close(first, alone)


@pytest.mark.parametrize("rule", RULES)
def test_lenet_of_two_ranks_has_the_bits_of_iter_size_2_on_the_ranks_batches(tmp_path, rule):
    """Batches of 4: the one process reads first what rank 0 does of each step, then rank 1's."""
    steps, batches = 20, [0, 2, 4, 6, 1, 3, 5, 7]
    (tmp_path / "alone").mkdir()
    order = [(8 * step + item) % 23 for step in range(steps) for item in batches]
    texts = [
        lenet_solver(database, tmp_path / "s", rule, more).replace("mirror: true", "")
        for database, more in (
            (digits(tmp_path), ""),
            (digits(tmp_path / "alone", order=order), "iter_size: 2"),
        )
    ]
    first, _ = on_ranks(2, trained, texts[0], steps)
    assert_same(first, trained(None, texts[1], steps))


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["SGD", pytest.param("Adam", marks=pytest.mark.long)])
def test_fcn32s_of_two_ranks_is_that_of_one_process_with_iter_size_2(tmp_path, rule):
    first, second = on_ranks(2, trained, fcn_solver(tmp_path, tmp_path / "two", rule), 20)
    assert_same(first, second)
    alone = trained(None, fcn_solver(tmp_path, tmp_path / "one", rule, "iter_size: 2"), 20)
    assert_close(first, alone)


@pytest.mark.slow
def test_three_ranks_with_iter_size_2_and_clipping(tmp_path):
    """Six images a step. Caffe clips what the passes add up to: of three ranks, their mean."""
    database = digits(tmp_path)
    more = "clip_gradients: {} iter_size: {}"
    text = lenet_solver(database, tmp_path / "3", more=more.format(0.1, 2), batch=1)
    found = on_ranks(3, trained, text, 5)
    for other in found[1:]:
        assert_same(other, found[0])
    text = lenet_solver(database, tmp_path / "1", more=more.format(0.3, 6), batch=1)
    alone = trained(None, text, 5)
    assert_close(found[0], alone)


@pytest.mark.long
def test_gradients_that_travel_in_bfloat16_are_rounded_to_it_and_the_ranks_stay_alike(tmp_path):
    text = lenet_solver(digits(tmp_path), tmp_path / "s")
    first, second = on_ranks(2, trained, text, 5, "bf16")
    assert_same(first, second)
    whole, _ = on_ranks(2, trained, text, 5)
    assert_close(first, whole, 2**-7)  # of 8 bits, rounded on each rank and after the sum
    assert any((mine != theirs).any() for mine, theirs in zip(first, whole, strict=True))
    (refused, _) = on_ranks(2, trained, text, 1, "fp8")
    assert refused == "gradients travel as fp32 or bf16; found 'fp8'"


@pytest.mark.parametrize("more", ["", "iter_size: 2"])
def test_each_gradient_travels_once_a_step(tmp_path, more):
    """One bucket, for the net is small, and the loss."""
    text = lenet_solver(digits(tmp_path), tmp_path / "s", more=more)
    assert on_ranks(2, ranks.sums_begun, text, 3) == [2 * 3, 2 * 3]


def test_a_run_resumes_to_the_same_bits_on_as_many_ranks_and_goes_on_on_others(tmp_path):
    database = digits(tmp_path)
    more = "snapshot: 3 test_iter: 3 test_interval: 3"
    whole, _ = on_ranks(2, trained, lenet_solver(database, tmp_path / "s", more=more), 6)
    state = tmp_path / "s_iter_3.solverstate"
    text = lenet_solver(database, tmp_path / "t", more=more)
    assert_same(on_ranks(2, resumed, text, state, 3)[0], whole)
    with_two = lenet_solver(database, tmp_path / "u", more=f"{more} iter_size: 2")
    assert_close(resumed(None, with_two, state, 3), whole)
