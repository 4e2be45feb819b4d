"""What is known of a net's prototxt, even where something in it is not."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.errors import CaffeError
from ..core.files import PathLike
from ..proto import caffe_pb2
from ..proto.text import Known
from ..proto.upgrade import read_known_net
from .automatic_crop import with_offsets
from .build import Graph, build_known
from .canonical import filtered, made_elsewhere, unfilled


@dataclass(frozen=True)
class Survey:
    """A net as far as it is known. Layers are told by their places among those of `net`."""

    known: Known[caffe_pb2.NetParameter]  # the file, and what is unknown in it
    net: caffe_pb2.NetParameter  # the layers that run
    graph: Graph  # of those that can be built; parameters are 0
    failed: dict[int, str]  # those with an error, and the error
    follows: list[int]  # those that are made of what others should have made
    assumed: dict[int, str]  # data layers without their files, whose images have crop_size

    @property
    def not_built(self) -> set[int]:
        """The layers that the graph lacks."""
        return {*self.failed, *self.follows, *self.assumed}


def survey(path: PathLike, phase: int) -> Survey:
    """What is known of a net in a phase.

    Raises CaffeError for a file that is no net's prototxt, whatever is in it.
    """
    known = read_known_net(path)
    state = caffe_pb2.NetState()
    state.CopyFrom(known.message.state)
    state.phase = phase
    net = filtered(known.message, state)
    net.state.CopyFrom(state)
    try:
        described = with_offsets(net)
    except (CaffeError, KeyError):  # a Crop behind layers, or blobs, that are not known
        described = net
    graph, failed, lacking, assumed = build_known(unfilled(described))
    made: set[str] = set()
    follows = []
    for i, layer in enumerate(net.layer):
        if lacking.get(i) in made:
            follows.append(i)
        elif i in lacking:
            failed[i] = (
                f"layer '{layer.name}' ({layer.type}): unknown bottom blob '{lacking[i]}'; no "
                f"layer above makes it{made_elsewhere(lacking[i], net, known.message, state)}"
            )
        made.update(layer.top)
    return Survey(known, net, graph, failed, follows, assumed)
