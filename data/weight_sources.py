"""Where published weights lie: of each net the files that hold them, in the order to try them.

ILSVRC has the classifiers by their names in nets.CLASSIFIERS, TORCHVISION_CLASSIFIERS those that
are torchvision's alone, WEIGHTS the authors' FCNs as NET-DATASET. Each of a net's files has the
name of its source, as SOURCE= takes it.
"""

from __future__ import annotations

from typing import NamedTuple

from data.datasets import MEAN

Triple = tuple[float, float, float]


class Input(NamedTuple):
    """What a net was trained to see: (pixel - mean) / std, for pixels from 0 to 255.

    channels  order in which the first convolution takes them, "bgr" or "rgb"; None: not known for
              certain, the filters tell
    mean      of blue, green, red; None: the mean of the dataset that the net was trained on
    std       of blue, green, red
    """

    channels: str | None = "bgr"
    mean: Triple | None = None
    std: Triple = (1, 1, 1)


class WeightSource(NamedTuple):
    """A file of weights: its addresses, tried in order, and the name it is stored under.

    `digest` is "md5:...", "sha1:..." or "sha256:...", of sha256 perhaps the first digits only, as
    torch has them in a file's name; None where none is published. `note` says what the user should
    know before using these weights.
    """

    name: str
    file: str
    urls: tuple[str, ...]
    digest: str | None
    input: Input = Input()
    note: str = ""


VGG_MEAN = (103.939, 116.779, 123.68)  # VGG's own, a gray level from MEAN
VGG = Input("bgr", VGG_MEAN)
VGG_RGB = Input("rgb", VGG_MEAN)
BVLC = Input("bgr", MEAN)
# x / 255, less (0.485, 0.456, 0.406), by (0.229, 0.224, 0.225): red, green, blue
TORCHVISION_MEAN = (103.53, 116.28, 123.675)
TORCHVISION = Input("rgb", TORCHVISION_MEAN, (57.375, 57.12, 58.395))

_BERKELEY = "http://dl.caffe.berkeleyvision.org/"
_OXFORD = "https://www.robots.ox.ac.uk/~vgg/software/very_deep/caffe/"
_MXNET = "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/caffe/models/"
_KERAS = (
    "https://storage.googleapis.com/tensorflow/keras-applications/{}/",
    "https://github.com/fchollet/deep-learning-models/releases/download/v0.1/",
)
_JOHNSON = (
    "https://web.eecs.umich.edu/~justincj/models/",
    "https://s3-us-west-2.amazonaws.com/jcjohns-models/",
)
_MATCONVNET = "https://www.vlfeat.org/matconvnet/models/"
_TORCH = "https://download.pytorch.org/models/"
_TIMM = "https://huggingface.co/timm/{}.tv_in1k/resolve/main/model.safetensors"

_OTHER_VGG = "torchvision trained this VGG anew: it is not the one that the paper's nets start from"
_OF_2014 = "the net of the CVPR paper (2014), some 3 points below the later release"


def _drive(file_id: str) -> str:
    return f"https://drive.usercontent.google.com/download?id={file_id}&export=download&confirm=t"


def _keras(net: str, md5: str) -> WeightSource:
    file = f"{net}_weights_tf_dim_ordering_tf_kernels.h5"
    urls = tuple(folder.format(net) + file for folder in _KERAS)
    return WeightSource("keras", file, urls, f"md5:{md5}", VGG)


def _johnson(file: str) -> WeightSource:
    digest = "sha256:" + file.partition("-")[2].removesuffix(".pth")
    return WeightSource("jcjohnson", file, tuple(folder + file for folder in _JOHNSON), digest, VGG)


def _matconvnet(file: str, md5: str, seen: Input, note: str = "") -> WeightSource:
    return WeightSource("matconvnet", file, (_MATCONVNET + file,), f"md5:{md5}", seen, note)


def _torchvision(file: str, seen: Input = TORCHVISION, note: str = "") -> WeightSource:
    digest = "sha256:" + file.rpartition("-")[2].removesuffix(".pth")
    return WeightSource("torchvision", file, (_TORCH + file,), digest, seen, note)


def _pytorch_fcn(name: str, file: str, md5: str, *urls: str) -> WeightSource:
    return WeightSource(name, file, urls, f"md5:{md5}")


def _released(file: str, sha1: str | None = None) -> WeightSource:
    """What the authors released."""
    return WeightSource("caffe", file, (_BERKELEY + file,), sha1 and f"sha1:{sha1}")


ILSVRC: dict[str, tuple[WeightSource, ...]] = {
    "caffenet": (
        WeightSource(
            "caffe",
            "bvlc_reference_caffenet.caffemodel",
            (_BERKELEY + "bvlc_reference_caffenet.caffemodel",),
            "sha1:4c8d77deb20ea792f84eb5e6d0a11ca0a8660a46",
            BVLC,
        ),
        _matconvnet(
            "imagenet-caffe-ref.mat", "675dd47906d34f4d9a70fc44210d3804", Input("rgb", MEAN)
        ),
    ),
    "vgg16": (
        WeightSource(
            "caffe",
            "VGG_ILSVRC_16_layers.caffemodel",
            (
                _OXFORD + "VGG_ILSVRC_16_layers.caffemodel",
                _MXNET + "vgg/VGG_ILSVRC_16_layers.caffemodel",
            ),
            "sha1:9363e1f6d65f7dba68c4f27a1e62105cdf6c4e24",
            VGG,
        ),
        _keras("vgg16", "64373286793e3c8b2b4e3219cbf3544b"),
        _johnson("vgg16-00b39a1b.pth"),
        _matconvnet("imagenet-vgg-verydeep-16.mat", "f72d927587ca4c97fbd165ec9cb9997f", VGG_RGB),
        WeightSource(
            "pytorch-fcn",
            "vgg16_from_caffe.pth",
            (_drive("0B9P1L--7Wd2vLTJZMXpIRkVVRFk"),),
            "md5:aa75b158f4181e7f6230029eb96c1b13",
            VGG,
        ),
        WeightSource(
            "frossard",
            "vgg16_weights.npz",
            ("https://www.cs.toronto.edu/~frossard/vgg16/vgg16_weights.npz",),
            None,
            Input(None, VGG_MEAN),
        ),
        WeightSource(
            "tensorflow-vgg",
            "vgg16.npy",
            ("ftp://mi.eng.cam.ac.uk/pub/mttt2/models/vgg16.npy",),
            None,
            VGG,
        ),
        WeightSource(
            "timm",
            "vgg16.tv_in1k.safetensors",
            (_TIMM.format("vgg16"),),
            "sha256:57b026918159a6bf9faf8405c3a551903768e7138989d9c6224a14227203fad8",
            TORCHVISION,
            _OTHER_VGG,
        ),
        _torchvision("vgg16-397923af.pth", note=_OTHER_VGG),
    ),
    "vgg19": (
        WeightSource(
            "caffe",
            "VGG_ILSVRC_19_layers.caffemodel",
            (
                _OXFORD + "VGG_ILSVRC_19_layers.caffemodel",
                _MXNET + "vgg/VGG_ILSVRC_19_layers.caffemodel",
            ),
            "sha1:239785e7862442717d831f682bb824055e51e9ba",
            VGG,
        ),
        _keras("vgg19", "cbe5617147190e668d6c5d5026f83318"),
        _johnson("vgg19-d01eb7cb.pth"),
        _matconvnet("imagenet-vgg-verydeep-19.mat", "106118b7cf60435e6d8e04f6a6dc3657", VGG_RGB),
        _torchvision("vgg19-dcbb9e9d.pth", note=_OTHER_VGG),
    ),
    "googlenet": (
        WeightSource(
            "caffe",
            "bvlc_googlenet.caffemodel",
            (
                _BERKELEY + "bvlc_googlenet.caffemodel",
                _MXNET + "bvlc_googlenet/bvlc_googlenet.caffemodel",
            ),
            "sha1:405fc5acd08a3bb12de8ee5e23a96bec22f08204",
            BVLC,
        ),
    ),
    "squeezenet": (
        WeightSource(
            "deep-compression",
            "compressed_SqueezeNet.net",
            (
                "https://github.com/songhan/SqueezeNet-Deep-Compression/raw/master/"
                "compressed_SqueezeNet.net",
            ),
            None,
            Input("bgr", (104, 117, 123)),
        ),
    ),
}


# Its GoogLeNet was TensorFlow's, which sees -1 to 1.
TORCHVISION_CLASSIFIERS: dict[str, tuple[WeightSource, ...]] = {
    "alexnet": (_torchvision("alexnet-owt-7be5be79.pth"),),
    "googlenet": (
        _torchvision("googlenet-1378be20.pth", Input("rgb", (127.5,) * 3, (127.5,) * 3)),
    ),
}

_VOC_RGB = Input("rgb")
WEIGHTS: dict[str, tuple[WeightSource, ...]] = {
    "fcn32s-voc": (
        _released("fcn32s-heavy-pascal.caffemodel", "05eb922d7829c39448f57e5ab9d8cd75d6c0be6d"),
        _pytorch_fcn(
            "pytorch-fcn",
            "fcn32s_from_caffe.pth",
            "d3eb467a80e7da0468a20dfcbc13e6c8",
            _drive("11k2Q0bvRQgQbT6-jYWeh6nmAsWlSCY3f"),
        ),
        _pytorch_fcn(
            "pytorch-fcn-2017",
            "fcn32s_from_caffe-2017.pth",
            "8acf386d722dc3484625964cbe2aba49",
            _drive("0B9P1L--7Wd2vM2oya3k0Zlgtekk"),
        ),
        _matconvnet(
            "pascal-fcn32s-dag.mat", "a1331885ec72a0721e51ac9d16262a48", _VOC_RGB, _OF_2014
        ),
    ),
    "fcn16s-voc": (
        _released("fcn16s-heavy-pascal.caffemodel"),
        _pytorch_fcn(
            "pytorch-fcn",
            "fcn16s_from_caffe.pth",
            "991ea45d30d632a01e5ec48002cac617",
            _drive("0B9P1L--7Wd2vVGE3TkRMbWlNRms"),
        ),
        _matconvnet(
            "pascal-fcn16s-dag.mat", "2e49dd427829cdbc08a0154f994687d7", _VOC_RGB, _OF_2014
        ),
    ),
    "fcn8s-voc": (
        _released("fcn8s-heavy-pascal.caffemodel", "c449ea74dd7d83751d1357d6a8c323fcf4038962"),
        _pytorch_fcn(
            "pytorch-fcn",
            "fcn8s_from_caffe.pth",
            "de93e540ec79512f8770033849c8ae89",
            _drive("1ieXWyoG68xqoHJPWdyrDyaIaaWlfmUxI"),
        ),
        _pytorch_fcn(
            "pytorch-fcn-2017",
            "fcn8s_from_caffe-2017.pth",
            "dbd9bbb3829a3184913bccc74373afbb",
            _drive("0B9P1L--7Wd2vT0FtdThWREhjNkU"),
            "http://maxwell.cs.umass.edu/pacnet-data/pretrained_weights/semantic_segmentation/"
            "fcn8s_from_caffe.pth",
        ),
        _matconvnet("pascal-fcn8s-dag.mat", "0eeb6a4bc819616ea66f88a3db878983", _VOC_RGB, _OF_2014),
    ),
    "fcn8s-atonce-voc": (
        _released("fcn8s-atonce-pascal.caffemodel"),
        _pytorch_fcn(
            "pytorch-fcn",
            "fcn8s-atonce_from_caffe.pth",
            "bfed4437e941fef58932891217fe6464",
            _drive("0B9P1L--7Wd2vblE1VUIxV1o2d2M"),
        ),
    ),
    "fcn-alexnet-voc": (_released("fcn-alexnet-pascal.caffemodel"),),
    "fcn32s-color-nyud": (_released("nyud-fcn32s-color-heavy.caffemodel"),),
    "fcn32s-hha-nyud": (_released("nyud-fcn32s-hha-heavy.caffemodel"),),
    "fcn32s-color-hha-nyud": (_released("nyud-fcn32s-color-hha-heavy.caffemodel"),),
    **{
        f"{net}-{dataset}": (_released(f"{released}-{net}-heavy.caffemodel"),)
        for dataset, released in (("siftflow", "siftflow"), ("context", "pascalcontext"))
        for net in ("fcn32s", "fcn16s", "fcn8s")
    },
}
