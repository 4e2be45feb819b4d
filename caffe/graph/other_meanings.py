"""Types of Caffe's names that mean something else in the fork that a net is of."""

from ..core.log import LOGGER
from ..proto import caffe_pb2


def warn_of_losses(net: caffe_pb2.NetParameter) -> None:
    """Log that losses are not HED's, where a data layer says that the net is of its Caffe."""
    losses = [layer.name for layer in net.layer if layer.type == "SigmoidCrossEntropyLoss"]
    if losses and any(layer.type == "ImageLabelmapData" for layer in net.layer):
        LOGGER.warning(
            "SigmoidCrossEntropyLoss of layer(s) %s is Caffe's; that of HED's Caffe, which has "
            "ImageLabelmapData, weighs edges and the rest alike: write "
            'type: "ClassBalancedSigmoidCrossEntropyLoss" to train as it does',
            ", ".join(f"'{name}'" for name in losses),
        )
