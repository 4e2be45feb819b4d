"""Laws of surgery/sources.py: which file is taken, and what its first filters must agree with."""

import hashlib
import re
from functools import partial

import numpy as np
import pytest

from data.weight_sources import (
    ILSVRC,
    TORCHVISION,
    TORCHVISION_CLASSIFIERS,
    VGG,
    VGG_RGB,
    WEIGHTS,
    Input,
    WeightSource,
)
from surgery.first_filters import KNOWN
from surgery.sources import from_first, read_for_caffe

CONTENTS = b"weights" * 1000


def source(name, *urls, digest="right", **more):
    known = {"right": "md5:" + hashlib.md5(CONTENTS).hexdigest(), "wrong": "md5:" + "0" * 32}
    return WeightSource(name, f"{name}.npz", urls, known.get(digest), **more)


def read(path, given):
    if path.read_bytes() != CONTENTS:
        raise ValueError(f"{path}: other contents")
    return path, given


take = partial(from_first, "net", use=read, command="make x")


@pytest.mark.smoke
def test_sources_are_tried_in_order_until_one_gives_its_file(file_server, tmp_path, capsys):
    file_server.files = {"/good": CONTENTS, "/bad": b"moved", "/page": b"<html>"}
    good = file_server.url("/good")
    sources = [
        source("dead", "http://127.0.0.1:9/a"),
        source("changed", file_server.url("/bad"), digest="wrong"),
        source("page", file_server.url("/page"), digest=None),
        source("third", file_server.url("/gone"), good, note="look here", input=Input("rgb")),
        source("fourth", good),
    ]
    path, given = take(sources, tmp_path)
    assert (path.name, given) == ("third.npz", Input("rgb"))
    warned = capsys.readouterr().err
    for line in (
        "dead: http://127.0.0.1:9/a: ",
        "changed: .*digest md5:",
        "page: .*other contents",
    ):
        assert re.search(f"warning: {line}", warned)
    assert "look here" in warned
    # An error page is not left to be taken for the weights the next time.
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".sha256") == ["third.npz"]


def test_one_source_may_be_chosen_and_a_wrong_name_is_an_error(file_server, tmp_path):
    file_server.files = {"/good": CONTENTS}
    good = file_server.url("/good")
    sources = [source("a", good), source("b", good)]
    assert take(sources, tmp_path, source="b")[0].name == "b.npz"
    with pytest.raises(ValueError, match="net has no source 'c'; choose from a, b"):
        take(sources, tmp_path, source="c")


def test_a_local_copy_is_read_as_what_it_is_said_to_be_of(tmp_path):
    file = tmp_path / "mine.npz"
    file.write_bytes(CONTENTS)
    sources = [source("a", "http://127.0.0.1:9/a", input=Input("rgb"))]
    assert take(sources, tmp_path, file=file) == (file, None)
    assert take(sources, tmp_path, file=file, source="a") == (
        file,
        Input("rgb"),
    )
    with pytest.raises(FileNotFoundError):
        take(sources, tmp_path, file=tmp_path / "gone")


def test_a_file_that_the_user_put_there_is_used_and_never_removed(file_server, tmp_path):
    (tmp_path / "a.npz").write_bytes(b"mine")
    sources = [source("a", file_server.url("/gone"), digest=None)]
    with pytest.raises(OSError, match=r"a: .*a\.npz: other contents"):
        take(sources, tmp_path)
    assert (tmp_path / "a.npz").read_bytes() == b"mine"
    (tmp_path / "a.npz").write_bytes(CONTENTS)
    assert take(sources, tmp_path)[0] == tmp_path / "a.npz"
    assert file_server.asked == []


def test_where_nothing_can_be_reached_each_error_and_the_cure_are_said(tmp_path):
    dead = ("http://127.0.0.1:9/a", "http://127.0.0.1:9/b")
    with pytest.raises(OSError, match=r"^net: none of its sources gave its weights") as caught:
        take([source("a", *dead), source("b", *dead)], tmp_path)
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines[1:3]] == ["  a", "  b"]
    assert all(url in line for url in dead for line in lines[1:3])
    assert all(line.count("Connection refused") == 2 for line in lines[1:3])
    assert "give it: make x FILE=path SOURCE=a (or" in lines[3]
    assert len(lines) == 4


def test_a_download_that_was_cut_goes_on(file_server, tmp_path):
    file_server.files = {"/good": CONTENTS}
    file_server.limit = 3000
    sources = [source("a", file_server.url("/good"))]
    with pytest.raises(OSError, match="ended after 3000 of 7000 bytes"):
        take(sources, tmp_path)
    file_server.limit = None
    take(sources, tmp_path)
    assert file_server.asked == [None, "bytes=3000-"]


# ---- the order of channels ----

CAFFE, _, TORCHVISIONS, _ = KNOWN


def saved(folder, known, channels="bgr", name="a.npz"):
    """A file with the filters of a known net alone, and what `read_for_caffe` should make of it."""
    filters = 0.3 * np.random.RandomState(0).standard_normal(known.shape)
    for index, values in known.parts:
        filters[index] = values
    stored = filters if channels == "bgr" else filters[:, ::-1]
    path = folder / name
    np.savez(path, conv1_1_W=stored.transpose(2, 3, 1, 0).astype("f4"), conv1_1_b=np.zeros(64))
    scale = np.reshape(known.input.std, (3, 1, 1))
    return path, (filters.astype("f4") / scale).astype("f4")


@pytest.mark.parametrize("channels", ["bgr", "rgb"])
@pytest.mark.parametrize("known", [CAFFE, TORCHVISIONS])
def test_known_filters_need_no_word(tmp_path, capsys, known, channels):
    path, expected = saved(tmp_path, known, channels)
    layers, seen = read_for_caffe(path, None)
    np.testing.assert_allclose(layers["conv1_1"][0], expected, rtol=1e-6)
    assert seen == known.input._replace(channels=channels)
    assert f"has the filters of {known.net}" in capsys.readouterr().out


def test_filters_tell_where_the_source_does_not_say(tmp_path):
    path, expected = saved(tmp_path, CAFFE, "rgb")
    layers, seen = read_for_caffe(path, Input(None, VGG.mean))
    np.testing.assert_array_equal(layers["conv1_1"][0], expected)
    assert seen == VGG_RGB


@pytest.mark.parametrize(
    ("known", "channels", "given"),
    [(CAFFE, "rgb", VGG), (CAFFE, "bgr", TORCHVISION), (TORCHVISIONS, "rgb", VGG_RGB)],
)
def test_filters_that_contradict_the_source_are_refused(tmp_path, known, channels, given):
    path, _ = saved(tmp_path, known, channels)
    message = f"a.npz: conv1_1 has the filters of {known.net}, .* but is said to be for"
    with pytest.raises(ValueError, match=message):
        read_for_caffe(path, given)


def test_unknown_filters_need_a_word_and_it_is_said_that_nothing_was_checked(tmp_path, capsys):
    drawn = np.random.RandomState(0).standard_normal((3, 3, 3, 8)).astype("f4")
    path = tmp_path / "a.npz"
    np.savez(path, conv1_1_W=drawn, conv1_1_b=np.zeros(8))
    for given in (None, Input(None)):
        with pytest.raises(ValueError, match=r"nothing tells whether conv1_1 sees.*SOURCE="):
            read_for_caffe(path, given)
    layers, _ = read_for_caffe(path, Input("rgb"))
    np.testing.assert_array_equal(layers["conv1_1"][0], drawn.transpose(3, 2, 0, 1)[:, ::-1])
    assert "of no net that is known" in capsys.readouterr().out


# ---- the table ----

EVERY = {
    **ILSVRC,
    **WEIGHTS,
    **{f"torchvision-{net}": sources for net, sources in TORCHVISION_CLASSIFIERS.items()},
}


@pytest.mark.parametrize("net", EVERY)
def test_the_table_has_whole_addresses_digests_and_names(net):
    sources = EVERY[net]
    assert len({s.name for s in sources}) == len({s.file for s in sources}) == len(sources)
    for each in sources:
        assert each.urls
        assert all(re.fullmatch(r"(https?|ftp)://\S+", url) for url in each.urls)
        length = {"md5": 32, "sha1": 40, "sha256": 64}
        if each.digest:
            algorithm, _, digits = each.digest.partition(":")
            whole = length[algorithm]
            assert re.fullmatch(f"[0-9a-f]{{{whole}}}" + "|[0-9a-f]{8}" * (whole == 64), digits)
        assert each.input.channels in ("bgr", "rgb", None)
