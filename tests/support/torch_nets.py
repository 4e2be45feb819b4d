"""The nets of other libraries whose weights are converted, in torch and as narrow as one likes.

Each is built under the names that the library's files have, and computes what the library's does.
"""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

import nets

DEPTHS = (2, 2, 3, 3, 3)


def channels(width):
    """Of each group of VGG16's convolutions, and of fc6, at a width, as nets has them."""
    return [nets.blocks.channels(full, width) for full in (64, 128, 256, 512, 512, 4096)]


def drawn(module, seed=0):
    """The module with weights that keep activations about as large as its input."""
    generator = torch.Generator().manual_seed(seed)
    for value in module.parameters():
        with torch.no_grad():
            value.normal_(generator=generator)
            fan_in = value[0].numel() if value.dim() > 1 else 100
            value *= (2 / fan_in) ** 0.5
    return module.eval()


class VGG16(nn.Module):
    """torchvision's vgg16, of 224 x 224 pixels; `old`: of the time before its classifier began
    with the Linear."""

    def __init__(self, width, classes, old=False):
        super().__init__()
        *full, wide = channels(width)
        layers, inputs = [], 3
        for depth, outputs in zip(DEPTHS, full, strict=True):
            for _ in range(depth):
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
                inputs = outputs
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        fc6, fc7 = nn.Linear(49 * inputs, wide), nn.Linear(wide, wide)
        tops = [fc6, nn.ReLU(), nn.Dropout(), fc7, nn.ReLU(), nn.Dropout()]
        if old:
            tops = [nn.Dropout(), fc6, nn.ReLU(), nn.Dropout(), fc7, nn.ReLU()]
        self.classifier = nn.Sequential(*tops, nn.Linear(wide, classes))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class FCN(nn.Module):
    """pytorch-fcn's FCN32s, FCN16s, FCN8s (and AtOnce): `scales` are those of pool4, pool3."""

    def __init__(self, width, classes, scales=()):
        super().__init__()
        *full, wide = channels(width)
        inputs = 3
        for group, (depth, outputs) in enumerate(zip(DEPTHS, full, strict=True), 1):
            for i in range(1, depth + 1):
                pad = 100 if (group, i) == (1, 1) else 1
                self.add_module(f"conv{group}_{i}", nn.Conv2d(inputs, outputs, 3, padding=pad))
                inputs = outputs
        self.fc6, self.fc7 = nn.Conv2d(inputs, wide, 7), nn.Conv2d(wide, wide, 1)
        self.score_fr = nn.Conv2d(wide, classes, 1)
        self.scales = scales
        if scales:
            self.score_pool4 = nn.Conv2d(full[3], classes, 1)
        if scales[1:]:
            self.score_pool3 = nn.Conv2d(full[2], classes, 1)

        def up(factor):
            return nn.ConvTranspose2d(classes, classes, 2 * factor, stride=factor, bias=False)

        if not scales:
            self.upscore = up(32)
        else:
            self.upscore2 = up(2)
        if len(scales) == 1:
            self.upscore16 = up(16)
        elif scales:
            self.upscore_pool4, self.upscore8 = up(2), up(8)

    def forward(self, x):
        h, pools = x, {}
        for group, depth in enumerate(DEPTHS, 1):
            for i in range(1, depth + 1):
                h = F.relu(getattr(self, f"conv{group}_{i}")(h))
            pools[group] = h = F.max_pool2d(h, 2, ceil_mode=True)
        h = self.score_fr(F.relu(self.fc7(F.relu(self.fc6(h)))))
        if not self.scales:
            return cropped(self.upscore(h), x, 19)
        h = self.upscore2(h)
        h = h + cropped(self.score_pool4(pools[4] * self.scales[0]), h, 5)
        if len(self.scales) == 1:
            return cropped(self.upscore16(h), x, 27)
        h = self.upscore_pool4(h)
        h = h + cropped(self.score_pool3(pools[3] * self.scales[1]), h, 9)
        return cropped(self.upscore8(h), x, 31)


def cropped(h, to, offset):
    return h[:, :, offset : offset + to.shape[2], offset : offset + to.shape[3]]


def vgg_names():
    """conv1_1 ... conv5_3, fc6, fc7, fc8: of the layers of a VGG16 in their order."""
    convolutions = [f"conv{g}_{i}" for g, d in enumerate(DEPTHS, 1) for i in range(1, d + 1)]
    return [*convolutions, "fc6", "fc7", "fc8"]


def vgg_arrays(net):
    """{Caffe's name: (weights, biases)} of a VGG16, as torch has them."""
    modules = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    return OrderedDict(
        (name, (module.weight.detach().numpy(), module.bias.detach().numpy()))
        for name, module in zip(vgg_names(), modules, strict=True)
    )


def by_tensorflow(stored, images):
    """Scores of (N, H, W, 3) images by a VGG16 {name: (weights, biases)} in TensorFlow's layout."""
    h = torch.as_tensor(images)
    for name, (weights, biases) in stored.items():
        weights, biases = torch.as_tensor(weights), torch.as_tensor(biases)
        if weights.dim() == 4:  # a convolution of height, width, in, out
            if name[-2:] == "_1" and name != "conv1_1":
                h = F.max_pool2d(h.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
            h = F.conv2d(h.permute(0, 3, 1, 2), weights.permute(3, 2, 0, 1), biases, padding=1)
            h = F.relu(h).permute(0, 2, 3, 1)
            continue
        if h.dim() == 4:
            h = F.max_pool2d(h.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1).flatten(1)
        h = h @ weights + biases
        h = h if name == "fc8" else F.relu(h)
    return h.numpy()


class AlexNet(nn.Module):
    """torchvision's alexnet, of 224 x 224 pixels."""

    def __init__(self, width, classes):
        super().__init__()
        *full, wide = (nets.blocks.channels(c, width) for c in (64, 192, 384, 256, 256, 4096))
        windows = ((11, 4, 2), (5, 1, 2), (3, 1, 1), (3, 1, 1), (3, 1, 1))
        layers, inputs = [], 3
        for i, (outputs, (size, stride, pad)) in enumerate(zip(full, windows, strict=True)):
            layers += [nn.Conv2d(inputs, outputs, size, stride, pad), nn.ReLU()]
            layers += [nn.MaxPool2d(3, 2)] if i in (0, 1, 4) else []
            inputs = outputs
        self.features = nn.Sequential(*layers)
        fc6, fc7 = nn.Linear(36 * inputs, wide), nn.Linear(wide, wide)
        tops = [nn.Dropout(), fc6, nn.ReLU(), nn.Dropout(), fc7, nn.ReLU()]
        self.classifier = nn.Sequential(*tops, nn.Linear(wide, classes))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class Normalised(nn.Module):
    """torchvision's BasicConv2d."""

    def __init__(self, inputs, outputs, size, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Inception(nn.Module):
    def __init__(self, inputs, single, threes, fives, projected):
        super().__init__()
        self.branch1 = Normalised(inputs, single, 1)
        for number, (few, many) in ((2, threes), (3, fives)):
            branch = nn.Sequential(Normalised(inputs, few, 1), Normalised(few, many, 3))
            self.add_module(f"branch{number}", branch)
        pooling = nn.MaxPool2d(3, 1, 1, ceil_mode=True)
        self.branch4 = nn.Sequential(pooling, Normalised(inputs, projected, 1))
        self.outputs = single + threes[1] + fives[1] + projected

    def forward(self, x):
        branches = (self.branch1, self.branch2, self.branch3, self.branch4)
        return torch.cat([branch(x) for branch in branches], 1)


class GoogLeNet(nn.Module):
    """torchvision's googlenet, with a stand-in for the head of one of its other losses."""

    def __init__(self, width, classes):
        super().__init__()

        def part(full):
            return nets.blocks.channels(full, width)

        self.conv1 = Normalised(3, part(64), 7, 2)
        self.conv2, self.conv3 = (
            Normalised(part(64), part(64), 1),
            Normalised(part(64), part(192), 3),
        )
        inputs, self.names = part(192), []
        for name, (single, threes, fives, projected) in nets.googlenet.INCEPTIONS.items():
            pairs = [tuple(map(part, pair)) for pair in (threes, fives)]
            module = Inception(inputs, part(single), *pairs, part(projected))
            self.add_module(f"inception{name}", module)
            inputs, self.names = module.outputs, [*self.names, name]
        self.aux1 = nn.Sequential(OrderedDict(conv=Normalised(4, 4, 1), fc1=nn.Linear(4, 4)))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        h = F.max_pool2d(self.conv1(x), 3, 2, ceil_mode=True)
        h = F.max_pool2d(self.conv3(self.conv2(h)), 3, 2, ceil_mode=True)
        for name in self.names:
            h = getattr(self, f"inception{name}")(h)
            if name in ("3b", "4e"):
                h = F.max_pool2d(h, 3 if name == "3b" else 2, 2, ceil_mode=True)
        return self.fc(h.mean((2, 3)))
