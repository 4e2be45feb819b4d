"""Types of Caffe's names that mean something else in the fork that a net is of."""

from ..core.log import LOGGER
from ..proto import caffe_pb2


def warn_of_losses(net: caffe_pb2.NetParameter) -> None:
    """Log that losses are not those of HED or of a fork of it, where a data layer tells these."""
    if not any(layer.type == "ImageLabelmapData" for layer in net.layer):
        return
    if losses := _named(net, "SigmoidCrossEntropyLoss"):
        LOGGER.warning(
            "SigmoidCrossEntropyLoss of layer(s) %s is Caffe's; that of HED's Caffe, which has "
            "ImageLabelmapData, weighs edges and the rest alike: write "
            'type: "ClassBalancedSigmoidCrossEntropyLoss" to train as it does%s',
            losses,
            "; RCF's, which has AutoCrop, weighs the rest 1.1 times more, and has as labels the "
            "255ths of a map that are not rounded"
            if any(layer.type == "AutoCrop" for layer in net.layer)
            else "",
        )
    if losses := _named(net, "SoftmaxWithLoss"):
        LOGGER.warning(
            "SoftmaxWithLoss of layer(s) %s is Caffe's, and ImageLabelmapData HED's, of edges; in "
            "DeepSkeleton's Caffe the labels are classes of scales (1 to 4 from 1, 10, 26 and 60 "
            "on, 0 from 150 on), and the loss weighs class 0 and the others alike: store images of "
            "these classes, and write DenseImageData and type: "
            '"ClassBalancedSoftmaxWithLoss" to train as it does',
            losses,
        )


def _named(net: caffe_pb2.NetParameter, kind: str) -> str:
    """The names of the layers of a type, "" where there is none."""
    return ", ".join(f"'{layer.name}'" for layer in net.layer if layer.type == kind)
