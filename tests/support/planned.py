"""Nets that a plan runs, beside twins that run layer by layer."""

import caffe
from support.net_text import input_layer
from support.plain_path import close, conv, image, layer, ran_fast, scale_of, twins


def images(ours, theirs, sizes, look=False):
    """Both nets on an image of each size; `look`: all other blobs are read too."""
    for seed, size in enumerate(sizes):
        for net in (ours, theirs):
            net.blobs["data"].reshape(*net.blobs["data"].shape[:2], *size)
            net.blobs["data"].data[...] = image(seed, *net.blobs["data"].shape)
        out, expected = ours.forward(), theirs.forward()
        assert ran_fast(ours)
        scale = scale_of(theirs)
        assert out.keys() == expected.keys()
        for name in out:
            close(out[name], expected[name], scale)
        del out  # a view that is held has its blob kept
        for name in ours.blobs if look else ():
            close(ours.blobs[name].data, theirs.blobs[name].data, scale)


BORDER = input_layer("data", 1, 2, 6, 6) + conv(
    "wide", "data", "num_output: 2 kernel_size: 1 pad: 9"
)


BEHIND_A_BORDER = {
    "slices": layer("Slice", "s", "up", "a b"),
    "one channel cut out": input_layer("one", 1, 1, 23, 23)
    + layer("Crop", "a", "up one", "", "crop_param { axis: 1 }"),
    "another shape": layer("Reshape", "a", "up", "", "reshape_param { shape { dim: 0 dim: -1 } }"),
    "the same": layer("Dropout", "a", "up"),
    "in place": layer("Dropout", "drop", "up", "up"),
}


def with_outputs_written(name: str, passes: int) -> caffe.Net:
    """A net whose outputs a script writes to after each of its passes; they agree all the same."""
    up = conv("up", "wide", "num_output: 2 kernel_size: 2", kind="Deconvolution")
    ours, theirs = twins(BORDER + up + BEHIND_A_BORDER[name])
    for _ in range(passes):
        images(ours, theirs, [(6, 6)])
        for blob in ours.outputs:
            ours.blobs[blob].data[...] = 77
    return ours
