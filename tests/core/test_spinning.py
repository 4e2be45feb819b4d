"""Laws of caffe/core/spinning.py: threads spin while they wait, unless others compute."""

import sys
import threading
from types import SimpleNamespace

import pytest
import torch
from support.net_text import input_layer, net_of
from support.plain_path import conv, layer
from support.training import solver_of

from caffe.core import spinning


def teams():
    return [thread for thread in threading.enumerate() if thread._target is spinning._keep_team]


@pytest.fixture(autouse=True)
def _spins():
    spinning.spin(True)
    yield
    spinning.spin(True)


def test_one_more_team_of_threads_ends_the_spinning_until_it_ends():
    for team in teams():
        team.join(10)
    before = teams()
    spinning.spin(False)
    (team,) = set(teams()) - set(before)
    spinning.spin(False)
    assert set(teams()) - set(before) == {team}
    spinning.spin(True)
    team.join(10)
    assert not team.is_alive()
    spinning.spin(True)
    assert not set(teams()) - set(before)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is looked at")
@pytest.mark.parametrize(("taken", "spins"), [(0, True), (10, True), (11, False), (500, False)])
def test_threads_spin_unless_the_processors_were_taken_away_often(monkeypatch, taken, spins):
    """In 0.1 s of the process' time, half of it the system's."""
    said = []
    used = SimpleNamespace(ru_utime=1.0, ru_stime=1.0, ru_nivcsw=1000)
    monkeypatch.setattr(spinning.resource, "getrusage", lambda who: used)
    monkeypatch.setattr(spinning.time, "monotonic", lambda: now)
    for name in ("_looked", "_used", "_taken"):
        monkeypatch.setattr(spinning, name, 0)
    now = 100.0
    spinning.look()
    monkeypatch.setattr(spinning, "spin", said.append)
    used = SimpleNamespace(ru_utime=1.05, ru_stime=1.05, ru_nivcsw=1000 + taken)
    now += spinning.LOOK / 2
    spinning.look()
    assert said == []  # too soon
    now += spinning.LOOK
    spinning.look()
    assert said == [spins]


TEXT = input_layer("data", 1, 1, 9, 9) + conv("c", "data", "num_output: 2 kernel_size: 3")
LOSS = TEXT + layer("Reduction", "loss", "c", "loss", "loss_weight: 1")


def test_every_layer_of_a_pass_looks(monkeypatch):
    looks = []
    monkeypatch.setattr(spinning, "look", lambda: looks.append(1))
    net = net_of(LOSS + "force_backward: true")
    net.forward()  # by a plan
    assert looks
    looks.clear()
    net.backward()
    assert len(looks) == 3
    looks.clear()
    net.forward()
    assert len(looks) == 3
    solver = solver_of(LOSS)
    looks.clear()
    solver.step(1)
    looks_of_solver = len(looks)
    looks.clear()
    net.to_torch()(torch.zeros(1, 1, 9, 9))
    assert looks
    assert looks_of_solver == 7  # the image, the prefix and its two parameters, the loss, both ways
