"""DataAugmentation, FlowAugmentation, GenerateAugmentationParameters, Mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.proto import caffe_pb2


@law("DataAugmentation")
@drawn()
@given(SEED, SMALL, st.booleans(), st.sampled_from([caffe.TRAIN, caffe.TEST]))
def test_the_mean_is_of_the_first_passes(seed, n, per_pixel, phase):
    body = f"recompute_mean: 2 mean_per_pixel: {str(per_pixel).lower()}"
    net = net_of(
        input_layer("x", n, 2, 3, 4) + 'layer { name: "l" type: "DataAugmentation" bottom: "x" '
        f'top: "y" augmentation_param {{ {body} }} }}',
        phase,
    )
    seen = []
    for i in range(3):
        x = normal(seed + i, n, 2, 3, 4)
        net.blobs["x"].data[...] = x
        net.forward()
        seen.append(x.astype(np.float64).mean(0))
        mean = np.mean(seen[:2], 0)
        if not per_pixel:
            mean = mean.mean((1, 2), keepdims=True)
        agree(net.blobs["y"].data, x - mean, 1e-4, 1e-5)
    assert net.params["l"][0].data.item() == 3
    agree(net.params["l"][1].data[0], np.mean(seen[:2], 0))
    agree(net.params["l"][2].data[0, :, 0, 0], np.mean(seen[:2], 0).mean((1, 2)))


@drawn()
@given(SEED, st.integers(2, 6), st.integers(2, 7))
def test_images_are_cut_from_their_centre_between_pixels(seed, height, width):
    x = normal(seed, 2, 3, 6, 7)
    body = f"crop_height: {height} crop_width: {width} mean: 1 mean: 2 mean: 3"
    found = run_layer(
        "DataAugmentation", f"augmentation_param {{ {body} mean_per_pixel: false }}", [x]
    ).y[0]
    expected = np.zeros((2, 3, height, width))
    for i, j in np.ndindex(height, width):
        at = [min(i - height / 2 + 3, 4.95), min(j - width / 2 + 3.5, 5.95)]
        y, z = map(int, at)
        dy, dz = at[0] - y, at[1] - z
        for row, column, weight in (
            (y, z, (1 - dy) * (1 - dz)),
            (y + 1, z, dy * (1 - dz)),
            (y, z + 1, (1 - dy) * dz),
            (y + 1, z + 1, dy * dz),
        ):
            expected[:, :, i, j] += weight * x[:, :, row, column].astype(np.float64)
    agree(found, expected - np.float64([1, 2, 3])[:, None, None], 1e-4)


def test_a_mean_of_images_of_another_size_is_taken_without_its_pixels(tmp_path):
    text = (
        'layer { name: "l" type: "DataAugmentation" bottom: "x" top: "y" augmentation_param '
        "{ recompute_mean: 1 mean_per_pixel: false } }"
    )
    trained = net_of(input_layer("x", 1, 2, 3, 4) + text, caffe.TRAIN)
    trained.blobs["x"].data[0] = np.arange(2)[:, None, None] + 5
    trained.forward()
    path = str(tmp_path / "trained.caffemodel")
    trained.save(path)
    net = net_of(input_layer("x", 1, 2, 6, 5) + text)
    net.copy_from(path)
    net.forward()
    agree(net.blobs["y"].data[0, :, 0, 0], [-5, -6])
    per_pixel = net_of(input_layer("x", 1, 2, 6, 5) + text.replace("false", "true"))
    with pytest.raises(caffe.CaffeError, match=r"parameter 1 has shape \(1, 2, 6, 5\)"):
        per_pixel.copy_from(path)


SPATIAL = ["mirror", "dx", "dy", "angle", "zoom_x", "zoom_y"]
COLOUR = ["gamma", "brightness", "contrast", "color1", "color2", "color3"]
WHAT = ["pow", "add", "mult"]
EIGEN = [f"{what}_{mean}{i}" for mean in ("nomean", "withmean") for what in WHAT for i in range(3)]
EIGEN += ["lmult_pow", "lmult_add", "lmult_mult", "col_angle"]
EFFECTS = ["fog_amount", "fog_size", "motion_blur_angle", "motion_blur_size"]
EFFECTS += ["shadow_angle", "shadow_distance", "shadow_strength", "noise"]
NAMES = [*SPATIAL, *COLOUR, *EIGEN, *EFFECTS]  # as FlowNet2's AugmentationCoeff declares them
FACTORS = {
    *("zoom_x", "zoom_y", "gamma", "contrast", "color1", "color2", "color3"),
    *(name for name in EIGEN if name.startswith(("pow", "mult"))),
    *("lmult_pow", "lmult_mult"),
}
VECTORS = [0.51, 0.56, 0.65, 0.79, 0.01, -0.62, 0.35, -0.83, 0.44]
OF_VECTORS = " ".join(f"chromatic_eigvec: {value}" for value in VECTORS)


def row_of(**values):
    """A row of coefficients, those that are not given as they change nothing."""
    row = np.zeros(42)
    for name, value in values.items():
        row[NAMES.index(name)] = np.log(value) if name in FACTORS else value
    return row


def values_of(row):
    return {
        name: np.exp(value) if name in FACTORS else value
        for name, value in zip(NAMES, np.float64(row).ravel(), strict=True)
    }


def origin(c, x, y, part, whole):
    """Where in the image a pixel of what is cut comes from; part, whole: height and width."""
    x, y = x - part[1] / 2, y - part[0] / 2
    if c["mirror"]:
        x = -x
    x, y = (
        np.cos(c["angle"]) * x - np.sin(c["angle"]) * y + c["dx"] * part[1],
        np.sin(c["angle"]) * x + np.cos(c["angle"]) * y + c["dy"] * part[0],
    )
    return x / c["zoom_x"] + whole[1] / 2, y / c["zoom_y"] + whole[0] / 2


def places(seed, count, mirror):
    rng = np.random.RandomState(seed)
    return [
        {
            **{"mirror": float(mirror), "angle": rng.uniform(-0.5, 0.5)},
            **{"dx": rng.uniform(-0.3, 0.3), "dy": rng.uniform(-0.3, 0.3)},
            **{"zoom_x": rng.uniform(0.8, 2), "zoom_y": rng.uniform(0.8, 2)},
        }
        for _ in range(count)
    ]


def cut(x, c, part):
    """An image (C, H, W) between pixels, within 0.05 of the last; small changes are none."""
    near = {name: float(name in FACTORS) for name in c}
    c = {name: near[name] if abs(c[name] - near[name]) < 1e-3 else c[name] for name in c}
    found = np.zeros((len(x), *part))
    for i, j in np.ndindex(part):
        at_x, at_y = origin(c, j, i, part, x.shape[1:])
        at_x = min(max(at_x, 0), x.shape[2] - 1.05)
        at_y = min(max(at_y, 0), x.shape[1] - 1.05)
        column, row = int(at_x), int(at_y)
        dx, dy = at_x - column, at_y - row
        square = np.float64(x[:, row : row + 2, column : column + 2])
        found[:, i, j] = np.einsum("cij,i,j->c", square, [1 - dy, dy], [1 - dx, dx])
    return found


@drawn()
@given(SEED, st.booleans())
def test_an_image_is_moved_as_its_coefficients_say(seed, mirror):
    x, items = normal(seed, 2, 2, 7, 8), places(seed, 2, mirror)
    rows = np.stack([row_of(**item) for item in items])[..., None, None]
    body = "augmentation_param { crop_height: 4 crop_width: 5 }"
    found = run_layer("DataAugmentation", body, [x, rows], tops=2)
    for i, item in enumerate(items):
        agree(found.y[0][i], cut(x[i], item, (4, 5)), 1e-3, 1e-3)
    agree(found.y[1], rows, 1e-6)


def colours_turned(pixel, c, mean, reach, largest):
    """One pixel, along three axes of colour."""
    axes = np.float64(VECTORS).reshape(3, 3)
    signed = lambda value, power: np.copysign(abs(value) ** power, value)  # noqa: E731
    e = axes @ (pixel - mean)
    for i in range(3):
        middle = axes[i] @ mean
        if reach[i] > 1e-2:
            e[i] = signed(e[i] / reach[i], c[f"pow_nomean{i}"]) + c[f"add_nomean{i}"]
            e[i] *= c[f"mult_nomean{i}"]
            middle /= reach[i]
        e[i] += middle
    if reach[0] > 1e-2:
        e[0] = (signed(e[0], c["pow_withmean0"]) + c["add_withmean0"]) * c["mult_withmean0"]
    s = wanted = np.hypot(e[1], e[2])
    if s > 1e-2:
        wanted = max(s ** c["pow_withmean1"] + c["add_withmean1"], 0) * c["mult_withmean1"]
    turn = np.exp(1j * c["col_angle"]) * (e[1] + 1j * e[2])
    e = np.array([e[0], turn.real, turn.imag]) * np.where(reach > 1e-2, reach, 1)
    longest = np.linalg.norm(reach)
    light = np.linalg.norm(e) / longest
    if s > 1e-2:
        e[1:] *= wanted / s
    light = max(light ** c["lmult_pow"] + c["lmult_add"], 0) * c["lmult_mult"] * longest
    if np.linalg.norm(e) > 1e-2:
        e = np.minimum(e / np.linalg.norm(e) * light, reach)
    return (axes.T @ e).clip(0, largest)


@drawn()
@given(SEED, st.sampled_from([1.0, 0.8]))
def test_colours_and_shadows_are_as_coefficients_say(seed, largest):
    rng = np.random.RandomState(seed)
    x = rng.uniform(0, 1, (2, 3, 4, 5))
    items = []
    for _ in range(2):
        item = {name: rng.uniform(0.7, 1.4) for name in [*COLOUR, *EIGEN]}
        for name in item:
            if name not in FACTORS:
                item[name] = rng.uniform(-0.1, 0.1)
        items.append(item | {"shadow_angle": 0.5, "shadow_distance": 0.3, "shadow_strength": 0.2})
    rows = np.stack([row_of(**item) for item in items])
    body = (
        f"augmentation_param {{ crop_height: 4 crop_width: 4 max_multiplier: {largest} "
        f"{OF_VECTORS} }}"
    )
    found = run_layer("DataAugmentation", body, [x, rows]).y[0]
    axes = np.float64(VECTORS).reshape(3, 3)
    reach = abs(np.einsum("ij,njhw->nihw", axes, x)).max((0, 2, 3))
    for n, row in enumerate(rows):
        c = values_of(row)
        y = cut(x[n], c, (4, 4))
        for i, j in np.ndindex(4, 4):
            rgb = colours_turned(y[:, i, j], c, x.mean((0, 2, 3)), reach, largest)
            shares = rgb * [c["color1"], c["color2"], c["color3"]]
            shares = (shares * rgb.sum() / (shares.sum() + 0.01)).clip(0, 1)
            rgb = 0.5 + (shares ** c["gamma"] + c["brightness"] - 0.5) * c["contrast"]
            rgb = rgb.clip(0, largest)
            if (j - 2) * np.cos(0.5) + (i - 2) * np.sin(0.5) - 0.3 > 0:
                rgb = rgb - 0.2
            agree(found[n, :, i, j], rgb.clip(0, largest), 2e-3, 2e-3)


def test_noise_is_of_its_deviation_and_no_change_below_a_thousandth():
    rows = np.stack([row_of(noise=0.1), row_of(dx=0.0009, zoom_x=1.0009)])
    x = np.full((2, 3, 40, 50), 0.5)
    x[1] = np.random.RandomState(0).uniform(0, 1, (3, 40, 50))
    body = "augmentation_param { crop_height: 40 crop_width: 50 max_multiplier: 1 }"
    y = run_layer("DataAugmentation", body, [x, rows]).y[0]
    assert abs(y[0].std() - 0.1) < 0.005
    agree(y[1, :, :-1, :-1], x[1, :, :-1, :-1], 1e-4, 1e-4)


def test_images_are_changed_as_is_drawn_and_top_1_says_how():
    body = (
        'augmentation_param { crop_height: 3 crop_width: 4 mirror { rand_type: "bernoulli" '
        "prob: 0.5 } rotate { spread: 0.2 } zoom { exp: true mean: 0.3 spread: 0.2 } }"
    )
    x = normal(3, 8, 2, 9, 10)
    caffe.set_random_seed(0)
    found = run_layer("DataAugmentation", body, [x], tops=2, phase=caffe.TRAIN)
    rows = found.y[1]
    assert rows.shape == (8, 42, 1, 1)
    assert {row[0].item() for row in rows} == {0, 1}
    for image, row, y in zip(x, rows, found.y[0], strict=True):
        agree(y, cut(image, values_of(row), (3, 4)), 1e-3, 1e-3)
    assert found.params[0].item() == 1
    as_it_is = run_layer("DataAugmentation", body, [x], tops=2)
    assert not as_it_is.y[1].any()
    agree(as_it_is.y[0][0], cut(x[0], values_of(np.zeros(42)), (3, 4)), 1e-4, 1e-4)


def test_what_cannot_be_changed_says_why():
    rows, body = np.stack([row_of(gamma=2)]), "augmentation_param { crop_height: 2 crop_width: 2 }"
    with pytest.raises(caffe.CaffeError, match=r"of 3 channels; found shape \(1, 2, 4, 4\)"):
        run_layer("DataAugmentation", body, [np.zeros((1, 2, 4, 4)), rows])
    with pytest.raises(caffe.CaffeError, match="needs 9 values of chromatic_eigvec; found 0"):
        run_layer("DataAugmentation", body, [np.zeros((1, 3, 4, 4)), row_of(col_angle=1)[None]])
    with pytest.raises(caffe.CaffeError, match="needs 42 coefficients for each item"):
        run_layer("DataAugmentation", body, [np.zeros((1, 3, 4, 4)), rows[:, :41]])
    zoom = body.replace("}", 'zoom { rand_type: "normal" } }')
    with pytest.raises(caffe.CaffeError, match=r"zoom has a rand_type of uniform, .* 'normal'"):
        run_layer("DataAugmentation", zoom, [np.zeros((1, 3, 4, 4))])


@law("FlowAugmentation")
@drawn()
@given(SEED, st.booleans())
def test_a_flow_is_that_of_the_changed_images(seed, mirror):
    flow = normal(seed, 2, 2, 7, 8)
    first, second = places(seed, 2, mirror), places(seed + 1, 2, mirror)
    rows = [np.stack([row_of(**item) for item in items]) for items in (first, second)]
    body = "augmentation_param { crop_height: 4 crop_width: 5 }"
    found = run_layer("FlowAugmentation", body, [flow, *rows]).y[0]
    for n, (i, j) in ((n, at) for n in range(2) for at in np.ndindex(4, 5)):
        x, y = origin(first[n], j, i, (4, 5), (7, 8))
        if min(abs((at + 0.5) % 1 - 0.5) for at in (x + 0.5, y + 0.5)) < 1e-4:
            continue  # as near to one pixel as to another
        column, row = int(x + 0.5), int(y + 0.5)
        if not (0 <= column < 8 and 0 <= row < 7):
            assert np.isnan(found[n, :, i, j]).all()
            continue
        moved = np.float64([x, y]) + flow[n, :, row, column]
        again = origin(second[n], j + found[n, 0, i, j], i + found[n, 1, i, j], (4, 5), (7, 8))
        agree(np.float64(again), moved, 1e-3, 1e-3)


def test_an_unchanged_pair_has_its_flow_and_what_is_unknown_stays_so():
    flow = normal(0, 1, 2, 6, 8)
    flow[0, :, 2, 2] = np.nan
    rows = np.zeros((1, 42))
    body = "augmentation_param { crop_height: 4 crop_width: 6 }"
    found = run_layer("FlowAugmentation", body, [flow, rows, rows]).y[0]
    np.testing.assert_allclose(found, flow[:, :, 1:5, 1:7], atol=1e-5)


DRAWN = (
    'mirror { rand_type: "bernoulli" prob: 1 } translate { mean: 0.25 spread: 0 } '
    "zoom { exp: true mean: 0.5 } squeeze { exp: true mean: 0.125 } "
    "sat_pow { mean: 2 } color { mean: 3 } noise { mean: 4 discretize: true multiplier: 0.5 }"
)
FOUND = row_of(
    mirror=1,
    dx=0.25,
    dy=0.25,
    zoom_x=np.exp(0.625),
    zoom_y=np.exp(0.375),
    pow_withmean1=2,
    pow_withmean2=2,
    color1=3,
    color2=3,
    color3=3,
    noise=2,
)


@law("GenerateAugmentationParameters")
@pytest.mark.parametrize("mode", ["add", "replace", "regenerate"])
def test_coefficients_are_added_replace_others_or_stand_alone(mode):
    given = row_of(dx=0.125, angle=0.25, gamma=2, color2=5, noise=7, fog_size=1)
    body = f'augmentation_param {{ mode: "{mode}" {DRAWN} }}'
    sizes = [np.zeros((2, 1, 60, 60)), np.zeros((2, 1, 4, 4))]
    inputs = [np.stack([given] * 2), *sizes]
    found = run_layer("GenerateAugmentationParameters", body, inputs, phase=caffe.TRAIN).y[0]
    expected = {
        "add": FOUND + given,
        "replace": np.where(FOUND != 0, FOUND, np.where(np.arange(42) < 6, 0, given)),
        "regenerate": FOUND,
    }[mode]
    assert found.shape == (2, 42, 1, 1)
    for row in found:
        agree(row[:, 0, 0], expected, 1e-5)
    as_given = run_layer("GenerateAugmentationParameters", body, inputs).y[0]
    agree(as_given[0, :, 0, 0], given * (mode != "regenerate"), 1e-6)


def test_of_images_alone_what_is_drawn_stands_alone():
    body = f"augmentation_param {{ crop_height: 4 crop_width: 4 {DRAWN} }}"
    images = np.zeros((3, 2, 60, 60))
    found = run_layer("GenerateAugmentationParameters", body, [images], phase=caffe.TRAIN).y[0]
    agree(found[2, :, 0, 0], FOUND, 1e-5)


def test_a_place_beyond_the_image_is_not_taken():
    body = (
        "augmentation_param { crop_height: 4 crop_width: 4 bottomheight: 8 bottomwidth: 9 "
        "translate { spread: 5 } }"
    )
    given = row_of(dx=0.125, gamma=2)[None].repeat(40, 0)
    caffe.set_random_seed(1)
    found = run_layer("GenerateAugmentationParameters", body, [given], phase=caffe.TRAIN).y[0]
    taken = 0
    for row in found[:, :, 0, 0]:
        assert abs(row[6] - np.log(2)) < 1e-6
        if abs(row[1] - 0.125) > 1e-6:
            taken += 1
            for x, y in ((x, y) for x in (0, 3) for y in (0, 3)):
                at = origin(values_of(row), x, y, (4, 4), (8, 9))
                assert 0 <= at[0] < 8
                assert 0 <= at[1] < 7
    assert taken > 0


def test_numbers_are_drawn_as_they_say():
    fields = {
        "gamma": 'rand_type: "uniform" mean: 3 spread: 1',
        "brightness": 'rand_type: "gaussian" mean: 2 spread: 0.5',
        "contrast": 'rand_type: "uniform_bernoulli" exp: true mean: 2 spread: 1 prob: 0.25',
        "noise": 'rand_type: "gaussian_bernoulli" mean: 5 spread: 1 prob: 0.5',
        "lmult_add": 'rand_type: "bernoulli" prob: 0.75 multiplier: 3',
    }
    body = " ".join(f"{name} {{ {value} }}" for name, value in fields.items())
    body = f"augmentation_param {{ crop_height: 2 crop_width: 2 {body} }}"
    caffe.set_random_seed(0)
    images = [np.zeros((1000, 1, 3, 3))]
    found = run_layer("GenerateAugmentationParameters", body, images, phase=caffe.TRAIN).y[0]
    column = {name: np.float64(found[:, i, 0, 0]) for i, name in enumerate(NAMES)}
    gamma = np.exp(column["gamma"])
    assert 2 <= gamma.min() < 2.1
    assert 3.9 < gamma.max() <= 4.0001
    assert abs(column["brightness"].std() - 0.5) < 0.05
    drawn_ones = column["contrast"][column["contrast"] != 0]
    assert 200 < len(drawn_ones) < 300
    assert 1 <= drawn_ones.min() < drawn_ones.max() <= 3.0001
    assert 450 < (column["noise"] == 0).sum() < 550
    assert set(column["lmult_add"]) == {0, 3}
    assert 700 < (column["lmult_add"] == 3).sum() < 800


def test_spreads_reach_farther_from_pass_to_pass():
    text = input_layer("x", 400, 1, 3, 3) + (
        'layer { name: "l" type: "GenerateAugmentationParameters" bottom: "x" top: "y" '
        "augmentation_param { crop_height: 2 crop_width: 2 brightness { spread: 1 } } "
        "coeff_schedule_param { half_life: 2 initial_coeff: 0.5 final_coeff: 1 } }"
    )
    net = net_of(text, caffe.TRAIN)
    for i in range(1, 5):
        net.forward()
        reach = 0.5 + 0.5 * (2 / (1 + np.exp(-1.0986 * i / 2)) - 1)
        assert reach * 0.97 < abs(net.blobs["y"].data[:, 7]).max() <= reach * 1.0001


def test_a_schedule_needs_a_half_life():
    body = "coeff_schedule_param { half_life: 0 } augmentation_param { rotate { spread: 1 } }"
    with pytest.raises(caffe.CaffeError, match="half_life must be positive; found 0"):
        run_layer("DataAugmentation", body, [np.zeros((1, 3, 4, 4))])


@pytest.mark.parametrize(
    ("body", "shapes", "words"),
    [
        ('mode: "other" crop_height: 2 crop_width: 2', [(2, 42)], "mode is add, replace"),
        ("crop_height: 2 crop_width: 2", [(2, 42)], "the images' sizes positive"),
        ("crop_height: 1 crop_width: 2", [(2, 1, 3, 3)], "at least 2"),
        ("", [(2, 42), (2, 3, 4, 4)], "needs one bottom, or coefficients"),
        ("", [(2, 40), (2, 3, 4, 4), (2, 3, 4, 4)], "needs 42 coefficients"),
    ],
)
def test_what_cannot_be_drawn_says_why(body, shapes, words):
    with pytest.raises(caffe.CaffeError, match=words):
        run_layer(
            "GenerateAugmentationParameters",
            f"augmentation_param {{ {body} }}",
            [np.zeros(shape) for shape in shapes],
        )


@law("Mean")
@drawn()
@given(SEED, st.sampled_from(["ADD", "SUBTRACT"]))
def test_a_mean_is_added_or_taken_away(seed, operation):
    x, y = normal(seed, 2, 4, 3, 2), normal(seed + 1, 1, 2, 2, 2)
    body = (
        f"mean_param {{ operation: {operation} value: 3 value: -1 mean_scale: 2 input_scale: 0.5 "
        "output_scale: 4 }"
    )
    found = run_layer("Mean", body, [x, y], tops=2)
    mean = np.float64([3, -1])[:, None, None] * (2 if operation == "ADD" else -2)
    agree(found.y[0], 4 * (0.5 * x + np.tile(mean, (2, 1, 1))), 1e-4)
    agree(found.y[1], 4 * (0.5 * y + mean), 1e-4)


def test_a_mean_may_be_a_file(tmp_path):
    mean = normal(0, 1, 2, 3, 2)
    blob = caffe_pb2.BlobProto(num=1, channels=2, height=3, width=2, data=mean.flatten())
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(blob.SerializeToString())
    body = f'mean_param {{ operation: SUBTRACT file: "{path}" }}'
    x = normal(1, 2, 2, 3, 2)
    agree(run_layer("Mean", body, [x]).y[0], x - mean)
    with pytest.raises(caffe.CaffeError, match="does not go into a bottom"):
        run_layer("Mean", body, [normal(1, 2, 2, 2, 2)])


def test_a_mean_needs_its_operation():
    with pytest.raises(caffe.CaffeError, match="needs an operation, and a file or values"):
        run_layer("Mean", "mean_param { value: 1 }", [normal(1, 2, 2, 2, 2)])
