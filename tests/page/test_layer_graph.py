"""Laws of the drawing of a net."""

from itertools import combinations

import pytest
from support.served_nets import served

from page.layer_graph import BOX, layout


@pytest.fixture(scope="module", params=["fcn8s", "fcn8s-squeezenet", "fcn-googlenet-8s"])
def net(request, tmp_path_factory):
    return next(iter(served(tmp_path_factory.mktemp("nets"), request.param).values()))


def test_every_blob_has_a_box_and_no_two_lie_on_each_other(net):
    graph = layout(net.predictor)
    tops = {top for layer in net.param.layer for top in layer.top}
    assert {box.blob for box in graph.boxes} == tops
    for one, other in combinations(graph.boxes, 2):
        assert abs(one.x - other.x) >= BOX[0] or abs(one.y - other.y) >= BOX[1]
    assert all(box.x + BOX[0] <= graph.width for box in graph.boxes)


def test_each_layer_lies_below_all_that_it_takes(net):
    rows = {box.blob: box.y for box in layout(net.predictor).boxes}
    for layer in net.param.layer:
        for bottom in layer.bottom[: 1 if layer.type == "Crop" else None]:
            assert layer.top[0] == bottom or rows[bottom] < rows[layer.top[0]]


def test_no_line_runs_down_behind_a_box(net):
    graph = layout(net.predictor)
    for line in graph.lines:
        x, _, rest = line[1:].partition(" ")
        y, _, rest = rest.partition("V")
        end = rest.partition("Q")[0]
        middle = int(x) - BOX[0] // 2
        for box in graph.boxes:
            assert box.x != middle or box.y + BOX[1] <= int(y) or box.y >= int(end)


def test_a_box_names_what_is_done_in_place(net):
    (data, first, *_) = (b for b in layout(net.predictor).boxes if "Pooling" not in b.text)
    assert data.text == "Input"
    assert first.text.startswith("Convolution")
    assert first.text.endswith("ReLU")
    assert data.window.size == 1
