"""Snapshots: both formats, and runs that end in the same bits whether interrupted or not."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from google.protobuf import descriptor_pool, message_factory, text_format, unknown_fields
from hypothesis import given, settings
from hypothesis import strategies as st
from support.snapshots import FORMATS, NET, contents, make

import caffe
from caffe.core.rng import draw_seed, generator_states, generators_at
from caffe.proto import caffe_pb2, schema
from caffe.storage import caffemodel


def assert_same_bits(first, second):
    for ours, theirs in zip(contents(first), contents(second), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.fixture
def straight(tmp_path):
    caffe.set_random_seed(3)
    solver = make(tmp_path / "straight")
    solver.solve()
    return solver


def other_draws():
    """As a new process would be: other seeds, other draws."""
    caffe.set_random_seed(99)
    draw_seed()


@pytest.mark.parametrize("snapshot_format", FORMATS)
@pytest.mark.parametrize("stop", [0, 3, 4])
def test_an_interrupted_run_ends_in_the_same_bits(tmp_path, straight, snapshot_format, stop):
    """Dropout, noise and data go on where they were; 4 is an iteration that begins with a test."""
    caffe.set_random_seed(3)
    begun = make(tmp_path / "begun", snapshot_format=snapshot_format)
    begun.step(stop)
    state = begun.snapshot()
    assert state == f"{tmp_path}/begun/s_iter_{stop}.solverstate{FORMATS[snapshot_format]}"
    assert Path(state.replace("solverstate", "caffemodel")).is_file()
    other_draws()
    resumed = make(tmp_path / "begun", snapshot_format=snapshot_format)
    resumed.solve(state)
    assert resumed.iter == straight.iter == 7
    assert_same_bits(resumed, straight)
    ours, theirs = (solver.test_nets[0].layers[0].state_dict() for solver in (resumed, straight))
    assert ours == theirs


@pytest.mark.parametrize("action", ["stop", "snapshot"])
def test_a_run_interrupted_in_a_test_ends_in_the_same_bits(tmp_path, straight, action):
    """The test begins again then: what its first passes drew is drawn again."""
    caffe.set_random_seed(3)
    begun = make(tmp_path / "begun")
    asked = []

    def ask():
        if begun.iter == 4:
            asked.append(None)
            return action if len(asked) == 3 else None  # 1: after the update, 2: first test pass
        return None

    begun.set_action_function(ask)
    begun.solve()
    state = tmp_path / "begun" / "s_iter_4.solverstate"
    assert state.exists()
    if action == "snapshot":
        assert_same_bits(begun, straight)
    other_draws()
    resumed = make(tmp_path / "begun")
    resumed.solve(str(state))
    assert_same_bits(resumed, straight)


def test_a_snapshot_after_an_interrupted_test_was_made_up_for_is_of_its_own_time(tmp_path):
    caffe.set_random_seed(3)
    solver = make(tmp_path)
    solver.set_action_function(lambda: "stop")
    solver.solve()
    assert solver.iter == 0
    solver.set_action_function(lambda: None)
    solver.solve()
    state = caffemodel.read_state(tmp_path / "s_iter_7.solverstate")
    assert json.loads(state.run_state)["positions"][0]["data"]["item"] == 7


def test_a_snapshot_after_a_restore_is_of_its_own_time_though_a_test_was_interrupted(tmp_path):
    solver = make(tmp_path)
    solver.step(3)
    state = solver.snapshot()
    asked = iter([None, "stop"])  # after the update, and before the first pass of the test
    solver.set_action_function(lambda: next(asked, None))
    solver.solve()
    assert solver.requested_early_exit
    solver.restore(state)
    state = caffemodel.read_state(solver.snapshot())
    assert json.loads(state.run_state)["positions"][0]["data"]["item"] == 3


@pytest.mark.parametrize("kind", ["SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"])
@pytest.mark.parametrize("snapshot_format", FORMATS)
def test_every_solver_resumes_in_both_formats(tmp_path, kind, snapshot_format):
    more = "" if kind in ("AdaGrad", "RMSProp") else "momentum: 0.9"
    straight = make(tmp_path, kind, snapshot_format, more)
    straight.step(2)
    state = straight.snapshot()
    straight.step(2)
    resumed = make(tmp_path, kind, snapshot_format, more)
    resumed.restore(state)
    resumed.step(2)
    assert_same_bits(resumed, straight)


def test_bvlcs_caffe_passes_over_what_we_add(tmp_path):
    """Read by a SolverState without our field, everything else is there."""
    solver = make(tmp_path)
    solver.step(2)
    source = Path(caffe_pb2.__file__).with_name("caffe.proto").read_text()
    ours = "  optional string run_state = 1000;\n"
    assert ours in source
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(
        schema.parse(source.replace(ours, ""), "caffe.proto").SerializeToString()
    )
    theirs = message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.SolverState"))
    state = theirs.FromString(Path(solver.snapshot()).read_bytes())
    assert (state.iter, state.learned_net) == (2, f"{tmp_path}/s_iter_2.caffemodel")
    assert len(state.history) == 4
    assert [f.field_number for f in unknown_fields.UnknownFieldSet(state)] == [1000]


def without_run_state(path, **changes):
    state = caffe_pb2.SolverState.FromString(Path(path).read_bytes())
    state.ClearField("run_state")
    for name, value in changes.items():
        setattr(state, name, value)
    Path(path).write_bytes(state.SerializeToString())


def test_bvlcs_solverstates_restore_without_touching_the_draws(tmp_path):
    solver = make(tmp_path)
    solver.step(2)
    state = solver.snapshot()
    without_run_state(state)
    caffe.set_random_seed(5)
    expected = draw_seed()
    resumed = make(tmp_path)
    caffe.set_random_seed(5)
    resumed.restore(state)
    assert draw_seed() == expected
    assert resumed.net.layers[0].state_dict()["item"] == 0


NO_STATE = "A" * 40
DAMAGED = [
    "not json",
    "[1, 2",
    "[" * 100_000,
    "9" * 5000,
    "null",
    "[]",
    "{}",
    '{"generators": {}}',
    '{"generators": [], "positions": []}',
    '{"generators": {"cpu": 3}, "positions": []}',
    '{"generators": {"cpu": "&&&"}, "positions": []}',
    '{"generators": {"cpu": ""}, "positions": []}',
    f'{{"generators": {{"cpu": "{NO_STATE}"}}, "positions": []}}',
    '{"generators": {}, "positions": 3}',
    '{"generators": {}, "positions": [3]}',
    '{"generators": {}, "positions": [{"data": 3}]}',
    '{"generators": {}, "positions": [{"data": {"item": "3"}}]}',
    '{"generators": {}, "positions": [{"data": {"item": 1.5}}]}',
    '{"generators": {}, "positions": [{"data": {"item": true}}]}',
    '{"generators": {}, "positions": [{"data": {"seed": 0, "item": -1}}]}',
    f'{{"generators": {{}}, "positions": [{{"data": {{"seed": 0, "item": {2**63}}}}}]}}',
    '{"generators": {}, "positions": [{"data": {"item": 3}}]}',
]


@pytest.mark.parametrize("text", DAMAGED, ids=lambda text: text[:60])
def test_a_damaged_run_state_is_an_error_and_changes_nothing(tmp_path, text):
    solver = make(tmp_path)
    solver.step(2)
    state = solver.snapshot()
    without_run_state(state, run_state=text)
    other = make(tmp_path)
    before = contents(other)
    with pytest.raises(caffe.CaffeError, match="damaged") as error:
        other.restore(state)
    assert state in str(error.value)
    assert other.iter == 0
    for ours, theirs in zip(contents(other), before, strict=True):
        assert np.array_equal(ours, theirs)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_flipped_byte_of_the_generators_state_is_an_error_or_a_state(data):
    state = bytearray(generator_states()["cpu"])
    for _ in range(data.draw(st.integers(1, 3))):
        state[data.draw(st.integers(0, len(state) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        (generator,) = generators_at({"cpu": bytes(state)}).values()
    except caffe.CaffeError:
        return
    assert 0 <= torch.rand(1000, generator=generator).sum() <= 1000


@pytest.mark.parametrize("field", ["iter", "current_step"])
def test_a_count_below_zero_is_damage(tmp_path, field):
    state = make(tmp_path).snapshot()
    without_run_state(state, **{field: -5})
    with pytest.raises(caffe.CaffeError, match=f"{field} is -5"):
        make(tmp_path).restore(state)


def test_layers_and_devices_that_this_run_lacks_are_passed_over(tmp_path):
    solver = make(tmp_path)
    solver.step(1)
    state = solver.snapshot()
    text = json.loads(caffemodel.read_state(state).run_state)
    text["generators"]["tpu"] = "AAAA"
    text["positions"][0]["gone"] = {"item": 3}
    text["positions"].append({"data": {"item": 3}})
    without_run_state(state, run_state=json.dumps(text))
    resumed = make(tmp_path)
    resumed.restore(state)
    assert resumed.net.layers[0].state_dict() == solver.net.layers[0].state_dict()


# What else a snapshot may hold.


@pytest.mark.parametrize("snapshot_format", FORMATS)
def test_snapshot_diff_keeps_the_last_updates(tmp_path, snapshot_format):
    solver = make(tmp_path, "SGD", snapshot_format, "snapshot_diff: true")
    solver.step(1)
    state = solver.snapshot()
    diff = solver.net.params["ip"][0].diff.copy()
    assert diff.any()
    if snapshot_format == "BINARYPROTO":
        model = caffe_pb2.NetParameter.FromString(
            Path(state.replace("solverstate", "caffemodel")).read_bytes()
        )
        (blob,) = (b for layer in model.layer for b in layer.blobs if len(b.shape.dim) == 2)
        assert list(blob.diff) == list(diff.ravel())
        other = make(tmp_path, "SGD")
        other.restore(state)
        assert np.array_equal(other.net.params["ip"][0].diff, diff)  # Blob::FromProto


def test_current_step_is_what_caffe_counts(tmp_path):
    """lr_policy step: the steps of the last update; multistep: the stepvalues passed."""
    for policy, expected in (
        ('"step" gamma: 0.5 stepsize: 2', 2),
        ('"multistep" gamma: 0.5 stepvalue: 3 stepvalue: 9', 1),
        ('"fixed" stepvalue: 1', 0),
    ):
        text = f'net_param {{ {NET} }} lr_policy: {policy} snapshot_prefix: "{tmp_path}/s"'
        solver = caffe.get_solver(text_format.Parse(text, caffe_pb2.SolverParameter()))
        solver.step(5)
        assert caffemodel.read_state(solver.snapshot()).current_step == expected
