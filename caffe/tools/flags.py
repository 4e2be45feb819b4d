"""Flags as gflags writes them, for argparse, and those that caffe.cpp's commands share."""

import argparse
import re
from collections.abc import Sequence
from typing import Any

import torch

from ..core.device import set_device, set_mode_cpu, set_mode_gpu
from ..core.errors import CaffeError
from ..core.log import logs_to_stderr, min_log_level, setting
from ..distributed.reducer import TRAVEL_AS

TRUE, FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")

Parser = argparse.ArgumentParser | argparse._ArgumentGroup


def long(words: Sequence[str]) -> list[str]:
    """The words of a command line, with `-name` as `--name`, which is the same to gflags."""
    return [re.sub(r"^-(?=[A-Za-z])", "--", word) for word in words]


def flag(parser: Parser, name: str, **keywords: Any) -> None:
    """A flag with a value: `-name value`, `--name value` or `--name=value`."""
    parser.add_argument(f"--{name}", **keywords)


def boolean(parser: Parser, name: str, default: bool, help: str) -> None:
    """`-name`, `--name=true`, `--noname`, `--name=false`; it never takes the next word."""
    yes, no = ([f"--{name}={value}" for value in values] for values in (TRUE, FALSE))
    hidden = argparse.SUPPRESS
    parser.add_argument(f"--{name}", action="store_true", default=default, help=help)
    parser.add_argument(*yes, dest=name, action="store_true", default=default, help=hidden)
    parser.add_argument(f"--no{name}", *no, dest=name, action="store_false", help=hidden)


def glog(parser: argparse.ArgumentParser) -> None:
    """glog's flags, their defaults from its environment variables."""
    level, folder = min_log_level(), setting("log_dir")
    log = parser.add_argument_group("log")
    flag(log, "minloglevel", type=int, default=level, metavar="N", help="0 all, 2 errors only")
    flag(log, "log_dir", default=folder, metavar="DIR", help="log to a file here as well")
    boolean(log, "logtostderr", logs_to_stderr(), "log to no file")
    boolean(log, "alsologtostderr", True, argparse.SUPPRESS)  # as caffe.cpp sets it


def positive(text: str) -> int:
    """An argparse type: an integer of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value}: must be at least 1")
    return value


def caffe_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of caffe.cpp: one program there, so each of its commands takes all of them."""
    effects = ("stop", "snapshot", "none")
    flag(parser, "solver", help="solver prototxt (train)")
    flag(parser, "model", help="net prototxt (test, time)")
    flag(parser, "weights", help="caffemodel to start from; train: several, separated by ','")
    flag(parser, "snapshot", help="solverstate to resume from (train), instead of -weights")
    flag(parser, "iterations", type=positive, default=50, help="passes (test, time; 50)")
    flag(
        parser,
        "gpu",
        default="",
        help="number of the GPU (train: several, as 0,1, or 'all', a process each); without it the "
        "CPU, or what a solver's solver_mode says",
    )
    flag(parser, "nproc", type=positive, default=1, help="processes on the CPU (train; 1)")
    flag(
        parser,
        "max_restarts",
        type=int,
        default=0,
        help="times that processes are started again where one is lost (train; 0)",
    )
    flag(
        parser,
        "gradients",
        choices=tuple(TRAVEL_AS),
        default="fp32",
        help="how they travel between processes; bf16: in half the bytes (train; fp32)",
    )
    flag(parser, "precision", default="fp32", help="fp32, tf32 or bf16 (fp32)")
    boolean(parser, "strict", False, "refuse what Caffe 1.0 does not have, as BVLC's build does")
    flag(
        parser, "phase", choices=("TRAIN", "TEST"), default="TRAIN", help="of the net (time; TRAIN)"
    )
    net_state(parser)
    flag(parser, "sigint_effect", choices=effects, default="stop", help="of Ctrl-C (train; stop)")
    flag(
        parser,
        "sighup_effect",
        choices=effects,
        default="snapshot",
        help="of SIGHUP (train; snapshot)",
    )


def net_state(parser: argparse.ArgumentParser) -> None:
    """What, beside the phase, the rules of a net's layers ask for."""
    flag(parser, "level", type=int, default=0, help="network level (0)")
    flag(parser, "stage", default="", help="network stages, separated by ','")


def need(value: str | None, what: str) -> str:
    """The value of a flag that this command needs; CaffeError without it."""
    if not value:
        raise CaffeError(f"Need {what}")
    return value


def stages(args: argparse.Namespace) -> list[str]:
    """The names in -stage."""
    return [name for name in args.stage.split(",") if name]


def gpu_ids(text: str) -> list[int]:
    """The GPUs that -gpu names ("all": every one), none for "". Raises CaffeError."""
    if text == "all":
        return list(range(torch.cuda.device_count())) or [0]  # 0: mode's error says there is none
    try:
        ids = [int(word) for word in text.split(",") if text]
    except ValueError:
        raise CaffeError(f"-gpu takes numbers of GPUs or 'all'; found '{text}'") from None
    if repeated := [i for i in dict.fromkeys(ids) if ids.count(i) > 1]:
        raise CaffeError(f"-gpu {text} names GPU {repeated[0]} more than once; name each once")
    return ids


def choose_device(ids: Sequence[int]) -> None:
    """CPU mode, or GPU mode on the one GPU. Raises CaffeError for several, or none there."""
    if not ids:
        set_mode_cpu()
        return
    if len(ids) > 1:
        raise CaffeError(
            f"{len(ids)} GPUs were asked for ({', '.join(map(str, ids))}), but only train "
            f"runs on several: give one number, -gpu {ids[0]}"
        )
    set_device(ids[0])
    set_mode_gpu()
