"""Any image becomes RGB: every mode, orientation and size of file, and none that is damaged."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image

import infer

RGB = np.random.RandomState(0).randint(0, 256, (7, 5, 3)).astype(np.uint8)
GRAY = RGB[:, :, 0]


def saved(tmp_path, image, name, **options):
    image.save(tmp_path / name, **options)
    return tmp_path / name


# ---- load_image ----


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.ppm", "A.PNG", "no_suffix"])
def test_a_lossless_rgb_file_is_read_as_it_is(tmp_path, name):
    kind = None if "." in name else "PNG"
    path = saved(tmp_path, Image.fromarray(RGB), name, format=kind)
    for given_as in (path, str(path), Image.open(path), RGB):
        loaded = infer.load_image(given_as)
        assert loaded.dtype == np.uint8
        np.testing.assert_array_equal(loaded, RGB)


def test_grayscale_becomes_three_equal_channels(tmp_path):
    loaded = infer.load_image(saved(tmp_path, Image.fromarray(GRAY), "gray.png"))
    np.testing.assert_array_equal(loaded, np.stack([GRAY] * 3, 2))


def test_one_bit_images_become_black_and_white(tmp_path):
    bits = GRAY > 127
    loaded = infer.load_image(saved(tmp_path, Image.fromarray(bits), "bits.png"))
    np.testing.assert_array_equal(loaded, np.stack([bits * np.uint8(255)] * 3, 2))


@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
def test_of_sixteen_bits_the_upper_eight_are_kept(tmp_path, name):
    deep = GRAY.astype(np.uint16) * 256 + 200
    loaded = infer.load_image(saved(tmp_path, Image.fromarray(deep), name))
    np.testing.assert_array_equal(loaded, np.stack([GRAY] * 3, 2))


def test_sixteen_bits_in_an_int32_image_are_scaled_alike():
    deep = GRAY.astype(np.int32) * 256 + 200
    np.testing.assert_array_equal(infer.load_image(Image.fromarray(deep))[:, :, 0], GRAY)


@pytest.mark.parametrize(
    "pixels", [np.full((2, 2), -1, np.int32), np.full((2, 2), 65536, np.int32)]
)
def test_pixels_of_more_than_sixteen_bits_are_refused(tmp_path, pixels):
    path = saved(tmp_path, Image.fromarray(pixels), "wide.tif")
    with pytest.raises(ValueError, match=r"wide\.tif: pixels from .*at most 16 bits"):
        infer.load_image(path)


def test_float_pixels_are_refused(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.ones((2, 2), np.float32)), "float.tif")
    with pytest.raises(ValueError, match=r"float\.tif: float pixels; convert it to 8 bits"):
        infer.load_image(path)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_parts_lie_over_white(tmp_path, mode):
    colour = GRAY if mode == "LA" else RGB
    alpha = np.full((7, 5), 255, np.uint8)
    alpha[:3] = 0
    alpha[3] = 128
    image = Image.fromarray(np.dstack([colour, alpha]))
    assert image.mode == mode
    loaded = infer.load_image(saved(tmp_path, image, "alpha.png")).astype(int)
    opaque = np.broadcast_to(colour.reshape(7, 5, -1), (7, 5, 3)).astype(float)
    assert (loaded[:3] == 255).all()
    np.testing.assert_array_equal(loaded[4:], opaque[4:])
    np.testing.assert_allclose(loaded[3], 255 + (opaque[3] - 255) * 128 / 255, atol=1)


def test_a_palette_is_resolved_and_its_transparent_entry_is_white(tmp_path):
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    plain = infer.load_image(saved(tmp_path, image, "plain.png"))
    assert plain.tolist() == [[[10, 20, 30], [40, 50, 60], [70, 80, 90]]]
    clear = infer.load_image(saved(tmp_path, image, "clear.png", transparency=1))
    assert clear.tolist() == [[[10, 20, 30], [255, 255, 255], [70, 80, 90]]]


def test_cmyk_becomes_the_colours_it_stands_for(tmp_path):
    flat = np.zeros((8, 8, 4), np.uint8)
    flat[:, :, 1:3] = 255  # magenta and yellow ink: red
    cmyk = Image.frombytes("CMYK", (8, 8), flat.tobytes())
    for name in ("ink.tif", "ink.jpg"):
        path = saved(tmp_path, cmyk, name)
        np.testing.assert_allclose(
            infer.load_image(path).astype(int), [[[255, 0, 0]] * 8] * 8, atol=3
        )


@pytest.mark.parametrize("space", ["YCbCr", "HSV"])
def test_other_colour_spaces_are_converted(space):
    loaded = infer.load_image(Image.new("RGB", (3, 2), (200, 30, 60)).convert(space))
    np.testing.assert_allclose(loaded.astype(int), [[[200, 30, 60]] * 3] * 2, atol=3)


# EXIF orientation k (TIFF 6.0, tag 274) says which side row 0 and column 0 of the file show.
UPRIGHT = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.transpose(1, 0, 2),
    6: lambda x: x.transpose(1, 0, 2)[:, ::-1],
    7: lambda x: x[::-1, ::-1].transpose(1, 0, 2),
    8: lambda x: x.transpose(1, 0, 2)[::-1],
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_an_image_is_turned_upright_as_its_exif_says(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    path = saved(tmp_path, Image.fromarray(RGB), "turned.png", exif=exif)
    np.testing.assert_array_equal(infer.load_image(path), UPRIGHT[orientation](RGB))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about the EXIF block
@pytest.mark.parametrize(
    "junk", [b"Exif\0\0", b"Exif\0\0junk", b"Exif\0\0MM\0*\0\0\xff\xff", b"x" * 40]
)
def test_a_damaged_exif_block_does_not_hide_a_whole_image(tmp_path, junk):
    path = saved(tmp_path, Image.fromarray(np.full((16, 16, 3), 90, np.uint8)), "a.jpg", exif=junk)
    np.testing.assert_array_equal(infer.load_image(path), np.full((16, 16, 3), 90))


def test_of_an_animation_the_first_frame_is_taken(tmp_path):
    first, second = (Image.new("RGB", (4, 3), colour) for colour in ("red", "blue"))
    path = saved(tmp_path, first, "two.gif", save_all=True, append_images=[second])
    assert (infer.load_image(path) == (255, 0, 0)).all()


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about a cut TIFF directory
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP"])
def test_a_truncated_file_of_any_length_is_one_clear_error(tmp_path, kind):
    noise = np.random.RandomState(1).randint(0, 256, (40, 40, 3)).astype(np.uint8)
    whole = io.BytesIO()
    Image.fromarray(noise).save(whole, format=kind)
    path = tmp_path / "cut"
    for length in {0, 1, 10, 30, 100, len(whole.getvalue()) // 2, len(whole.getvalue()) * 9 // 10}:
        path.write_bytes(whole.getvalue()[:length])
        with pytest.raises(ValueError, match=r"cut: (truncated|not an image|the file is empty)"):
            infer.load_image(path)


def test_what_is_no_image_is_named(tmp_path):
    (tmp_path / "notes.jpg").write_text("not an image")
    with pytest.raises(ValueError, match=r"notes\.jpg: not an image"):
        infer.load_image(tmp_path / "notes.jpg")
    with pytest.raises(FileNotFoundError, match=r"gone\.jpg: no such image"):
        infer.load_image(tmp_path / "gone.jpg")
    with pytest.raises(ValueError, match="a folder, expected an image"):
        infer.load_image(tmp_path)


@pytest.mark.parametrize("limit", [20, 34])
def test_more_pixels_than_pillows_limit_is_an_error(tmp_path, monkeypatch, limit):
    path = saved(tmp_path, Image.fromarray(RGB), "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit // 2)
    with pytest.raises(ValueError, match=f"bomb.png: more than {limit // 2} pixels"):
        infer.load_image(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(ValueError, match=f"bomb.png: more than {limit} pixels"):
        infer.load_image(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", RGB.shape[0] * RGB.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        infer.load_image(path)


@pytest.mark.parametrize(
    "array",
    [RGB.astype(np.float32), GRAY, np.dstack([RGB, GRAY]), RGB[:0], RGB[None]],
    ids=["float", "gray", "rgba", "empty", "batch"],
)
def test_an_array_that_is_not_rgb_bytes_is_refused(array):
    with pytest.raises(
        ValueError, match=r"array of shape .* expected H x W x 3 RGB of dtype uint8"
    ):
        infer.load_image(array)
