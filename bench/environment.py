"""The head of the page that the bench prints and writes: what was measured, on what machine."""

import os
import platform
import shlex
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import torch

from .result_tables import GB
from .work import WARM_UP, Work

PACKAGES = (
    *("torch", "numpy", "onnxruntime", "openvino", "opencv-python-headless", "onnx", "onnxscript"),
    *("protobuf", "pillow"),
)


def environment(command: Sequence[str]) -> list[str]:
    """Markdown lines: what ran, on what."""
    lines = [
        f"- command: `{shlex.join(command)}`",
        f"- commit: {commit()}",
        f"- CPU: {cpu()}, {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}, "
        f"{_ram() / GB:.1f} GB RAM, {platform.system()}; {torch.get_num_threads()} threads",
        f"- Python {platform.python_version()}, " + ", ".join(map(_version, PACKAGES)),
    ]
    if torch.cuda.is_available():
        lines.append(f"- GPU: {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}")
    else:
        lines.append("- GPU: none here, so there are no GPU figures")
    return lines


def head(command: Sequence[str], work: Work, rounds: int) -> list[str]:
    """Markdown lines: what ran, on what, and what the tables say."""
    size = "{} x {}".format(*work.size)
    return [
        "# Bench: this engine beside the others",
        "",
        *environment(command),
        f"- FCN-8s with {work.width:g} of its channels; images of {size} where no other size is "
        "named; float32",
        f"- medians (least\N{EN DASH}most) of {rounds} rounds after {WARM_UP} to warm up; the "
        "engines take turns, each in a process of its own; ratios are taken round by round",
        "- \N{MULTIPLICATION SIGN} limit: seconds over those that the net's forward multiply-adds "
        "take at the rate of a 4096 x 4096 x 4096 float32 product, measured in the same round",
        "- peak GB: of the whole process, with its start and the loading of the weights (on a GPU: "
        "the GPU's memory); 1 GB = 10^9 bytes",
        "- PyTorch: the net as a module, `bench/plain.py`; onnxruntime, OpenVINO and OpenCV get it "
        "as ONNX of fixed size, and as many threads as torch has",
        "- outputs differ: the largest difference of any output (scores; loss, updates and updated "
        "weights; loaded weights) from eager PyTorch's, training from float64's, loading from "
        "protobuf's, over the largest value of that output; checked before timing",
        "- CPU s out of turn: what the process computes in a round while others have their turn",
    ]


def cpu() -> str:
    """The CPU's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return f"no {package}"


def commit() -> str:
    """The commit, and whether the files differ from it."""
    here = Path(__file__).parent
    try:
        command = ["git", "describe", "--always", "--abbrev=12", "--dirty= with changes"]
        return subprocess.run(
            command, cwd=here, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _ram() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
