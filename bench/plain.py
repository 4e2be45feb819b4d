"""FCN as a PyTorch user would write it, eager or compiled, and a caffemodel read by protobuf alone.

Nothing here comes from the engine but caffe.proto, to read the caffemodel.
"""

import itertools
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .work import BASE_LR, CLASSES, MOMENTUM, WEIGHT_DECAY, Work, images, label

DTYPES = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16}


class FCN8s(nn.Module):
    """N x 3 x H x W to scores N x classes x H x W; layers are named as in the released models."""

    def __init__(self, classes: int, width: float, dropout: bool = True) -> None:
        super().__init__()
        c1, c2, c3, c4, fc = (max(1, round(c * width)) for c in (64, 128, 256, 512, 4096))
        self.conv1_1 = nn.Conv2d(3, c1, 3, padding=100)
        self.conv1_2 = nn.Conv2d(c1, c1, 3, padding=1)
        self.conv2_1 = nn.Conv2d(c1, c2, 3, padding=1)
        self.conv2_2 = nn.Conv2d(c2, c2, 3, padding=1)
        self.conv3_1 = nn.Conv2d(c2, c3, 3, padding=1)
        self.conv3_2 = nn.Conv2d(c3, c3, 3, padding=1)
        self.conv3_3 = nn.Conv2d(c3, c3, 3, padding=1)
        self.conv4_1 = nn.Conv2d(c3, c4, 3, padding=1)
        self.conv4_2 = nn.Conv2d(c4, c4, 3, padding=1)
        self.conv4_3 = nn.Conv2d(c4, c4, 3, padding=1)
        self.conv5_1 = nn.Conv2d(c4, c4, 3, padding=1)
        self.conv5_2 = nn.Conv2d(c4, c4, 3, padding=1)
        self.conv5_3 = nn.Conv2d(c4, c4, 3, padding=1)
        self.fc6 = nn.Conv2d(c4, fc, 7)
        self.fc7 = nn.Conv2d(fc, fc, 1)
        self.score_fr = nn.Conv2d(fc, classes, 1)
        self.dropout = 0.5 if dropout else 0.0
        self.score_pool4 = nn.Conv2d(c4, classes, 1)
        self.score_pool3 = nn.Conv2d(c3, classes, 1)
        self.upscore2 = upsampling(classes, 2)
        self.upscore_pool4 = upsampling(classes, 2)
        self.upscore8 = upsampling(classes, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pool3, pool4, score = self.features(x)
        score = self.upscore2(score)
        score = score + crop(self.score_pool4(pool4), score, 5)
        score = self.upscore_pool4(score)
        score = score + crop(self.score_pool3(pool3), score, 9)
        return crop(self.upscore8(score), x, 31)

    def features(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """pool3, pool4 and the scores of stride 32."""
        x = F.relu(self.conv1_1(x), inplace=True)
        x = F.relu(self.conv1_2(x), inplace=True)
        x = F.max_pool2d(x, 2, 2, ceil_mode=True)
        x = F.relu(self.conv2_1(x), inplace=True)
        x = F.relu(self.conv2_2(x), inplace=True)
        x = F.max_pool2d(x, 2, 2, ceil_mode=True)
        x = F.relu(self.conv3_1(x), inplace=True)
        x = F.relu(self.conv3_2(x), inplace=True)
        x = F.relu(self.conv3_3(x), inplace=True)
        pool3 = x = F.max_pool2d(x, 2, 2, ceil_mode=True)
        x = F.relu(self.conv4_1(x), inplace=True)
        x = F.relu(self.conv4_2(x), inplace=True)
        x = F.relu(self.conv4_3(x), inplace=True)
        pool4 = x = F.max_pool2d(x, 2, 2, ceil_mode=True)
        x = F.relu(self.conv5_1(x), inplace=True)
        x = F.relu(self.conv5_2(x), inplace=True)
        x = F.relu(self.conv5_3(x), inplace=True)
        x = F.max_pool2d(x, 2, 2, ceil_mode=True)
        x = F.relu(self.fc6(x), inplace=True)
        x = F.dropout(x, self.dropout, self.training)
        x = F.relu(self.fc7(x), inplace=True)
        x = F.dropout(x, self.dropout, self.training)
        return pool3, pool4, self.score_fr(x)


def upsampling(classes: int, factor: int) -> nn.ConvTranspose2d:
    """Deconvolution that upsamples by a factor and does not learn."""
    layer = nn.ConvTranspose2d(classes, classes, 2 * factor, stride=factor, bias=False)
    return layer.requires_grad_(False)


def crop(x: torch.Tensor, like: torch.Tensor, offset: int) -> torch.Tensor:
    """The pixels of `x` from the offset on, as many as `like` has."""
    height, width = like.shape[2:]
    return x[:, :, offset : offset + height, offset : offset + width]


def load_weights(model: nn.Module, work: Work) -> nn.Module:
    """The model on its device, with the drawn weights."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(np.load(work.array(name))))
    return model.to(work.device)


def set_precision(work: Work) -> None:
    """Let a GPU round what it multiplies to TF32, or not, as the work says."""
    tf32 = work.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32


def optimiser(model: nn.Module) -> torch.optim.SGD:
    """Biases learn at twice the rate and without weight decay."""
    learned = {name: p for name, p in model.named_parameters() if p.requires_grad}
    weights = [p for name, p in learned.items() if name.endswith("weight")]
    biases = [p for name, p in learned.items() if name.endswith("bias")]
    groups = [
        dict(params=weights, weight_decay=WEIGHT_DECAY),
        dict(params=biases, lr=2 * BASE_LR),
    ]
    return torch.optim.SGD(groups, lr=BASE_LR, momentum=MOMENTUM)


class Forward:
    """FCN-8s: images as numpy arrays to scores; on a GPU they stay there until they are read."""

    layout = torch.contiguous_format

    def __init__(self, work: Work) -> None:
        set_precision(work)
        self.device, self.dtype = work.device, DTYPES[work.precision]
        model = load_weights(FCN8s(CLASSES, work.width), work).eval()
        # torch's types know no memory_format of a module
        self.model = model.to(dtype=self.dtype, memory_format=self.layout)  # type: ignore[call-overload]
        self.count, self.images = len(work.sizes), itertools.cycle(images(work))

    @torch.inference_mode()
    def once(self) -> torch.Tensor:
        image = torch.from_numpy(next(self.images))
        return self.model(image.to(self.device, self.dtype, memory_format=self.layout))

    def outputs(self) -> Iterator[tuple[str, np.ndarray]]:
        for i in range(self.count):
            yield f"score {i}", self.once().float().cpu().numpy()


class ForwardChannelsLast(Forward):
    """The same forward pass, its tensors channels last."""

    layout = torch.channels_last


class ForwardCompiled(ForwardChannelsLast):
    """The compiled net, its weights frozen: folded, packed and laid out for the kernels."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self.model = torch.compile(self.model, options={"freezing": True})


class Train:
    """FCN-8s: a training iteration; gives the loss."""

    layout, dtype = torch.contiguous_format, torch.float32

    def __init__(self, work: Work) -> None:
        set_precision(work)
        self.device = work.device
        # float32 weights, gradients and momentum; what the layers compute is bfloat16
        self.bf16 = torch.autocast(work.device, torch.bfloat16, enabled=work.precision == "bf16")
        self.image, self.label = images(work)[0], label(work)
        model = load_weights(FCN8s(CLASSES, work.width, work.dropout), work).train()
        self.model = model.to(dtype=self.dtype, memory_format=self.layout)  # type: ignore[call-overload]
        self.optimiser = optimiser(self.model)

    def once(self) -> float:
        x = torch.from_numpy(self.image).to(self.device, self.dtype, memory_format=self.layout)
        target = torch.from_numpy(self.label).to(self.device)[:, 0].long()
        self.optimiser.zero_grad(set_to_none=True)
        with self.bf16:
            score = self.model(x)
        loss = F.cross_entropy(score.to(self.dtype), target, ignore_index=255, reduction="sum")
        loss.backward()
        self.optimiser.step()
        return loss.item()

    def outputs(self) -> Iterator[tuple[str, np.ndarray]]:
        """The loss of the next iteration, each parameter after it, and its update."""
        yield "loss", np.array(self.once())
        names = {p: name for name, p in self.model.named_parameters()}
        for group in self.optimiser.param_groups:
            for p in group["params"]:
                yield names[p], p.detach().cpu().numpy()
                update = group["lr"] * self.optimiser.state[p]["momentum_buffer"]
                yield f"update of {names[p]}", update.cpu().numpy()


class TrainDouble(Train):
    """The same training step in float64."""

    dtype = torch.float64


class TrainChannelsLast(Train):
    """The same training step, its tensors channels last."""

    layout = torch.channels_last


class Load:
    """A caffemodel as protobuf's own parser reads it, then as numpy arrays."""

    def __init__(self, work: Work) -> None:
        from caffe.proto import caffe_pb2

        self.message, self.path = caffe_pb2.NetParameter, work.caffemodel

    def once(self) -> dict[str, np.ndarray]:
        net = self.message()
        net.ParseFromString(self.path.read_bytes())
        return {
            f"{layer.name}.{i}": np.array(blob.data, np.float32).reshape(tuple(blob.shape.dim))
            for layer in net.layer
            for i, blob in enumerate(layer.blobs)
        }

    def outputs(self) -> Iterator[tuple[str, np.ndarray]]:
        yield from self.once().items()
