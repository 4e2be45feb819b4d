"""How a net is described: NetParameter in, NetParameter out, before anything is built.

The rules are those of Net::FilterNet and insert_splits.cpp.
"""

from collections import Counter

from ..core.errors import CaffeError
from ..proto import caffe_pb2
from ..proto.upgrade import upgrade_net

NetParameter = caffe_pb2.NetParameter


def describe(net: NetParameter, state: caffe_pb2.NetState) -> NetParameter:
    """In today's format, the layers that run in this state, a Split where a blob is shared."""
    return insert_splits(filtered(upgrade_net(net), state))


def filtered(net: NetParameter, state: caffe_pb2.NetState) -> NetParameter:
    """Without the layers that `include` and `exclude` rules leave out in this state."""
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


def insert_splits(net: NetParameter) -> NetParameter:
    """A Split layer behind every top that more than one layer (or a loss and a layer) reads.

    Raises CaffeError for a bottom that no earlier layer makes.
    """
    made_by: dict[str, tuple[int, int]] = {}  # blob name -> (layer, top) that made it last
    source: dict[tuple[int, int], tuple[int, int]] = {}  # (layer, bottom) -> (layer, top)
    readers: Counter[tuple[int, int]] = Counter()
    loss_weight: dict[tuple[int, int], float] = {}
    for i, layer in enumerate(net.layer):
        for j, name in enumerate(layer.bottom):
            if name not in made_by:
                raise CaffeError(
                    f"layer '{layer.name}' ({layer.type}): unknown bottom blob '{name}' "
                    f"(bottom {j}); no layer above makes it. Blobs so far: "
                    f"{', '.join(made_by) or 'none'}"
                )
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
