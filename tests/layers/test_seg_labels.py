"""Every dataset's numbers of classes against cases written by hand."""

import numpy as np
import pytest

from seg_labels import LABEL_IDS, TRAIN_IDS, checked, from_one, task_table


def test_labels_counted_from_one_become_counted_from_zero_and_void_255():
    values = np.uint8([[0, 1], [2, 40]])
    label = from_one(values, 40, "f")
    assert label.dtype == np.uint8
    np.testing.assert_array_equal(label, [[[255, 0], [1, 39]]])


def test_geometric_labels_have_minus_one_for_void_too():
    label = from_one(np.int16([[-1, 0, 1, 2, 3]]), 3, "f", void=(-1, 0))
    np.testing.assert_array_equal(label, [[[255, 255, 0, 1, 2]]])


@pytest.mark.parametrize("values", [np.uint8([[41]]), np.int16([[-1]]), np.float64([[300.0]])])
def test_labels_outside_of_the_classes_are_named(values):
    with pytest.raises(ValueError, match=rf"f: label values \[{values[0, 0]}\]; expected 1 to 40"):
        from_one(values, 40, "f")


def test_checked_labels_pass_classes_and_255_alone():
    np.testing.assert_array_equal(checked(np.uint16([[0, 20, 255]]), 21, "f"), [[[0, 20, 255]]])
    for value in (21, 254, 256):
        with pytest.raises(ValueError, match=rf"\[{value}\]"):
            checked(np.uint16([[value]]), 21, "f")


def test_cityscapes_train_ids_are_those_of_its_scripts():
    """labelId of each trainId, and the ids that are not evaluated, from labels.py."""
    assert [TRAIN_IDS[i] for i in (7, 8, 11, 17, 19, 23, 24, 26, 31, 33)] == [
        0, 1, 2, 5, 6, 10, 11, 13, 16, 18,
    ]  # fmt: skip
    unevaluated = [0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 29, 30, *range(34, 256)]
    assert {int(i) for i in np.flatnonzero(TRAIN_IDS == 255)} == set(unevaluated)
    assert len(LABEL_IDS) == 19


ALL = {1: "table", 2: "cloth", 3: "bedclothes", 4: "sky", 5: "accordion"}


def test_classes_are_found_by_name_and_the_three_renamed_ones_too():
    task = {1: "sky", 2: "diningtable", 3: "clothes", 4: "bedcloth"}
    np.testing.assert_array_equal(task_table(ALL, task, 4, "f"), [0, 2, 3, 4, 1, 0])


BAD_TASKS = {
    "too few": ({1: "sky"}, "f: 1 labels; expected those of the task, numbered 1 to 2"),
    "unknown": ({1: "sky", 2: "skye"}, "f: 'skye' is no class of labels.txt; expected 2 different"),
    "twice": ({1: "sky", 2: "sky"}, "f: 'sky' is there twice"),
}


@pytest.mark.parametrize("case", BAD_TASKS)
def test_a_labels_file_that_does_not_match_says_which_name(case):
    task, message = BAD_TASKS[case]
    with pytest.raises(ValueError, match=message):
        task_table(ALL, task, 2, "f")
