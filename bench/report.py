"""What the bench prints and writes: the machine, a Markdown table, a CSV of all rounds."""

import csv
import io
import os
import platform
import shlex
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .feed import CORES, FeedRow
from .measure import Timing

GB = 1e9
PEAKS = ("ours_peak_bytes", "plain_peak_bytes")


@dataclass(frozen=True)
class Goal:
    """Limits of issue 2: ours over plain, our seconds, our peak memory in GB."""

    memory: float
    ratio: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Row:
    title: str
    device: str
    difference: float  # of the outputs, relative
    timing: Timing
    goal: Goal | None  # None where nothing was promised: a GPU, a smaller net or image


def environment(command: Sequence[str], devices: Sequence[str]) -> list[str]:
    """Markdown lines: what ran, on what."""
    lines = [
        f"- command: `{shlex.join(command)}`",
        f"- commit: {_commit()}",
        f"- CPU: {cpu()}, {os.cpu_count()} cores, {_ram() / GB:.1f} GB RAM, {platform.system()}",
        f"- Python {platform.python_version()}, torch {torch.__version__} "
        f"({torch.get_num_threads()} threads), numpy {np.__version__}",
    ]
    if "cuda" in devices:
        lines.append(
            f"- GPU: {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}, TF32 in "
            f"convolutions {'on' if torch.backends.cudnn.allow_tf32 else 'off'} (both sides)"
        )
    else:
        lines.append("- GPU: none here, so there are no GPU figures")
    return lines


def table(rows: Sequence[Row]) -> list[str]:
    """Markdown lines: a row for each case and device."""
    lines = [
        "| | ours | plain | ours / plain | goal | peak ours | goal | peak plain | outputs differ |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        timing, goal = row.timing, row.goal
        peak = {side: peak / GB for side, peak in timing.peak.items()}
        cells = [
            f"{row.title}, {row.device}",
            _spread(timing.seconds["ours"], " s"),
            _spread(timing.seconds["plain"], " s"),
            _spread(timing.ratios, ""),
            _time_goal(timing, goal),
            f"{peak['ours']:.2f} GB",
            _verdict(peak["ours"], goal and goal.memory, " GB"),
            f"{peak['plain']:.2f} GB",
            f"{row.difference:.1e}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def feed_table(rows: Sequence[FeedRow]) -> list[str]:
    """Markdown lines: a row for each kind of database."""
    lines = [
        f"| Data layer on {CORES} cores: crop, mirror, mean | images/s | goal | bytes an image |",
        "|---|---|---|---|",
    ]
    for row in rows:
        least, middle, most = min(row.rates), statistics.median(row.rates), max(row.rates)
        verdict = "met" if middle >= row.feed.goal else "missed"
        goal = f"\N{GREATER-THAN OR EQUAL TO} {row.feed.goal:g}: {verdict}"
        rate = f"{middle:.0f} ({least:.0f}\N{EN DASH}{most:.0f})"
        lines.append(f"| {row.feed.title} | {rate} | {goal} | {row.bytes} |")
    return lines


def as_csv(rows: Sequence[Row]) -> str:
    """A line for each round."""
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow
    write(["case", "device", "round", "ours_s", "plain_s", "ratio", *PEAKS, "outputs_differ"])
    for row in rows:
        timing = row.timing
        rounds = zip(timing.seconds["ours"], timing.seconds["plain"], timing.ratios, strict=True)
        for number, (ours, plain, ratio) in enumerate(rounds, 1):
            values = [f"{value:.6f}" for value in (ours, plain, ratio)]
            peaks = [timing.peak["ours"], timing.peak["plain"]]
            write([row.title, row.device, number, *values, *peaks, f"{row.difference:.1e}"])
    return text.getvalue()


def _spread(values: Sequence[float], unit: str) -> str:
    """Median (least-most)."""
    return f"{statistics.median(values):.3g}{unit} ({min(values):.3g}\N{EN DASH}{max(values):.3g})"


def _time_goal(timing: Timing, goal: Goal | None) -> str:
    if goal and goal.ratio:
        return _verdict(statistics.median(timing.ratios), goal.ratio, " x")
    return _verdict(statistics.median(timing.seconds["ours"]), goal and goal.seconds, " s")


def _verdict(value: float, limit: float | None, unit: str) -> str:
    if limit is None:
        return "none"
    return f"\N{LESS-THAN OR EQUAL TO} {limit:g}{unit}: {'met' if value <= limit else 'missed'}"


def _commit() -> str:
    """The commit, and whether the files differ from it."""
    here = Path(__file__).parent
    try:
        command = ["git", "describe", "--always", "--abbrev=12", "--dirty= with changes"]
        return subprocess.run(
            command, cwd=here, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def cpu() -> str:
    """The CPU's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _ram() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
