"""What is known of a net's prototxt, even where something in it is not."""

from __future__ import annotations

from collections.abc import Sequence
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
    assumed: dict[int, str]  # data layers without their files, whose images have a size
    absent: dict[int, str]  # other layers without their files, or their Python modules

    @property
    def not_built(self) -> set[int]:
        """The layers that the graph lacks."""
        return {*self.failed, *self.follows, *self.assumed, *self.absent}


def survey(path: PathLike, phase: int, level: int = 0, stages: Sequence[str] = ()) -> Survey:
    """What is known of a net in a phase, at a level and with these stages.

    The file may be a solver's that holds its net. Raises CaffeError for a file that is no net's
    prototxt, whatever is in it.
    """
    known = read_known_net(path, phase)
    state = caffe_pb2.NetState()
    state.CopyFrom(known.message.state)
    state.MergeFrom(caffe_pb2.NetState(phase=phase, level=level, stage=stages))
    net = filtered(known.message, state)
    net.state.CopyFrom(state)
    try:
        described = with_offsets(net)
    except (CaffeError, KeyError):  # a Crop behind layers, or blobs, that are not known
        described = net
    graph, failed, lacking, assumed, absent = build_known(unfilled(described))
    made: set[str] = set()
    follows = []
    for i, layer in enumerate(net.layer):
        if i in lacking and i not in failed and lacking[i] in made:
            follows.append(i)
        elif i in lacking and i not in failed:
            failed[i] = (
                f"layer '{layer.name}' ({layer.type}): unknown bottom blob '{lacking[i]}'; no "
                f"layer above makes it{made_elsewhere(lacking[i], net, known.message, state)}"
            )
        made.update(layer.top)
    return Survey(known, net, graph, failed, follows, assumed, absent)


def stages_named(path: PathLike) -> list[str]:
    """The stages that a net's rules speak of, in the order of the file. Raises as `survey`."""
    rules = [
        rule
        for layer in read_known_net(path).message.layer
        for rule in (*layer.include, *layer.exclude)
    ]
    return list(dict.fromkeys(name for rule in rules for name in (*rule.stage, *rule.not_stage)))
