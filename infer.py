"""Segment images: writes the label map (palette PNG) and the overlay with its legend for each.

python infer.py photo.jpg
python infer.py photos/ --weights fcn8s-voc --out labels/
python infer.py --serve
python infer.py photos/ --nproc 2 --manifest photos.jsonl    (again: goes on where it broke off)
"""

import argparse
import gc
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

import command_line
import infer  # the package: Python prefers it to this file
from data import custom
from data.custom import NAMES, class_names, find
from data.datasets import MEAN
from data.drawing import (
    legend,
    overlay,
    palette,
    palette_of,
    with_legend,
    write_palette_png,
    write_png,
)
from data.meaning import digest, meaning_of
from data.weight_sources import WEIGHTS
from infer.manifest import (
    Entry,
    append,
    close_last_line,
    entry,
    is_done,
    made_by,
    read_manifest,
)
from infer.shards import is_shard, own_shard, run_shards
from photograph import SUFFIXES

ROOT = Path(__file__).resolve().parent
OWN_WEIGHTS = ROOT / "models" / "fcn-squeezenet-voc.caffemodel"
OUT = ROOT / "runs" / "infer"


# Names of the classes, mean (B, G, R) and (256, 3) uint8 RGB colour map
Meant = tuple[tuple[str, ...] | None, tuple[float, float, float], np.ndarray]


class Job(NamedTuple):
    """An image to read, and the files to write of it."""

    image: Path
    labels: Path
    overlay: Path


class Labelled(NamedTuple):
    """An (H, W, 3) uint8 RGB image, its (H, W) labels, and the seconds that these took."""

    image: np.ndarray
    labels: np.ndarray
    seconds: float


Note = Callable[[Job, Labelled | Exception], None]  # of what is done


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    args = _arguments(words)
    if args.serve or args.explain:
        return command_line.run(serve, args)
    try:
        return command_line.run(segment, args, words)
    except KeyboardInterrupt:
        if not is_shard():
            command_line.warn(
                "interrupted; the same command goes on with what is left"
                if args.manifest or args.gpus or args.nproc > 1
                else "interrupted (with --manifest the same command would go on)"
            )
        return 130


def segment(args: argparse.Namespace, words: Sequence[str]) -> int:
    """Label the images, and write and print what was found; exit status 1 if any of them failed."""
    weights = _weights(args.weights[-1] if args.weights else None)
    meaning = _meaning(args, weights)
    jobs = plan(args.images, args.out)
    args.out.mkdir(parents=True, exist_ok=True)
    gpus = _gpus(args)
    manifest, by = args.manifest, ""
    if len(gpus) > 1 and manifest is None:
        manifest = args.out / "manifest.jsonl"
    if manifest:
        by = made_by(digest(weights), args.net, args.precision, meaning[1])
    if len(gpus) > 1 and not is_shard():
        if manifest.exists():
            close_last_line(manifest)
        status = run_shards(str(ROOT / "infer.py"), words, len(gpus))
        done = read_manifest(manifest, by)
        failed = sum(1 for job in jobs if not _is_done(done, job))
        print(f"{len(jobs) - failed} of {len(jobs)} images are labelled; the list is {manifest}")
        return max(status, int(failed > 0))
    shard = own_shard()
    jobs = jobs[shard.rank :: shard.processes]
    if manifest:
        done = read_manifest(manifest, by)
        jobs = [job for job in jobs if not _is_done(done, job)]
    gpu = gpus[shard.rank % len(gpus)]
    predictor, table = _predictor(args, weights, meaning, gpu), meaning[2]
    with tqdm(total=len(jobs), unit="image", disable=len(jobs) < 2 or shard.rank > 0) as progress:
        label = partial(_label, predictor)
        note: Note = partial(_note, manifest, by) if manifest else _no_note
        finish = partial(_finish, predictor.classes, table, progress, note)
        return max(infer.pipeline(jobs, _read, label, finish), default=0)


def serve(args: argparse.Namespace) -> None:
    """Show the nets of the weights on a page in the browser, until Ctrl-C."""
    if args.images:
        raise ValueError(f"{args.images[0]}: --serve takes images from the page; leave them out")
    paths = [_weights(given) for given in args.weights or [None]]
    try:
        from page.serve import serve  # only now: no other command needs a web server
        from page.shown_nets import Loaded
    except ModuleNotFoundError as error:
        raise ValueError(
            f"--serve needs {error.name}, which is not installed: `make page` installs it and "
            'serves, or: pip install ".[page]"'
        ) from None
    meanings = [_meaning(args, weights) for weights in paths]
    nets = [
        Loaded(weights, _predictor(args, weights, meaning, args.gpu), meaning[2])
        for weights, meaning in zip(paths, meanings, strict=True)
    ]
    serve(nets, host=args.host, port=args.port, explain=args.explain)


def _predictor(
    args: argparse.Namespace, weights: Path, meaning: Meant, gpu: int | None
) -> infer.Predictor:
    """The net of the weights; that nothing says what its classes are is warned of."""
    import caffe  # only now: it takes seconds

    classes, mean, _ = meaning
    caffe.set_precision(args.precision)
    predictor = infer.Predictor(args.net, weights, mean=mean, classes=classes, gpu=gpu)
    if classes is None:
        command_line.warn(
            f"{weights}: no {weights.stem}.json beside it says what its classes are: they are "
            "numbered (--classes, --data or --dataset names them), and the mean that is "
            f"subtracted is ILSVRC's, {mean}"
        )
    return predictor


def _gpus(args: argparse.Namespace) -> list[int | None]:
    """The GPU of each process, None for the CPU. Raises ValueError for what cannot be."""
    if args.gpus and (args.gpu is not None or args.nproc > 1):
        raise ValueError("--gpus, --gpu and --nproc each say where to run: give one of them")
    if args.gpus:
        from solvers.choose_device import gpu_ids  # only now: it takes seconds

        return [*gpu_ids(args.gpus)]
    return [args.gpu] * args.nproc


def _is_done(done: dict[str, Entry], job: Job) -> bool:
    return is_done(done.get(str(job.image)), job.image, job.labels)


def _no_note(job: Job, labelled: Labelled | Exception) -> None:
    """There is no list to add the image to."""


def _note(manifest: Path, by: str, job: Job, labelled: Labelled | Exception) -> None:
    """Add an image to the list of what is done."""
    error = labelled if isinstance(labelled, Exception) else None
    seconds = 0.0 if isinstance(labelled, Exception) else labelled.seconds
    append(manifest, entry(job.image, job.labels, seconds, error, by))


def plan(inputs: Sequence[Path], out: Path) -> list[Job]:
    """What to read and where to write it: no two files written are the same, and none is read.

    Raises ValueError for a folder without images, and where an output would replace an input.
    """
    images: dict[str, Path] = {}
    for path in inputs:
        for image in _images_in(path) if path.is_dir() else [path]:
            images.setdefault(os.path.realpath(image), image)  # of a loop of links too
    taken: set[str] = set()
    jobs = []
    for image in images.values():
        number, stem = 1, image.stem
        while not taken.isdisjoint(targets := {f"{stem}.png", f"{stem}_overlay.png"}):
            number += 1
            stem = f"{image.stem}-{number}"
        taken |= targets
        job = Job(image, out / f"{stem}.png", out / f"{stem}_overlay.png")
        for target in (job.labels, job.overlay):
            if os.path.realpath(target) in images:
                raise ValueError(f"{target}: an image to read would be overwritten; choose --out")
        jobs.append(job)
    return jobs


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_line.parser("infer.py", __doc__)
    parser.add_argument("images", nargs="*", type=Path, help="images, or folders of images")
    parser.add_argument(
        "--weights",
        type=Path,
        action="append",
        default=[],
        help="caffemodel (default: the repository's own, models/README.md), or published weights "
        "by name, which are fetched: "
        + ", ".join(WEIGHTS)
        + "; with --serve several may be given, as often",
    )
    parser.add_argument(
        "--net",
        help="fcn32s, fcn16s, fcn8s, fcn8s-atonce or a deploy prototxt "
        "(default: what the weights were trained for)",
    )
    parser.add_argument(
        "--dataset",
        choices=NAMES,
        metavar="NAME",
        help="whose classes they are (default: as the JSON file beside the weights says): "
        + ", ".join(NAMES),
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="your folder, whose they are")
    parser.add_argument("--classes", type=Path, metavar="FILE", help="their names, one a line")
    parser.add_argument(
        "--out",
        type=Path,
        default=OUT,
        metavar="DIR",
        help="folder to write to (default: %(default)s)",
    )
    parser.add_argument("--gpu", type=int, metavar="N", help="run on this GPU (default: the CPU)")
    parser.add_argument(
        "--gpus", help="run on several, a process each: how many (4), which (0,1,3), or all"
    )
    parser.add_argument(
        "--nproc",
        type=command_line.positive(int),
        default=1,
        metavar="N",
        help="processes on the CPU (default: %(default)s)",
    )
    parser.add_argument(
        "--manifest",
        type=Path,
        metavar="FILE",
        help="list of what is done, a JSON line an image: a run that broke off goes on from it "
        "(default: of several processes OUT/manifest.jsonl)",
    )
    parser.add_argument(
        "--precision", default="fp32", help="fp32, tf32 or bf16 (default: %(default)s)"
    )
    page = parser.add_argument_group("a page in the browser, in place of images")
    page.add_argument("--serve", action="store_true", help="show the page, until Ctrl-C")
    page.add_argument(
        "--explain", action="store_true", help="and a second one, with the net's layers and blobs"
    )
    page.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen at (default: %(default)s, this machine alone; 0.0.0.0: all who "
        "reach it)",
    )
    page.add_argument(
        "--port", type=int, default=8000, help="to listen at (default: %(default)s; 0: any)"
    )
    args = parser.parse_args(argv)
    if not (args.images or args.serve or args.explain):
        parser.error("the following arguments are required: images, or --serve")
    return args


def _weights(given: Path | None) -> Path:
    path = given or OWN_WEIGHTS
    if str(given) in WEIGHTS and not path.exists():
        from surgery.weights import weights_of  # only now: it takes seconds

        return weights_of(str(given))
    if not path.is_file():
        cure = (
            f"give the path of a caffemodel, or one of the names {', '.join(WEIGHTS)}"
            if given
            else "they come with the repository: get it whole, or give others with --weights "
            "(`make demo` trains some)"
        )
        raise FileNotFoundError(f"{path}: no such weights; {cure}")
    return path


def _meaning(args: argparse.Namespace, weights: Path) -> Meant:
    """Names of the classes, mean (B, G, R) and colour map: what the user says, or NET.json.

    Where neither names the classes these are None: another dataset's names are not theirs, though
    it may have as many.
    """
    if args.data or args.dataset:
        if args.classes:
            raise ValueError("--classes and --dataset or --data both name the classes: give one")
        dataset = find(args.dataset or custom.NAME, args.data)
        return dataset.classes, dataset.mean, palette_of(dataset)
    found = meaning_of(weights)
    classes, mean, table = found[1][1:4] if found else (None, MEAN, palette())
    return class_names(args.classes) if args.classes else classes, mean, table


def _images_in(folder: Path) -> list[Path]:
    images = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not images:
        raise ValueError(f"{folder}: no images ({', '.join(sorted(SUFFIXES))}) in this folder")
    return images


def _read(job: Job) -> np.ndarray:
    return infer.load_image(job.image)


def _label(predictor: infer.Predictor, image: np.ndarray) -> Labelled:
    start = time.perf_counter()
    labels = predictor(image)
    return Labelled(image, labels, time.perf_counter() - start)


def _finish(
    classes: Sequence[str],
    table: np.ndarray,
    progress: tqdm,
    note: Note,
    job: Job,
    labelled: Labelled | Exception,
) -> int:
    """Writes an image's files and prints its line, or the error. Returns the exit status."""
    status = command_line.run(_write, classes, table, note, job, labelled)
    progress.update()
    return status


def _write(
    classes: Sequence[str],
    table: np.ndarray,
    note: Note,
    job: Job,
    labelled: Labelled | Exception,
) -> None:
    """Writes an image's files and prints its line; raises what reading or labelling it raised."""
    if isinstance(labelled, Exception):
        note(job, labelled)
        raise labelled
    image, labels, seconds = labelled
    entries = legend(labels, classes, table)
    write_palette_png(job.labels, labels, table)
    write_png(job.overlay, with_legend(overlay(image, labels, table=table), entries))
    note(job, labelled)
    found = ", ".join(
        f"{entry.name} {100 * entry.share:.1f}%"
        for entry in sorted(entries, key=lambda entry: -entry.share)
    )
    tqdm.write(f"{job.image}: {found} ({seconds:.2f} s) -> {job.labels}, {job.overlay}")


if __name__ == "__main__":
    gc.set_threshold(100_000)  # else half a second goes into looking through torch for garbage
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # else half a second goes into clearing up what ends with the process
