"""How a net is described: NetParameter in, NetParameter out, before anything is built.

The rules are those of Net::FilterNet and insert_splits.cpp.
"""

from collections import Counter

from google.protobuf import text_format

from ..core.errors import CaffeError
from ..layer_types import of_capitals
from ..proto import caffe_pb2
from .automatic_crop import with_offsets

NetParameter = caffe_pb2.NetParameter


def describe(net: NetParameter, state: caffe_pb2.NetState) -> NetParameter:
    """The layers that run in this state, with a Split where a blob is shared.

    The net is in today's format. Raises CaffeError for a bottom that no earlier layer makes.
    """
    kept = filtered(net, state)
    _check_bottoms(kept, net, state)
    return insert_splits(with_offsets(kept))


def _check_bottoms(kept: NetParameter, net: NetParameter, state: caffe_pb2.NetState) -> None:
    made: dict[str, None] = {}
    for layer in kept.layer:
        for j, name in enumerate(layer.bottom):
            if name not in made:
                raise CaffeError(
                    f"layer '{layer.name}' ({layer.type}): unknown bottom blob '{name}' "
                    f"(bottom {j}); no layer above makes it. Blobs so far: "
                    f"{', '.join(made) or 'none'}{made_elsewhere(name, kept, net, state)}"
                )
        made.update(dict.fromkeys(layer.top))


def made_elsewhere(
    name: str, kept: NetParameter, net: NetParameter, state: caffe_pb2.NetState
) -> str:
    """Where in the prototxt the blob is made after all: further down, or in another state.

    As it stands behind the sentence that it is unknown; "" where no layer makes it.
    """
    if maker := next((layer for layer in kept.layer if name in layer.top), None):
        return f". Layer '{maker.name}' ({maker.type}) makes it further down: move that up"
    if maker := next((layer for layer in net.layer if name in layer.top), None):
        rules = maker.include or maker.exclude
        words = " or ".join(f"{{ {_line(rule)} }}" for rule in rules)
        kind = "include" if maker.include else "exclude"
        other = caffe_pb2.TRAIN if state.phase == caffe_pb2.TEST else caffe_pb2.TEST
        there = caffe_pb2.NetState()
        there.CopyFrom(state)
        there.phase = other
        cure = "give that layer or this one another rule"
        if any(name in layer.top for layer in filtered(net, there).layer):
            cure = f"open the net as caffe.{caffe_pb2.Phase.Name(other)}, or {cure}"
        if stages := [stage for rule in maker.include for stage in rule.stage]:
            cure += f", or open the net with stages={stages!r}"
        return (
            f". Layer '{maker.name}' ({maker.type}) makes it, but is left out of this net, whose "
            f"state is {{ {_line(state)} }}, by its {kind} {words}: {cure}"
        )
    return ""


def _line(message: caffe_pb2.NetState | caffe_pb2.NetStateRule) -> str:
    return text_format.MessageToString(message, as_one_line=True)


def filtered(net: NetParameter, state: caffe_pb2.NetState) -> NetParameter:
    """Without the layers that `include` and `exclude` rules leave out in this state.

    Types of forks in V1's spelling are in today's.
    """
    out = NetParameter()
    out.CopyFrom(net)
    out.ClearField("layer")
    for layer in net.layer:
        if layer.include and layer.exclude:
            raise CaffeError(f"layer '{layer.name}': give include rules or exclude rules, not both")
        if layer.include:
            kept = any(meets(rule, state) for rule in layer.include)
        else:
            kept = not any(meets(rule, state) for rule in layer.exclude)
        if kept:
            out.layer.add().CopyFrom(layer)
            if today := of_capitals(layer.type):
                out.layer[-1].type = today
    return out


def meets(rule: caffe_pb2.NetStateRule, state: caffe_pb2.NetState) -> bool:
    """Net::StateMeetsRule: phase, level between min and max, all stages and no not_stage."""
    return (
        (not rule.HasField("phase") or rule.phase == state.phase)
        and (not rule.HasField("min_level") or state.level >= rule.min_level)
        and (not rule.HasField("max_level") or state.level <= rule.max_level)
        and all(stage in state.stage for stage in rule.stage)
        and not any(stage in state.stage for stage in rule.not_stage)
    )


def unfilled(net: NetParameter) -> NetParameter:
    """With fillers of 0 for all others, which to draw for a large net takes seconds.

    They stay where they are given, since layers look at which are.
    """
    out = NetParameter()
    out.CopyFrom(net)
    for layer in out.layer:
        for field, param in layer.ListFields():
            if field.message_type and not field.is_repeated:
                for inner, _ in param.ListFields():
                    if inner.message_type is caffe_pb2.FillerParameter.DESCRIPTOR:
                        getattr(param, inner.name).CopyFrom(caffe_pb2.FillerParameter())
    return out


def insert_splits(net: NetParameter) -> NetParameter:
    """A Split layer behind every top that more than one layer (or a loss and a layer) reads.

    Every bottom is made by an earlier layer.
    """
    made_by: dict[str, tuple[int, int]] = {}  # blob name -> (layer, top) that made it last
    source: dict[tuple[int, int], tuple[int, int]] = {}  # (layer, bottom) -> (layer, top)
    readers: Counter[tuple[int, int]] = Counter()
    loss_weight: dict[tuple[int, int], float] = {}
    for i, layer in enumerate(net.layer):
        for j, name in enumerate(layer.bottom):
            source[i, j] = made_by[name]
            readers[made_by[name]] += 1
        for j, name in enumerate(layer.top):
            made_by[name] = (i, j)
        for j, weight in enumerate(layer.loss_weight[: len(layer.top)]):
            loss_weight[i, j] = weight
            readers[i, j] += bool(weight)  # being a loss counts as being read

    out = NetParameter()
    out.CopyFrom(net)
    out.ClearField("layer")
    given: Counter[tuple[int, int]] = Counter()
    for i, layer in enumerate(net.layer):
        kept = out.layer.add()
        kept.CopyFrom(layer)
        for j, name in enumerate(layer.bottom):
            top = source[i, j]
            if readers[top] > 1:
                maker = net.layer[top[0]].name
                kept.bottom[j] = f"{_split_name(maker, name, top[1])}_{given[top]}"
                given[top] += 1
        for j, name in enumerate(layer.top):
            if readers[i, j] < 2:
                continue
            split_name = _split_name(layer.name, name, j)
            split = out.layer.add(name=split_name, type="Split", bottom=[name])
            split.top.extend(f"{split_name}_{k}" for k in range(readers[i, j]))
            weight = loss_weight.get((i, j), 0)
            if weight:
                kept.ClearField("loss_weight")
                split.loss_weight.extend([weight] + [0.0] * (readers[i, j] - 1))
                given[i, j] += 1
    return out


def _split_name(layer: str, blob: str, top: int) -> str:
    return f"{blob}_{layer}_{top}_split"
