"""caffe.draw: a net as a picture (python/caffe/draw.py). Needs pydot, and Graphviz for pictures.

Layers are boxes, blobs are octagons; edges from a layer carry its outputs' number.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from .core.errors import CaffeError, caffe_error
from .core.files import PathLike, replacing
from .proto import caffe_pb2

if TYPE_CHECKING:
    import pydot

# Node styles.
LAYER_STYLE_DEFAULT = {"shape": "record", "fillcolor": "#6495ED", "style": "filled"}
NEURON_LAYER_STYLE = {"shape": "record", "fillcolor": "#90EE90", "style": "filled"}
BLOB_STYLE = {"shape": "octagon", "fillcolor": "#E0E0E0", "style": "filled"}

LEARNING = ("Convolution", "Deconvolution", "InnerProduct")
SOURCE_FORMATS = ("dot", "gv")  # what pydot writes by itself


def get_pooling_types_dict() -> dict[int, str]:
    """The pooling methods' names by number."""
    methods = caffe_pb2.PoolingParameter.DESCRIPTOR.enum_types_by_name["PoolMethod"].values
    return {method.number: method.name for method in methods}


def get_edge_label(layer: caffe_pb2.LayerParameter) -> str:
    """The label of the edges to a layer's tops: its batch size or number of outputs."""
    if layer.type == "Data":
        return f"Batch {layer.data_param.batch_size}"
    if layer.type in ("Convolution", "Deconvolution"):
        return str(layer.convolution_param.num_output)
    if layer.type == "InnerProduct":
        return str(layer.inner_product_param.num_output)
    return '""'


def get_layer_lr_mult(layer: caffe_pb2.LayerParameter) -> tuple[float, float]:
    """lr_mult of weights and bias. Raises ValueError for a type without, or more than two."""
    if layer.type not in LEARNING:
        raise caffe_error(ValueError, f"{layer.type} layers do not have a learning rate multiplier")
    if len(layer.param) > 2:
        raise caffe_error(
            ValueError,
            f"layer '{layer.name}': could not parse the learning rate multiplier; "
            f"expected at most 2 param, found {len(layer.param)}",
        )
    weight, bias = ([param.lr_mult for param in layer.param] + [1.0, 1.0])[:2]
    return weight, bias


def get_layer_label(
    layer: caffe_pb2.LayerParameter, rankdir: str, display_lrm: bool = False
) -> str:
    """A layer's label, in quotes: name, type, kernel; words apart where the graph has room."""
    separator = " " if rankdir in ("TB", "BT") else r"\n"
    kind = layer.type
    if layer.type == "Pooling":
        kind += " " + get_pooling_types_dict()[layer.pooling_param.pool]
    words = [layer.name, f"({kind})"]
    if layer.type == "Pooling":
        pool = layer.pooling_param
        words += _spatial(pool.kernel_size, pool.stride, pool.pad)
    elif layer.type in ("Convolution", "Deconvolution"):
        conv = layer.convolution_param
        sizes = (conv.kernel_size, 1), (conv.stride, 1), (conv.pad, 0)
        words += _spatial(*(values[0] if values else default for values, default in sizes))
    if display_lrm and layer.type in LEARNING:
        weight, bias = get_layer_lr_mult(layer)
        if weight or bias:
            words.append(f"lr mult: {weight:.1f}, {bias:.1f}")
    return f'"{separator.join(words)}"'


def _spatial(kernel_size: int, stride: int, pad: int) -> list[str]:
    return [f"kernel size: {kernel_size}", f"stride: {stride}", f"pad: {pad}"]


def choose_color_by_layertype(layertype: str) -> str:
    """The fill colour of a layer's box."""
    colors = {
        "Convolution": "#FF5050",
        "Deconvolution": "#FF5050",
        "Pooling": "#FF9900",
        "InnerProduct": "#CC33FF",
    }
    return colors.get(layertype, LAYER_STYLE_DEFAULT["fillcolor"])


def get_pydot_graph(
    caffe_net: caffe_pb2.NetParameter,
    rankdir: str,
    label_edges: bool = True,
    phase: int | None = None,
    display_lrm: bool = False,
) -> pydot.Dot:
    """The net as a graph of pydot's; with a phase, without the layers that it leaves out.

    Raises CaffeError without pydot, ValueError for a layer with include and exclude rules.
    """
    module = _pydot()
    graph = module.Dot(caffe_net.name or "Net", graph_type="digraph", rankdir=rankdir)
    nodes: dict[str, pydot.Node] = {}
    edges: list[tuple[str, str, str]] = []
    for layer in caffe_net.layer:
        if phase is not None and not _included(layer, phase):
            continue
        in_place = len(layer.bottom) == len(layer.top) == 1 and layer.bottom[0] == layer.top[0]
        color = choose_color_by_layertype(layer.type)
        style = NEURON_LAYER_STYLE if in_place else {**LAYER_STYLE_DEFAULT, "fillcolor": color}
        node = f"{layer.name}_{layer.type}"
        nodes[node] = module.Node(get_layer_label(layer, rankdir, display_lrm), **style)
        for bottom in layer.bottom:
            nodes[f"{bottom}_blob"] = module.Node(_quoted(bottom), **BLOB_STYLE)
            edges.append((f"{bottom}_blob", node, '""'))
        for top in layer.top:
            nodes[f"{top}_blob"] = module.Node(_quoted(top))
            edges.append((node, f"{top}_blob", get_edge_label(layer) if label_edges else '""'))
    for drawn in nodes.values():
        graph.add_node(drawn)
    for source, target, label in edges:
        graph.add_edge(module.Edge(nodes[source], nodes[target], label=label))
    return graph


def _pydot() -> ModuleType:
    try:
        import pydot
    except ModuleNotFoundError:
        raise caffe_error(
            ModuleNotFoundError, "drawing needs the Python package pydot: pip install pydot"
        ) from None
    return pydot


def _included(layer: caffe_pb2.LayerParameter, phase: int) -> bool:
    if layer.include and layer.exclude:
        raise caffe_error(ValueError, f"layer {layer.name} has both include and exclude specified.")
    if layer.include:
        return any(rule.phase == phase for rule in layer.include)
    return all(rule.phase != phase for rule in layer.exclude)


def _quoted(name: str) -> str:
    """A name in which dot reads nothing (a port after a colon) but the name."""
    return '"' + name.replace('"', r"\"") + '"'


def draw_net(
    caffe_net: caffe_pb2.NetParameter,
    rankdir: str,
    ext: str = "png",
    phase: int | None = None,
    display_lrm: bool = False,
) -> bytes:
    """The net as a file of the format `ext`; dot and gv need no Graphviz.

    Raises CaffeError where pydot or Graphviz is missing, or Graphviz refuses.
    """
    graph = get_pydot_graph(caffe_net, rankdir, phase=phase, display_lrm=display_lrm)
    if ext in SOURCE_FORMATS:
        return graph.to_string().encode()
    try:
        return graph.create(format=ext)  # type: ignore[return-value]  # bytes; pydot says str
    except FileNotFoundError:
        raise caffe_error(
            FileNotFoundError,
            f"drawing a {ext} needs Graphviz, whose program 'dot' is not installed or not on PATH "
            "(apt-get install graphviz); a .dot file needs none",
        ) from None
    except AssertionError as error:  # pydot's word for a failing dot
        raise caffe_error(
            AssertionError, f"Graphviz could not draw the net as {ext}: {error}"
        ) from None


def draw_net_to_file(
    caffe_net: caffe_pb2.NetParameter,
    filename: PathLike,
    rankdir: str = "LR",
    phase: int | None = None,
    display_lrm: bool = False,
) -> None:
    """Draw the net into a file, in the format that its name ends in. Raises as draw_net."""
    ext = Path(filename).suffix[1:]
    if not ext:
        raise CaffeError(f"{filename}: end the name in a format, such as .png, .svg, .pdf or .dot")
    picture = draw_net(caffe_net, rankdir, ext, phase, display_lrm)
    with replacing(filename) as file:
        file.write(picture)
