"""Prototxt as editors save it, and what its mistakes are said to be."""

import codecs
import logging
import re
from pathlib import Path

import pytest
from google.protobuf import text_format
from support.net_text import input_layer, net_of

import caffe
from caffe.layer_types import REGISTRY
from caffe.proto import caffe_pb2, forks
from caffe.proto.place import layer_at
from caffe.proto.text import Known, read_binaryproto, read_known, read_prototxt

TEXT = '# {comment}\nname: "net"  # {comment}\nlayer {{ name: "a" type: "Input" top: "x" }}\n'
PLAIN = caffe_pb2.NetParameter(name="net")
PLAIN.layer.add(name="a", type="Input", top=["x"])


def read_bytes(folder: Path, data: bytes) -> caffe_pb2.NetParameter:
    path = folder / "net.prototxt"
    path.write_bytes(data)
    return read_prototxt(path, caffe_pb2.NetParameter())


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("bom", "encoding", "comment"),
    [
        (b"", "utf-8", "网络 é"),
        (codecs.BOM_UTF8, "utf-8", "网络 é"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "网络"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "网络"),
        (b"", "gbk", "网络定义 乗"),  # the last one ends in the byte of a backslash
        (b"", "gb18030", "网络定义"),
        (b"", "latin-1", "réseau für"),
        (b"", "cp1252", "“net” €"),
        (b"", "shift-jis", "ネット 表示"),
    ],
)
def test_a_prototxt_is_read_as_editors_save_it(tmp_path, bom, encoding, comment, ends):
    text = TEXT.format(comment=comment).replace("\n", ends)
    assert read_bytes(tmp_path, bom + text.encode(encoding)) == PLAIN


def test_text_in_strings_is_kept_and_a_sign_of_a_comment_in_one_begins_none(tmp_path):
    net = read_bytes(tmp_path, 'name: "网络 # é" layer { name: \'a # "b\' }'.encode())
    assert (net.name, net.layer[0].name) == ("网络 # é", 'a # "b')


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ('name: "a"\r\nlayer {{ name: "网" }}\r\n'.format().encode("gbk"), ":2:16: "),
        ('name: "é # b"'.encode("latin-1"), ":1:8: "),
        ('# é\nnäme: "b"'.encode("latin-1"), ":2:2: "),
    ],
)
def test_what_is_no_utf8_outside_of_comments_has_its_place_and_cure(tmp_path, data, place):
    with pytest.raises(caffe.CaffeError, match="save it as UTF-8") as error:
        read_bytes(tmp_path, data)
    assert f"net.prototxt{place}" in str(error.value)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\0", 'name: "a"'.encode("utf-16-le")])
def test_what_is_no_text_says_so(tmp_path, data):
    with pytest.raises(caffe.CaffeError, match="not a text file; expected a prototxt"):
        read_bytes(tmp_path, data)


# Paths as Windows writes them.


@pytest.mark.parametrize(
    "source", ["C:\\new\\table", "C:\\data\\list", "data\\list", "C:\\xyz", "C:\\u", "C:\\0\\a"]
)
@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("ImageData", "image_data_param"),
        ("HDF5Data", "hdf5_data_param"),
        ("Data", "data_param"),
        ("Data", "backend: LMDB data_param"),
        ("WindowData", "transform_param { crop_size: 2 } window_data_param"),
    ],
)
def test_a_path_with_backslashes_is_to_be_written_with_slashes(tmp_path, source, kind, field):
    backend, _, field = field.rpartition(" ") if "backend" in field else ("", "", field)
    with pytest.raises(caffe.CaffeError, match=r"write .*with /") as error:
        net_of(
            f'layer {{ name: "d" type: "{kind}" top: "a" top: "b" '
            f'{field} {{ source: "{source}" batch_size: 1 {backend} }} }}'
        )
    assert str(error.value).isprintable()
    assert "layer 'd'" in str(error.value)


def test_an_escape_that_there_is_none_of_has_its_place(tmp_path):
    with pytest.raises(caffe.CaffeError, match=r"net\.prototxt:2:28: layer 'a': .d is no escape"):
        read_bytes(tmp_path, b'name: "\\\\d \\"" # \\d\nlayer { name: "a" type: "C:\\data" }')
    net = read_bytes(tmp_path, rb'name: "\\d \"\n\t\x41\101" # \d')
    assert net.name == '\\d "\n\tAA'


def test_the_nets_path_in_a_solver_too(tmp_path):
    path = tmp_path / "solver.prototxt"
    path.write_text('net: "nets\\\\net.prototxt" base_lr: 1 lr_policy: "fixed"')
    with pytest.raises(FileNotFoundError, match="write the path with /"):
        caffe.get_solver(path)


# Which layer, and what was meant.

NET = """
name: "n"
layer { name: "first" type: "Input" top: "x" }  # layer { name: "comment"
layer {
  param { name: "w" }
  nome: "}"
  name: "second"
}
layer <
  name: 'third' type: "Input"
>
layer { layers { name: "inner" } name: "fourth"
"""


@pytest.mark.parametrize(
    ("line", "column", "name"),
    [
        *((2, 1, ""), (3, 9, "first"), (3, 60, ""), (4, 8, "second"), (5, 3, "second")),
        *((6, 3, "second"), (8, 1, "second"), (10, 3, "third"), (12, 10, "fourth")),
        *((13, 1, "fourth"), (99, 1, "fourth")),
    ],
)
def test_the_layer_around_a_place(line, column, name):
    assert layer_at(NET, line, column) == name


def conv(field, inside=True):
    block = f"convolution_param {{ num_output: 1 {field} }}" if inside else field
    return input_layer("x", 1, 1, 4, 4) + (
        f'\nlayer {{ name: "c" type: "Convolution" bottom: "x" top: "c" {block} }}'
    )


def pool(field):
    return f'layer {{ name: "c" type: "Pooling" bottom: "x" top: "p" pooling_param {{ {field} }} }}'


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        (conv("kernel_siz: 3"), "Did you mean kernel_size"),
        (conv("kernel_size: 3", inside=False), "belongs into convolution_param or pooling_param"),
        (conv("num_output: 3", inside=False), "belongs into .*inner_product_param"),
        (conv("lr_mult: 3"), "lr_mult"),
        (conv("lr_mult: 3", inside=False), "belongs into .*param"),
        (conv('bottom: "x"'), "belongs into the layer itself"),
        (conv("pool: MAX"), "It is of pooling_param"),
        (conv("blobs_lr: 1", inside=False), r"older layers { }; write param { lr_mult: \.\.\. }"),
        (conv("emit_constraint { }"), "of SSD, .*prepare the images"),
        (conv("fpga_param { }", inside=False), "no field named .*caffe.register_layer"),
        (conv("zzzz: 1"), "o fork known here has it either: leave it out"),
        (pool("pool: MAXX"), "no value named MAXX"),
        (conv("pad: x"), "x"),
    ],
)
def test_a_mistake_names_its_layer_and_what_to_write(text, cure):
    with pytest.raises(caffe.CaffeError, match=cure) as error:
        net_of(text)
    assert "layer 'c': " in str(error.value)


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("base_lrr: 1", "Did you mean base_lr"),
        ('base_lr: 1 layer { name: "a" }', "file, which a solver names: net:"),
        ("base_lr: 1 layers { }", "It belongs into the net's file"),
        ("base_lr: 1 force_backward: true", "It belongs into the net's file"),
        ("convolution_param { }", "It belongs into the net's file"),
        ("num_output: 2", "It belongs into the net's file"),
    ],
)
def test_a_solvers_mistake_says_what_to_write_too(tmp_path, text, cure):
    (tmp_path / "x").write_text(text)
    with pytest.raises(caffe.CaffeError, match=cure):
        caffe.get_solver(tmp_path / "x")


def test_what_belongs_into_a_layer_and_stands_outside_says_so():
    with pytest.raises(caffe.CaffeError, match=r"belongs into a layer { }: is a brace closed"):
        net_of('layer { name: "a" } type: "ReLU"')


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ('layer { name: "a" } base_lr: 0.1', "x:1:.*It belongs into the solver's file"),
        ('layer { name: "a" type: "ReLU" max_iter: 1 }', "'a': .*belongs into the solver's file"),
        ('layer { name: "a" layer { name: "b" } }', "'a': .*belongs into the net .* not closed"),
        (
            'layer { name: "a" convolution_param { num_output: 1 layer { name: "b" } }',
            "'a': .* layer { } belongs into the net itself: is a brace before it not closed",
        ),
    ],
)
def test_what_stands_in_the_wrong_block_of_a_net_says_where_it_belongs(tmp_path, text, cure):
    (tmp_path / "x").write_text(text)
    with pytest.raises(caffe.CaffeError, match=cure):
        caffe.Net(tmp_path / "x", caffe.TEST)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        *((row.type, f"it is of {row.fork}, not of Caffe 1.0") for row in forks.TYPES),
        ("Magic", r"'Magic'; nearest are (\w+, ){2}\w+; caffe\.layer_type_list\(\) has all\. A"),
        ("relu", "did you mean .*ReLU"),
    ],
)
def test_a_layer_type_that_there_is_none_of_says_whose_it_is(kind, message):
    with pytest.raises(caffe.CaffeError, match=message) as error:
        net_of(f'# \nlayer {{ name: "l"\n  type: "{kind}" }}')
    assert f":3:3: layer 'l': unknown type '{kind}'" in str(error.value)
    assert f"caffe.register_layer('{kind}')" in str(error.value)


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("layer { name: 'l' type: POOLING }", 'quotes, as in type: "Conv.*POOLING .* older layers'),
        ("layer { name: 'l' type: ReLU }", 'strings stand in quotes, as in type: "Convolution"$'),
        ("layers { name: 'l' type: \"ReLU\" }", "types are words in capitals; .ReLU. is one of to"),
        ("layer { name: 'l' }\n<<<<<<< HEAD\n", ":2:1: .* a merge has left that was not finished"),
    ],
)
def test_what_is_written_as_in_another_generation_of_nets_says_so(tmp_path, text, cure):
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    with pytest.raises(caffe.CaffeError, match=cure):
        caffe.Net(path, caffe.TEST)
    if "type: P" in text or "type: R" in text:  # what can be left out, with all else being read
        known = read_known(path, caffe_pb2.NetParameter())
        assert re.search(cure, known.unknown[0])
        assert known.message.layer[0].name == "l"


def test_nothing_that_is_taken_is_said_to_be_refused():
    assert not REGISTRY.keys() & {row.type for row in forks.TYPES}
    layer = caffe_pb2.LayerParameter.DESCRIPTOR
    assert not set(layer.fields_by_name) & {row.field for row in forks.TYPES}


# A prototxt as far as it is known.


def test_what_is_known_of_a_prototxt_is_read_and_the_rest_is_named(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(
        'name: "n" strange: { of: "none" }\n'
        'layer { name: "c" type: "Convolution" convolution_param { num_output: 4 engine: MKL2017\n'
        "  padd: 1 kernel_size: 3 } }\n"
        'layer { name: "p" type: "Pooling" pooling_param { pool: MEDIAN kernel_size: 2 } }'
    )
    known = read_known(path, caffe_pb2.NetParameter())
    message = known.message
    assert message.name == "n"
    assert message.layer[0].convolution_param.num_output == 4
    assert list(message.layer[0].convolution_param.kernel_size) == [3]
    assert message.layer[1].pooling_param.kernel_size == 2
    assert [line.split(" of ")[0] for line in known.passed_over] == ["passed over engine"]
    field, misspelt, value = known.unknown
    assert field.startswith('1:11: Message type "caffe.NetParameter" has no field named "strange".')
    assert misspelt.startswith("3:3: layer 'c': ")
    assert misspelt.endswith("Did you mean pad or pad_w or pad_h?")
    assert value == "4:51: layer 'p': \"pool: MEDIAN\" is no value of PoolingParameter's pool."


def test_a_prototxt_that_is_known_whole_has_nothing_left(tmp_path):
    text = relu("x", "y")
    (tmp_path / "net.prototxt").write_text(text)
    known = read_known(tmp_path / "net.prototxt", caffe_pb2.NetParameter())
    assert known == Known(text_format.Parse(text, caffe_pb2.NetParameter()), [], [])


def test_a_brace_that_is_missing_is_an_error_still(tmp_path):
    (tmp_path / "net.prototxt").write_text('layer { name: "c" strange: 1')
    with pytest.raises(caffe.CaffeError, match=r"net\.prototxt:1.*not a valid NetParameter"):
        read_known(tmp_path / "net.prototxt", caffe_pb2.NetParameter())


# Files that stand in for another.

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 5345678\n"
PAGES = [
    b"\n<!DOCTYPE html>\n<html>",
    b"\xef\xbb\xbf<HTML lang=en>",
    b'<?xml version="1.0"?><Error>',
]


@pytest.mark.parametrize("name", ["net.prototxt", "w.caffemodel", "w.h5", "s.solverstate"])
def test_a_pointer_and_a_page_saved_in_place_of_a_file_are_named(tmp_path, name):
    path = tmp_path / name
    (tmp_path / "plain.prototxt").write_text(input_layer("x", 1))
    (tmp_path / "solver.prototxt").write_text(
        f'net: "{tmp_path}/plain.prototxt" base_lr: 1 lr_policy: "fixed"'
    )

    def opened():
        if name.endswith("prototxt"):
            caffe.Net(path, caffe.TEST)
        elif name.endswith("solverstate"):
            caffe.get_solver(tmp_path / "solver.prototxt").restore(path)
        else:
            caffe.Net(tmp_path / "plain.prototxt", caffe.TEST, weights=path)

    path.write_bytes(POINTER)
    said = rf"{name}: this is a pointer of Git LFS, not the file of 5,345,678 bytes .*git lfs pull"
    with pytest.raises(OSError, match=f"^(/[^:]*)?{said}"):
        opened()
    for page in PAGES:
        path.write_bytes(page)
        with pytest.raises(OSError, match=f"{name}: this is a web page, not the file"):
            opened()


def test_a_mean_file_and_a_binary_net_that_are_none_are_named(tmp_path):
    for name in ("mean.binaryproto", "net.caffemodel"):
        (tmp_path / name).write_bytes(POINTER)
        with pytest.raises(caffe.CaffeError, match=f"{name}: this is a pointer of Git LFS"):
            read_binaryproto(tmp_path / name, caffe_pb2.BlobProto())


# A bottom that another state has; the log of an upgrade.


def relu(bottom, top, rule=""):
    return f'layer {{ name: "{top}" type: "ReLU" bottom: "{bottom}" top: "{top}" {rule} }}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            input_layer("x", 1, more="include { phase: TRAIN }") + relu("x", "y"),
            r"'y' .*'x' .*so far: none\. Layer 'x' \(Input\) makes it, but is left out of this "
            r"net, whose state is { phase: TEST.* }, by its include { phase: TRAIN }: open the net "
            r"as caffe\.TRAIN, or give that layer or this one another rule",
        ),
        (
            input_layer("x", 1, more="exclude { phase: TEST }") + relu("x", "y"),
            "by its exclude { phase: TEST }",
        ),
        (
            input_layer("x", 1, more='include { stage: "a" } include { min_level: 2 }')
            + relu("x", "y"),
            r'by its include { stage: "a" } or { min_level: 2 }: give that layer',
        ),
        (relu("x", "y") + input_layer("x", 1), "Layer 'x' .Input. makes it further down"),
        (relu("x", "y"), "Blobs so far: none$"),
    ],
)
def test_an_unknown_bottom_says_where_it_is_made_after_all(text, said):
    with pytest.raises(caffe.CaffeError, match=said):
        net_of(text)


@pytest.mark.parametrize("mult", ["", "lr_mult: 0 decay_mult: 0"])
def test_the_batch_norm_upgrade_is_logged_once_with_its_file(tmp_path, caplog, mult):
    path = tmp_path / "net.prototxt"
    params = f"param {{ {mult} }}" * 3
    path.write_text(
        input_layer("x", 1, 2)
        + f'layer {{ name: "b" type: "BatchNorm" bottom: "x" top: "b" {params} }}'
    )
    with caplog.at_level(logging.INFO, "caffe"):
        net = caffe.Net(path, caffe.TRAIN)
    said = [m for m in caplog.messages if "upgrade" in m]
    assert said == [
        f"Attempting to upgrade batch norm layers using deprecated params: {path}",
        "Successfully upgraded batch norm layers using deprecated params.",
    ]
    assert [p.lr_mult for p in net._graph.params] == [0, 0, 0]


def test_a_net_inside_of_a_solver_is_upgraded_and_logged_as_such(caplog):
    param = caffe_pb2.SolverParameter(base_lr=1, lr_policy="fixed")
    param.net_param.layer.add(name="x", type="Input", top=["x"]).input_param.shape.add(dim=[1, 2])
    layer = param.net_param.layer.add(name="b", type="BatchNorm", bottom=["x"], top=["b"])
    for _ in range(3):
        layer.param.add()
    with caplog.at_level(logging.INFO, "caffe"):
        caffe.SGDSolver(param)
    assert sum(": net_param" in m and "upgrade" in m for m in caplog.messages) == 1
