"""torchvision's DeepLabv3 and FCN on ResNet in plain torch, with the names of its state_dicts.

torchvision's own wheel wants a torch of the very same build, so that tests can't rely on it.
"""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}


class Bottleneck(nn.Module):
    """ResNet's block of three convolutions."""

    def __init__(self, inputs: int, planes: int, stride: int, dilation: int, down: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, 4 * planes, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * planes)
        if down:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, 4 * planes, 1, stride, bias=False), nn.BatchNorm2d(4 * planes)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)))))
        return F.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


def _resnet(depth: int) -> nn.Sequential:
    """ResNet to layer4, of output stride 8."""
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        bn1=nn.BatchNorm2d(64),
        relu=nn.ReLU(),
        maxpool=nn.MaxPool2d(3, 2, 1),
    )
    inputs, dilation = 64, 1
    for number, blocks in enumerate(DEPTHS[depth]):
        planes, of_layer = 64 << number, (1, 1, 2, 4)[number]
        layer = nn.Sequential()
        for block in range(blocks):
            stride = 2 if number == 1 and block == 0 else 1
            layer.append(Bottleneck(inputs, planes, stride, dilation, block == 0))
            inputs, dilation = 4 * planes, of_layer
        parts[f"layer{number + 1}"] = layer
    return nn.Sequential(parts)


def _unit(outputs: int, kernel_size: int, dilation: int = 1) -> list[nn.Module]:
    pad = dilation * (kernel_size // 2)
    conv = nn.LazyConv2d(outputs, kernel_size, padding=pad, dilation=dilation, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU()]


class Aspp(nn.Module):
    """Atrous spatial pyramid pooling."""

    def __init__(self) -> None:
        super().__init__()
        branches = [nn.Sequential(*_unit(256, 1))]
        branches += [nn.Sequential(*_unit(256, 3, rate)) for rate in (12, 24, 36)]
        branches += [nn.Sequential(nn.AdaptiveAvgPool2d(1), *_unit(256, 1))]
        self.convs = nn.ModuleList(branches)
        self.project = nn.Sequential(*_unit(256, 1), nn.Dropout(0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tops = [conv(x) for conv in self.convs]
        tops[-1] = tops[-1].expand_as(tops[0])
        return self.project(torch.cat(tops, 1))


class Segmentation(nn.Module):
    """A backbone, a classifier and bilinear upsampling."""

    def __init__(self, depth: int, classifier: nn.Module) -> None:
        super().__init__()
        self.backbone = _resnet(depth)
        self.classifier = classifier

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = self.classifier(self.backbone(x))
        return F.interpolate(scores, x.shape[-2:], mode="bilinear", align_corners=False)


def _classifier(net: str, classes: int) -> nn.Sequential:
    if net.startswith("deeplabv3"):
        return nn.Sequential(Aspp(), *_unit(256, 3), nn.Conv2d(256, classes, 1))
    return nn.Sequential(*_unit(512, 3), nn.Dropout(0.1), nn.Conv2d(512, classes, 1))


def torchvision_net(net: str, *, classes: int = 21, seed: int = 0) -> Segmentation:
    """A net of nets.TORCHVISION with random weights, statistics, scales and shifts, for testing.

    The scales are small, as at the ends of trained blocks: statistics of images that fit would make
    a hundred random layers chaotic, and 1e-3 of rounding alone.
    """
    torch.manual_seed(seed)
    model = Segmentation(int(net.rpartition("resnet")[2]), _classifier(net, classes)).train()
    with torch.no_grad():
        model(torch.randn(2, 3, 33, 33))  # gives the lazy convolutions their inputs
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.2, 0.8)
                module.bias.normal_(0, 0.1)
    return model.eval()
