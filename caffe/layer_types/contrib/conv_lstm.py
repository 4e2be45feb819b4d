"""Long short-term memories whose products are convolutions: ConvLSTM, ConvolutionLSTM."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F

from ...proto import caffe_pb2
from ..base import Shape, Tensors, layer_type
from ..recurrent import Recurrent, lstm_unit

Pair = tuple[int, int]
Param = caffe_pb2.LSTMConvolutionParameter | caffe_pb2.ConvolutionParameter


class Windows(NamedTuple):
    """How a convolution moves over height and width."""

    kernel: Pair
    stride: Pair
    pad: Pair
    dilation: Pair
    group: int

    def size(self, shape: Shape) -> Pair:
        """Height and width of what comes out for the last two axes of a shape."""
        height, width = (
            (n + 2 * pad - (hole * (kernel - 1) + 1)) // stride + 1
            for n, kernel, stride, pad, hole in zip(
                shape[-2:], self.kernel, self.stride, self.pad, self.dilation, strict=True
            )
        )
        return height, width

    def convolved(
        self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        return F.conv2d(x, weight, bias, self.stride, self.pad, self.dilation, self.group)


class ConvRecurrent(Recurrent):
    """An LSTM of maps: T steps of N streams, x is T x N x C x H x W and the state N x D x H' x W'.

    The bottoms and tops are Recurrent's, without a static one; gates are input, forget, output and
    candidate, D maps each.
    """

    states = 2  # hidden, cell
    gates = 4
    channels: int

    def outputs(self) -> int:
        """D."""
        raise NotImplementedError

    def of_x(self) -> Windows:
        """The convolution of what comes in."""
        raise NotImplementedError

    def of_hidden(self) -> Windows:
        """The convolution of the hidden state, which keeps its size."""
        raise NotImplementedError

    def windows_of(self, param: Param) -> Windows:
        """The convolution of a message."""
        found = [
            self._pair(name, getattr(param, name), default)
            for name, default in (("kernel_size", 0), ("stride", 1), ("pad", 0), ("dilation", 1))
        ]
        kernel, stride, pad, dilation = found
        self.check(
            min(*kernel, *stride, *dilation, param.group) > 0,
            "kernel_size, stride, dilation and group must be positive; found "
            f"{kernel}, {stride}, {dilation} and {param.group}",
        )
        return Windows(kernel, stride, pad, dilation, param.group)

    def _pair(self, name: str, values: Sequence[int], default: int) -> Pair:
        """For height and width."""
        self.check(len(values) < 3, f"{name} needs 1 value or 2; found {list(values)}")
        both = [*values] or [default]
        return both[0], both[-1]

    def weights(self, windows: Windows, channels: int) -> Shape:
        """The shape of a convolution's, from so many channels to all gates."""
        rows = self.gates * self.outputs()
        self.check(
            channels % windows.group == 0 == rows % windows.group,
            f"group {windows.group} must divide {channels} channels and {rows} maps of the gates",
        )
        return (rows, channels // windows.group, *windows.kernel)

    def check_bottoms(self, shapes: list[Shape]) -> Pair:
        """Of the shapes; what comes back is height and width of the state."""
        x = shapes[0]
        self.check(
            len(x) == 5 and x[0] > 0,
            f"needs steps x streams x channels x height x width; found shape {x}",
        )
        self.check(
            not self.static,
            f"takes x, cont, and with expose_hidden hidden and cell; found {len(shapes)} bottoms",
        )
        size, hidden = self.of_x().size(x), self.of_hidden()
        self.check(
            min(size) > 0 and hidden.size(size) == size,
            f"a bottom of shape {x} makes a state of {size}, which the convolution of the hidden "
            f"state makes {hidden.size(size)}; give it the pad that keeps its size",
        )
        return size

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (x, cont), size = shapes[:2], self.check_bottoms(shapes)
        self.check(
            x[0] == self.steps and x[2] == self.channels,
            f"was built for {self.steps} steps of {self.channels} channels; found a bottom of "
            f"shape {x}. For another number of steps build another net and share the weights",
        )
        self.check(
            cont == x[:2],
            f"'{self.spec.bottom[1]}' must hold one value for each step and stream, {x[:2]}; "
            f"found shape {cont}",
        )
        hidden = (1, x[1], self.outputs(), *size)
        for name, shape in zip(self.spec.bottom[2:], shapes[2:], strict=True):
            self.check(shape == hidden, f"'{name}' must have shape {hidden}; found {shape}")
        return [(*x[:2], *hidden[2:]), *[hidden] * (len(self.spec.top) - 1)]

    def begun(self, more: list[torch.Tensor], like: torch.Tensor) -> list[torch.Tensor]:
        """Hidden and cell, of the shape of `like`, that the first step starts from."""
        if self.exposed:
            self.state = [given.detach()[0] for given in more]
            return [given[0] for given in more]
        streams, shape = like.shape[0], like.shape[1:]
        if not self.state or len(self.state[0]) < streams or self.state[0].shape[1:] != shape:
            self.state = [torch.zeros_like(like)] * self.states
        return [state[:streams].to(like) for state in self.state]

    def unrolled(
        self,
        gates: torch.Tensor | None,
        bottoms: list[torch.Tensor],
        weight: torch.Tensor,
        bias: torch.Tensor | None = None,
        peepholes: Sequence[torch.Tensor] = (),
    ) -> Tensors:
        """The hidden states of all steps, and where they are exposed the last hidden and cell.

        gates: of what comes in, T x N x 4D x H' x W', None for nothing; peepholes: what the cell is
        multiplied by for each of the first three gates.
        """
        x, cont, *more = bottoms
        (top, *_), outputs = self.top_shapes([tuple(bottom.shape) for bottom in bottoms]), []
        hidden, cell = self.begun(more, x.new_zeros(top[1:]))
        for step in range(self.steps):
            cont_t = cont.detach()[step].reshape(-1, 1, 1, 1)
            now = self.of_hidden().convolved(hidden * cont_t, weight, bias)
            now = now if gates is None else now + gates[step]
            if peepholes:
                seen = torch.cat([cell * each for each in peepholes], 1)
                now = now + F.pad(seen, (0, 0, 0, 0, 0, self.outputs()))
            cell, hidden = (
                each.movedim(-1, 1)
                for each in lstm_unit(cell.movedim(1, -1), now.movedim(1, -1), cont_t.squeeze(-1))
            )
            outputs.append(hidden)
        self.next_state = [hidden.detach(), cell.detach()]
        steps = torch.stack(outputs)
        return [steps, hidden.unsqueeze(0), cell.unsqueeze(0)] if self.exposed else steps

    def multiply_adds(self, bottoms: list[Shape], tops: list[Shape]) -> int:
        places = math.prod(tops[0]) // self.outputs()
        return places * sum(math.prod(b.shape) for b in self.blobs if len(b.shape) == 4)


@layer_type("ConvLSTM", "convolutional LSTM")
class ConvLSTM(ConvRecurrent):
    """Shi et al. 2015, equation 3, with the cell before the step for the output gate too.

    The convolutions are lstm_conv_param's: one for both, or one of type "input" and one of type
    "hidden"; stride is 1, and the bias the latter's. Parameters: weights of x (none with ignore_x,
    where x counts in its shape alone), weights of the hidden state, bias, and what the cell is
    multiplied by for the input, forget and output gates, ones at first, along num_axes_hadamard
    axes of T x N x D x H x W from axis_hadamard on (none with disable_hadamard). With expose_hidden
    gradients reach the states in the bottoms, and come from those in the tops.

    A version of the fork has a convolution for each gate, and stores 15 parameters: weights of x
    for the input, forget and output gates and the candidate, the hidden state's weights and bias
    for each of the four in turn, and the last three. Such a file loads where there is one group.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        self.debug = self.spec.lstm_debug_param
        self.check(
            not self.debug.expose, "expose shows what is inside of a net of steps; leave it out"
        )
        given = list(self.spec.lstm_conv_param)
        kinds = [param.type for param in given]
        self.check(
            sorted(kinds) in (["all"], ["hidden", "input"]),
            'needs one lstm_conv_param, or one of type "input" and one of type "hidden"; found '
            f"types {kinds}",
        )
        by_kind = dict(zip(kinds, given, strict=True))
        self.x_param = by_kind.get("input", given[0])
        self.hidden_param = by_kind.get("hidden", given[0])
        maps = {param.num_output for param in given}
        self.check(
            len(maps) == 1 and min(maps) > 0,
            f"num_output must be one for all of lstm_conv_param, and positive; found {maps}",
        )
        size = self.check_bottoms(shapes)
        self.steps, self.channels = shapes[0][0], shapes[0][2]
        if not self.debug.ignore_x:
            self.add_param(self.weights(self.of_x(), self.channels), self.x_param.weight_filler)
        filled = self.hidden_param
        self.add_param(self.weights(self.of_hidden(), self.outputs()), filled.weight_filler)
        if filled.bias_term:
            self.add_param((self.gates * self.outputs(),), filled.bias_filler)
        if not self.debug.disable_hadamard:
            first, count = self.debug.axis_hadamard, self.debug.num_axes_hadamard
            self.check(
                first >= 2 and first + count <= 5,
                "axis_hadamard and num_axes_hadamard are of the axes 2 to 4; found "
                f"{first} and {count}",
            )
            along = (1, shapes[0][1], self.outputs(), *size)[first : first + count]
            for _ in range(3):
                self.add_param(along, caffe_pb2.FillerParameter(type="constant", value=1))

    def stored_pieces(self, count: int) -> list[list[int]]:
        of_x = [] if self.debug.ignore_x else [[*range(self.gates)]]
        first, each = len(of_x) * self.gates, 1 + self.hidden_param.bias_term
        behind = first + each * self.gates
        of_hidden = [[*range(first + i, behind, each)] for i in range(each)]
        pieces = [*of_x, *of_hidden, *([i] for i in range(behind, count))]
        joins = len(pieces) == len(self.blobs) < count
        return pieces if joins and self.of_x().group == self.of_hidden().group == 1 else []

    def outputs(self) -> int:
        return self.hidden_param.num_output

    def of_x(self) -> Windows:
        if self.debug.ignore_x:
            return Windows((1, 1), (1, 1), (0, 0), (1, 1), 1)
        return self.windows_of(self.x_param)

    def of_hidden(self) -> Windows:
        return self.windows_of(self.hidden_param)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        given, gates = list(params), None
        if not self.debug.ignore_x:
            steps, streams = bottoms[0].shape[:2]
            gates = self.of_x().convolved(bottoms[0].flatten(0, 1), given.pop(0))
            gates = gates.unflatten(0, (steps, streams))
        weight = given.pop(0)
        bias = given.pop(0) if self.hidden_param.bias_term else None
        behind = 5 - self.debug.axis_hadamard - self.debug.num_axes_hadamard
        peepholes = [each.reshape(*each.shape, *(1,) * behind) for each in given]
        return self.unrolled(gates, bottoms, weight, bias, peepholes)


@layer_type("ConvolutionLSTM", "anomaly detection by convolutional LSTM")
class ConvolutionLSTM(ConvRecurrent):
    """Of recurrent_param: wxc_convolution_param for x, whh_convolution_param for the hidden state.

    num_output of recurrent_param is the number of maps. Parameters: W_xc, b_c, W_hc. Gradients
    reach no state that is exposed.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        self.check(self.outputs() > 0, "num_output of recurrent_param must be positive; found 0")
        self.check_bottoms(shapes)
        self.steps, self.channels = shapes[0][0], shapes[0][2]
        param = self.spec.recurrent_param
        of_x, of_hidden = param.wxc_convolution_param, param.whh_convolution_param
        self.add_param(self.weights(self.of_x(), self.channels), of_x.weight_filler)
        self.add_param((self.gates * self.outputs(),), of_x.bias_filler)
        self.add_param(self.weights(self.of_hidden(), self.outputs()), of_hidden.weight_filler)

    def outputs(self) -> int:
        return self.spec.recurrent_param.num_output

    def of_x(self) -> Windows:
        return self.windows_of(self.spec.recurrent_param.wxc_convolution_param)

    def of_hidden(self) -> Windows:
        return self.windows_of(self.spec.recurrent_param.whh_convolution_param)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        (x, cont, *more), (weight, bias, of_hidden) = bottoms, params
        gates = self.of_x().convolved(x.flatten(0, 1), weight, bias).unflatten(0, x.shape[:2])
        tops = self.unrolled(gates, [x, cont, *(each.detach() for each in more)], of_hidden)
        if isinstance(tops, torch.Tensor):
            return tops
        return [tops[0], *(state.detach() for state in tops[1:])]
