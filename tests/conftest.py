"""Fixtures that several test files use."""

import importlib.util
import threading
from pathlib import Path

import pytest
import torch
from PIL import Image
from support.file_server import Server

import caffe
from caffe.layer_types import EXTENSIONS, REGISTRY
from caffe.proto import foreign

GPU = pytest.param("GPU", marks=pytest.mark.gpu)


@pytest.fixture(params=["CPU", GPU] if torch.cuda.is_available() else ["CPU"])
def mode(request):
    """The test runs in CPU mode and, where torch sees a GPU, in GPU mode too."""
    caffe.set_mode_gpu() if request.param == "GPU" else caffe.set_mode_cpu()
    yield request.param
    caffe.set_mode_cpu()


@pytest.fixture
def file_server():
    """An HTTP server of files on this machine, that runs while the test does."""
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def cli():
    """infer.py, the command: `import infer` is the package beside it."""
    spec = importlib.util.spec_from_file_location(
        "infer_cli", Path(__file__).parents[1] / "infer.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def blank_pictures():
    """Figures are made as ever and saved blank, of their size: drawing takes longer than training.

    A test that wants them drawn says `blank_pictures.undo()`.
    """
    from matplotlib.figure import Figure

    def save(figure, file, *, format, dpi=72, **more):
        width, height = (int(inches * dpi) for inches in figure.get_size_inches())
        if format == "svg":
            file.write(f'<svg width="{width}" height="{height}"></svg>')
        else:
            Image.new("1", (width, height)).save(file, format)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", save)
        yield patch


@pytest.fixture
def no_type_stays():
    """The layer types that a test registers go with it."""
    registries = (REGISTRY, EXTENSIONS, foreign.OWN_TYPES)
    before = dict(REGISTRY), dict(EXTENSIONS), set(foreign.OWN_TYPES)
    yield
    for registry, kept in zip(registries, before, strict=True):
        registry.clear()
        registry.update(kept)


@pytest.fixture(autouse=True)
def fp32_again():
    """No test leaves another precision behind."""
    yield
    caffe.set_precision("fp32")


@pytest.fixture(autouse=True)
def winograd_again():
    """No test leaves the nets without it."""
    yield
    caffe.set_winograd(True)


@pytest.fixture(autouse=True)
def not_strict_again():
    """No test leaves nets strict."""
    yield
    caffe.set_strict(False)


@pytest.fixture
def strict():
    """Nets take what Caffe 1.0 takes, and no more."""
    caffe.set_strict(True)


def pytest_collection_modifyitems(items):
    """Forks first: once torch.compile has run, torch's CUDA builds refuse backward in a fork.

    With several processes too: the first file is the first that its process runs.
    """
    items.sort(key=lambda item: item.path.name != "test_fork.py")
