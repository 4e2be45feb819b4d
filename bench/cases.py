"""What is timed side by side: FCN-8s forward and in training, and loading a caffemodel."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from . import matrix, ours, peers, plain
from .measure import beside, rows
from .processes import Engine, in_process
from .result_tables import GB, LIMITS, PEAK, SECONDS, Row, Table, over
from .work import WARM_UP, Size, Work

OURS = "ours"
ONNX_RUNTIME, OPENVINO = "onnxruntime", "OpenVINO"
NCHW, CHANNELS_LAST = "PyTorch eager, NCHW", "PyTorch eager, channels_last"
RATIO, DIFFER = "/ ours", "outputs differ"
ABOVE = "GB above the parameters"

# Of the largest value of an output; what is rounded to 10 or 7 bits adds up in the gradients
TOLERANCES = {"fp32": 1e-3, "tf32": 5e-2, "bf16": 3e-1}
# In float32 ReLUs and poolings near a tie choose otherwise than in float64, whatever the engine:
# the update of conv1_1 is 1.1e-3 from it in eager PyTorch, 1.6e-3 with the channels last.
OF_TRAINING = TOLERANCES | {"fp32": 2e-3}


def one_size(size: Size, passes: int) -> tuple[Size, ...]:
    """Every pass's image has the same size."""
    return (size,) * passes


def new_sizes(size: Size, passes: int) -> tuple[Size, ...]:
    """A size, and others that are a little smaller: each pass meets one that it has not seen."""
    height, width = size
    return tuple((height - 4 * i, width - 6 * i) for i in range(passes))


@dataclass(frozen=True)
class Case:
    """`engines` beside each other; each must agree with the reference."""

    title: str
    engines: tuple[Engine, ...]
    reference: Engine
    sizes: Callable[[Size, int], tuple[Size, ...]] = one_size  # of all passes' images
    tolerances: Mapping[str, float] = field(default_factory=lambda: TOLERANCES)  # by precision


_OURS, _NCHW = Engine(OURS, ours.Forward), Engine(NCHW, plain.Forward)
_TORCH = (
    Engine(CHANNELS_LAST, plain.ForwardChannelsLast, peer=True),
    Engine("PyTorch compiled, channels_last, frozen", plain.ForwardCompiled, peer=True),
)
_ONNX_RUNTIME = Engine(ONNX_RUNTIME, peers.onnx_runtime, peer=True)
_OTHERS = (
    _ONNX_RUNTIME,
    Engine(OPENVINO, peers.open_vino, peer=True),
    Engine("OpenCV dnn", peers.open_cv, peer=True),
)
_MATRIX = Engine("matrix product", matrix.Product)

FORWARD = Case("FCN-8s forward", (_OURS, _NCHW, *_TORCH, *_OTHERS), _NCHW)
FORWARD_GPU = replace(FORWARD, engines=(Engine(OURS, ours.ForwardThere), _NCHW, *_TORCH))
FORWARD_QUICK = replace(FORWARD, engines=(_OURS, _NCHW, _ONNX_RUNTIME))
FIRST = Case("FCN-8s forward, every image of a new size", (_OURS, _NCHW), _NCHW, new_sizes)
_TRAIN = (Engine(OURS, ours.Train), Engine(NCHW, plain.Train))
_TRAIN_CHANNELS_LAST = Engine(CHANNELS_LAST, plain.TrainChannelsLast, peer=True)
_TRAIN_DOUBLE = Engine("PyTorch eager, float64", plain.TrainDouble)
TRAIN = Case(
    "FCN-8s training step",
    (*_TRAIN, _TRAIN_CHANNELS_LAST),
    _TRAIN_DOUBLE,
    tolerances=OF_TRAINING,
)
TRAIN_QUICK = replace(TRAIN, engines=_TRAIN)
_LOAD = (Engine(OURS, ours.Load), Engine("protobuf and numpy", plain.Load))
LOAD = Case("VGG16's caffemodel into a net", _LOAD, _LOAD[1])


def on_gpu(case: Case, precision: str) -> str:
    """The title of the case's table there."""
    return f"{case.title}, GPU, {precision}"


def run(case: Case, work: Work, rounds: int) -> Table:
    """Compare, then time in turns with the matrix product, whose rate makes the limit of a pass.

    A training step is told in limits of a forward pass too.
    """
    sizes = case.sizes(work.size, WARM_UP + rounds)
    work = replace(work, sizes=sizes)
    tolerance = case.tolerances[work.precision]
    differences, timing = beside(
        case.engines, case.reference, work, tolerance, rounds, case.title, more=[_MATRIX]
    )
    flop = ours.flop(work, sizes[WARM_UP:])
    limits = matrix.limits(flop, timing.seconds[_MATRIX.title])
    counts = [count / 1e9 for count in flop]

    def figures(engine: str) -> dict[str, Sequence[float]]:
        seconds = timing.seconds[engine]
        return {
            SECONDS: seconds,
            LIMITS: over(seconds, limits),
            RATIO: over(seconds, timing.seconds[OURS]),
            PEAK: [timing.peak[engine] / GB],
            DIFFER: [differences[engine]],
            "CPU s out of turn": [timing.idle[engine] / rounds],
        }

    limit = Row("limit", {SECONDS: limits, "GFLOP": counts, "GFLOP/s": over(counts, limits)})
    title = case.title if work.device == "cpu" else on_gpu(case, work.precision)
    return Table(title, [limit, *rows(case.engines, timing, figures)])


def load(work: Work, rounds: int) -> Table:
    """VGG16's caffemodel of 553 MB: time, and the memory of the process less the parameters."""
    work = replace(work, folder=work.folder / "vgg16")
    in_process(ours.prepare, work, "vgg16")
    differences, timing = beside(LOAD.engines, LOAD.reference, work, 0.0, rounds, LOAD.title)
    parameters = work.caffemodel.stat().st_size

    def figures(engine: str) -> dict[str, Sequence[float]]:
        seconds, peak = timing.seconds[engine], timing.peak[engine]
        return {
            SECONDS: seconds,
            RATIO: over(seconds, timing.seconds[OURS]),
            PEAK: [peak / GB],
            ABOVE: [(peak - parameters) / GB],
            DIFFER: [differences[engine]],
        }

    return Table(LOAD.title, rows(LOAD.engines, timing, figures))
