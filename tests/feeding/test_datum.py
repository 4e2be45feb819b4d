"""Datums and arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, normal

from caffe import CaffeError
from caffe.feeding import images
from caffe.feeding.datum import array_to_datum, datum_to_array, parse_datum
from caffe.proto.caffe_pb2 import Datum

SHAPE = st.tuples(*[st.integers(1, 5)] * 3)


@given(SEED, SHAPE, st.booleans())
def test_an_array_comes_back_uint8_as_bytes_and_all_else_as_floats(seed, shape, raw):
    array = np.abs(100 * normal(seed, *shape)).astype(np.uint8 if raw else np.float64)
    datum = array_to_datum(array, 3)
    assert (datum.channels, datum.height, datum.width, datum.label) == (*shape, 3)
    sizes = (array.size, 0) if raw else (0, array.size)
    assert (len(datum.data), len(datum.float_data)) == sizes
    back = datum_to_array(parse_datum(datum.SerializeToString(), "test"))
    assert back.dtype == (np.uint8 if raw else np.float32)
    np.testing.assert_array_equal(back, array.astype(back.dtype))


@pytest.mark.parametrize("channels", [1, 3])
def test_an_encoded_image_is_bgr_or_gray_as_it_is_stored_or_forced(channels):
    image = np.random.RandomState(0).randint(0, 256, (4, 5, channels)).astype(np.uint8)
    datum = Datum(data=images.encode(image, "png"), encoded=True)  # BVLC's have no sizes either
    np.testing.assert_array_equal(datum_to_array(datum), image.transpose(2, 0, 1))
    assert datum_to_array(datum, force_color=True).shape == (3, 4, 5)
    assert datum_to_array(datum, force_gray=True).shape == (1, 4, 5)
    with pytest.raises(CaffeError, match="force_color and force_gray exclude each other"):
        datum_to_array(datum, force_color=True, force_gray=True)


@pytest.mark.parametrize(
    ("datum", "message"),
    [
        (Datum(channels=3, height=2, width=2, data=bytes(11)), r"needs 12 values; its data holds"),
        (Datum(channels=3, height=2, width=2, data=bytes(13)), r"its data holds 13"),
        (Datum(channels=1, height=1, width=2, float_data=[1]), r"its float_data holds 1"),
        (Datum(channels=1, height=0, width=2), r"\(1, 0, 2\); expected at least 1 each"),
        (Datum(channels=-1, height=-1, width=1, data=b"1"), r"\(-1, -1, 1\); expected at least 1"),
        (Datum(channels=2**31 - 1, height=2**31 - 1, width=2**31 - 1), "float_data holds 0"),
        (Datum(encoded=True), "not a whole image|cannot be decoded"),
        (Datum(encoded=True, data=b"no image"), "not a whole image|cannot be decoded"),
    ],
)
def test_a_datum_whose_parts_disagree_is_an_error(datum, message):
    with pytest.raises(CaffeError, match=message):
        datum_to_array(datum)


def test_what_is_no_datum_is_named():
    with pytest.raises(CaffeError, match=r"some\.mdb, key b'a': not a Datum \(3 bytes"):
        parse_datum(b"\xff\xff\xff", "some.mdb, key b'a'")
    with pytest.raises(CaffeError, match=r"3 axes \(C, H, W\); found \(4, 5\)"):
        array_to_datum(np.zeros((4, 5)))
