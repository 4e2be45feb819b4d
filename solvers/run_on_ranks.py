"""Commands that several processes run together: their options, and who runs where."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import command_line
from caffe.core.device import gpu_count
from caffe.distributed import rendezvous
from caffe.distributed.group import Group
from caffe.distributed.launch import launch
from caffe.distributed.rendezvous import Place

from .choose_device import choose_device, gpu_ids


def add_rank_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where a command runs, and in how many processes."""
    parser.add_argument("--gpu", help="number of the GPU, or cpu (the GPU if there is one)")
    parser.add_argument(
        "--gpus", help="several, a process each: how many (4), which (0,1,3), or all"
    )
    parser.add_argument(
        "--nproc", type=command_line.positive(int), default=1, help="processes on the CPU (1)"
    )
    parser.add_argument(
        "--max-restarts",
        type=int,
        default=0,
        metavar="N",
        help="times that processes are started again where one is lost (0)",
    )


def run_on_ranks(
    module: str,
    words: Sequence[str],
    args: argparse.Namespace,
    work: Callable[[argparse.Namespace, Group | None], None],
) -> int:
    """Do work(args, group) here, or start the ranks that do; the exit status.

    words: the command line of the module, of which args are. Raises ValueError for options that
    contradict each other.
    """
    if args.gpus and (args.gpu or args.nproc > 1):
        raise ValueError("--gpus, --gpu and --nproc each say where to run: give one of them")
    gpus = gpu_ids(args.gpus) if args.gpus else []
    count = max(len(gpus), args.nproc)
    if count > 1 and not rendezvous.is_launched():
        return launch(module, words, count, args.max_restarts)
    place = rendezvous.from_environment()
    choose_device(_device(args, gpus, place))
    with Group(place) if place else nullcontext() as group:
        work(args, group)
    return 0


def _device(args: argparse.Namespace, gpus: list[int], place: Place | None) -> str | None:
    """What `choose_device` takes: of several ranks each has a GPU of its own, if there are any."""
    local = place.local_rank if place else 0
    if gpus and local >= len(gpus):
        raise ValueError(
            f"a rank is number {local} on this machine, counted from 0, but --gpus {args.gpus} "
            f"gives it {len(gpus)}: start as many ranks as GPUs, or name more"
        )
    if gpus:
        return str(gpus[local])
    if args.nproc > 1:
        return "cpu"
    if place and args.gpu is None and gpu_count():
        return str(local)
    return args.gpu
