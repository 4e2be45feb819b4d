"""The GPU's bench on a CPU: all of it runs, but for what the times say."""

import json
import subprocess
import sys

import numpy as np

from bench import gpu, recorded

# What a machine with torch need not have
OTHERS = ("lmdb", "PIL", "tqdm", "scipy", "h5py", "matplotlib", "pytest", "skimage")


def test_all_parts_run_and_are_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(recorded, "LAYERS", recorded.LAYERS[:3])
    monkeypatch.setattr(recorded, "SOLVERS", recorded.SOLVERS[:1])
    monkeypatch.setattr(gpu, "QUICK_WIDTH", 1 / 64)
    monkeypatch.setattr(gpu, "QUICK_SIZES", ((32, 40),))
    monkeypatch.setattr(gpu, "QUICK_SIZE", (32, 32))
    monkeypatch.setattr(gpu, "BEFORE", 0)
    monkeypatch.setenv("GLOG_minloglevel", "1")  # as the command sets it, for other tests too
    monkeypatch.setattr(gpu, "_product_seconds", lambda work, rounds: [1.0])
    path = tmp_path / "gpu.json"
    assert gpu.main(["--quick", "--rounds", "1", "--json", str(path)]) == 0
    found = {table["title"]: table["rows"] for table in json.loads(path.read_text())["tables"]}
    layers, solvers = found["BVLC Caffe's records"]
    assert layers["title"] == "layers"
    assert layers["figures"]["agree"] == [3]
    assert solvers["figures"]["agree"] == [1]
    for precision in ("fp32", "tf32", "bf16"):
        assert len(found[f"FCN-8s forward, {precision}"]) == len(gpu.FORWARD)
        assert len(found[f"FCN-8s training step, {precision}"]) == len(gpu.TRAINING)
        assert found[f"FCN-8s forward, {precision}, by size"][0]["title"] == "32 x 40"
    assert "| layers | 3 | 3 |" in capsys.readouterr().out


def test_a_record_that_differs_is_named(tmp_path, monkeypatch):
    def layer(path, folder):
        yield recorded.Compared("blob x", np.ones(2), np.array([1, 1.001]))

    monkeypatch.setattr(recorded, "LAYERS", recorded.LAYERS[:1])
    monkeypatch.setattr(recorded, "SOLVERS", recorded.SOLVERS[:1])
    monkeypatch.setattr(recorded, "layer", layer)
    layers, _ = gpu.agreement(tmp_path).rows
    assert layers.title == f"layers: not {recorded.LAYERS[0].stem}"
    assert layers.figures["agree"] == [0]


def test_a_machine_with_torch_numpy_and_protobuf_is_enough():
    blocked = f"import sys; sys.modules.update(dict.fromkeys({OTHERS!r})); import bench.gpu"
    subprocess.run([sys.executable, "-c", blocked], check=True)
