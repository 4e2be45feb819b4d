"""Bottoms and tops that no prototxt means: a layer computes something, or its error says what."""

import math
import os
import traceback
from collections.abc import Iterator

import numpy as np
import pytest
from google.protobuf import text_format
from support.layer_records import OF_A_NET, READS_FILES, Record, Shape, records
from support.layer_table import load_laws
from support.net_text import input_layer

import caffe
from caffe.layer_types import REGISTRY, LayerType
from caffe.proto import caffe_pb2

RECORDS = records(load_laws())
KINDS = sorted(kind for kind, cls in REGISTRY.items() if cls.expression is not LayerType.expression)
PARTS = 8


def odd(record: Record) -> Iterator[tuple[list[Shape], int]]:
    """Shapes of the bottoms, and how many tops."""
    shapes, tops = record.shapes, record.tops
    for i, shape in enumerate(shapes):
        others = [(math.prod(shape),), (*shape, 1), (*shape, 2)]
        others += [shape[:axes] for axes in range(len(shape))]
        others += [
            (*shape[:axis], size, *shape[axis + 1 :])
            for axis in range(len(shape))
            for size in (0, shape[axis] + 1)
        ]
        yield from (([*shapes[:i], other, *shapes[i + 1 :]], tops) for other in others)
    for axes in range(6):
        yield [shape[:axes] for shape in shapes], tops
    yield [(*shape, 1) for shape in shapes], tops
    for size in (0, 1):
        yield [(size, *shape[1:]) for shape in shapes], tops
        yield [(size,) * len(shape) for shape in shapes], tops
    for count in (*range(len(shapes)), len(shapes) + 1, len(shapes) + 2):
        yield (shapes * 3)[:count], tops
    yield from ((shapes, count) for count in range(tops + 3) if count != tops)


def run(kind: str, record: Record, shapes: list[Shape], tops: int, phase: int) -> list[list[float]]:
    """Forward, and in TRAIN backward, of a net of this layer: what it gives in each blob."""
    caffe.set_random_seed(0)
    spec = caffe_pb2.NetParameter()
    text = "".join(input_layer(f"x{i}", *shape) for i, shape in enumerate(shapes))
    bottoms = "".join(f' bottom: "x{i}"' for i in range(len(shapes)))
    names = "".join(f' top: "y{i}"' for i in range(tops))
    text += f'layer {{ name: "l" type: "{kind}" {bottoms} {names} {record.body} }}'
    text_format.Parse(f"force_backward: true {text}", spec)
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=phase))
    rng = np.random.RandomState(0)
    for i, shape in enumerate(shapes):
        values = net._graph.layers[-1].example_bottom(i, shapes, rng)
        if values is None:
            values = np.resize(record.fill.get(i, rng.uniform(0.1, 0.9, 24)), shape)
        net.blobs[f"x{i}"].data[...] = values.reshape(shape)
    net.forward()
    if phase == caffe.TRAIN:
        for i in range(tops):
            net.blobs[f"y{i}"].diff[...] = 1
        net.backward()
    found = [net.blobs[f"y{i}"].data for i in range(tops)]
    found += [net.blobs[f"x{i}"].diff for i in range(len(shapes))]
    return [each.flatten().tolist() for each in found]


def said(kind: str, record: Record, shapes: list[Shape], tops: int, phase: int) -> str | None:
    """What is wrong with its end: another error than a CaffeError, or one without the layer."""
    try:
        run(kind, record, shapes, tops, phase)
    except caffe.CaffeError as error:
        return None if str(error).startswith("layer 'l'") else f"{error}"
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({os.path.basename(last.filename)}:{last.lineno})"
    return None


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
def test_whatever_the_bottoms_and_tops_a_layer_computes_or_says_what_is_wrong(part, every):
    """every: of so many odd cases one."""
    wrong = {
        f"{kind} {{ {record.body} }} {shapes}, {tops} tops: {fault}"
        for kind in KINDS[part::PARTS]
        if kind not in READS_FILES | OF_A_NET
        for record in RECORDS[kind]
        for number, (shapes, tops) in [*enumerate(odd(record))][part % every :: every]
        for phase in [(caffe.TRAIN, caffe.TEST)[number % 2]]
        if (fault := said(kind, record, shapes, tops, phase))
    }
    assert not wrong, "\n".join(sorted(wrong))


@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_tried_so_is_computed_where_nothing_is_odd(part):
    for kind in KINDS[part::PARTS]:
        for record in () if kind in READS_FILES | OF_A_NET else RECORDS[kind]:
            run(kind, record, record.shapes, record.tops, caffe.TEST)


@pytest.mark.parametrize("part", range(PARTS))
def test_items_of_one_value_need_no_axis_for_it(part):
    """Where a layer takes items so, they are the same; but for what takes the axis as its own."""
    compared = 0
    for kind in KINDS[part::PARTS]:
        for record in (
            () if kind in READS_FILES | OF_A_NET | {"BatchReindex", "Concat"} else RECORDS[kind]
        ):
            bare = [shape[:1] for shape in record.shapes]
            try:
                found = run(kind, record, bare, record.tops, caffe.TRAIN)
            except caffe.CaffeError:
                continue
            shapes = [(*shape, 1) for shape in bare]
            expected = run(kind, record, shapes, record.tops, caffe.TRAIN)
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_allclose(one, other, 1e-6, err_msg=kind)
            compared += 1
    assert compared > 2
