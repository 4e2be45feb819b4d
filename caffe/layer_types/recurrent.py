"""Layers with a memory: LSTM, RNN and LSTMUnit.

BVLC's recurrent_layer.cpp unrolls a net of T steps; here the steps are a loop.
"""

import math

import torch
import torch.nn.functional as F

from ..core.blob import Blob
from ..proto import caffe_pb2
from .base import LayerType, Shape, Tensors, layer_type
from .loss import with_gradient


def lstm_unit(
    cell: torch.Tensor, gates: torch.Tensor, cont: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The next cell and hidden state (lstm_unit_layer.cpp).

    cell: ... x D; gates: ... x 4D, input, forget, output, candidate; cont: ..., 0 starts anew.
    """
    i, f, o, g = gates.chunk(4, -1)
    cont = cont.unsqueeze(-1)
    kept = cont * f.detach().sigmoid()
    kept = with_gradient(kept, f, kept * (1 - kept))  # the derivative for a cont of 0 or 1
    cell = kept * cell + i.sigmoid() * g.tanh()
    return cell, o.sigmoid() * cell.tanh()


@layer_type("LSTMUnit")
class LSTMUnit(LayerType):
    """One step of an LSTM: from cell, gates and cont of 1 x N (x D, x 4D) to cell and hidden."""

    bottoms = (3, 3)
    tops = (2, 2)
    diff_bottoms = staticmethod(lambda index: index != 2)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        cell = shapes[0]
        self.check(
            len(cell) == 3
            and cell[0] == 1
            and shapes[1] == (1, cell[1], 4 * cell[2])
            and shapes[2] == cell[:2],
            "needs a cell of shape 1 x N x D, gates of 1 x N x 4D and cont of 1 x N; found shapes "
            f"{shapes[0]}, {shapes[1]} and {shapes[2]}",
        )
        return [cell, cell]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        cell, gates, cont = bottoms
        return list(lstm_unit(cell, gates, cont.detach()))


class Recurrent(LayerType):
    """T steps of N streams, whose state goes on from one forward to the next.

    Bottoms: x (T x N x ...), cont (T x N; 0 where a sequence starts), and maybe an input that is
    the same at all steps (N x ...). With expose_hidden the state comes from the last bottoms and
    goes to the last tops instead, 1 x N x D each. Gradients reach neither these nor earlier passes.
    """

    states: int  # tensors that make up the state
    gates: int  # rows of the weights for each output

    def __init__(self, spec: caffe_pb2.LayerParameter, phase: int) -> None:
        super().__init__(spec, phase)
        exposed = self.states if spec.recurrent_param.expose_hidden else 0
        self.bottoms, self.tops = (2 + exposed, 3 + exposed), (1 + exposed, 1 + exposed)
        self.static = len(spec.bottom) == 3 + exposed
        self.exposed = exposed > 0
        self.reset()

    def reset(self) -> None:
        self.state: list[torch.Tensor] = []  # what a forward starts from: N x D each
        self.next_state: list[torch.Tensor] = []  # what the last one ended with

    @staticmethod
    def diff_bottoms(index: int) -> bool:
        return index != 1

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.recurrent_param
        self.check(param.num_output > 0, f"num_output must be positive; found {param.num_output}")
        x = shapes[0]
        self.check(len(x) > 2 and x[0] > 0, f"needs steps x streams x values; found shape {x}")
        self.steps, self.inputs = x[0], [math.prod(x[2:])]
        if self.static:
            self.inputs.append(math.prod(shapes[2][1:]))
        rows = self.gates * param.num_output
        self.add_param((rows, self.inputs[0]), param.weight_filler)
        self.add_param((rows,), param.bias_filler)
        for inputs in (*self.inputs[1:], param.num_output):
            self.add_param((rows, inputs), param.weight_filler)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        x, cont = shapes[:2]
        self.check(
            len(x) > 2 and x[0] == self.steps,
            f"runs the {self.steps} steps it was built for; found a bottom of shape {x}. For "
            "another number of steps build another net and share the weights",
        )
        self.check(
            cont == x[:2],
            f"'{self.spec.bottom[1]}' must hold one value for each step and stream, {x[:2]}; "
            f"found shape {cont}",
        )
        values = [math.prod(x[2:])]
        if self.static:
            static = shapes[2]
            self.check(
                static[:1] == x[1:2] and len(static) > 1,
                f"'{self.spec.bottom[2]}' must be {x[1]} streams x values; found shape {static}",
            )
            values.append(math.prod(static[1:]))
        self.check(
            values == self.inputs,
            f"its weights take {self.inputs} values of a stream; the bottoms have {values}",
        )
        hidden = (1, x[1], self.spec.recurrent_param.num_output)
        at = 2 + self.static
        for name, shape in zip(self.spec.bottom[at:], shapes[at:], strict=True):
            self.check(shape == hidden, f"'{name}' must have shape {hidden}; found {shape}")
        return [(*x[:2], hidden[2]), *[hidden] * (len(self.spec.top) - 1)]

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        super().forward(bottom, top)
        self.state = [  # a batch of fewer streams leaves the others' state as it was
            torch.cat([new, old[len(new) :].to(new)])
            for new, old in zip(self.next_state, self.state, strict=True)
        ]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        x, cont, *more = bottoms
        weight, bias, *params = params
        xs = F.linear(x.flatten(2), weight, bias)
        if self.static:
            xs = xs + F.linear(more.pop(0).flatten(1), params.pop(0))
        streams = x.shape[1]
        if self.exposed:
            self.state = [hidden.detach()[0] for hidden in more]
        elif not self.state or len(self.state[0]) < streams:
            zeros = x.new_zeros(streams, self.spec.recurrent_param.num_output)
            self.state = [zeros] * self.states
        state = [s[:streams].to(x) for s in self.state]
        outputs = []
        for x_t, cont_t in zip(xs, cont.detach(), strict=True):
            output, state = self.step(x_t, cont_t, state, params)
            outputs.append(output)
        self.next_state = [s.detach() for s in state]
        y = torch.stack(outputs)
        return [y, *(s.unsqueeze(0) for s in self.next_state)] if self.exposed else y

    def step(
        self,
        x: torch.Tensor,
        cont: torch.Tensor,
        state: list[torch.Tensor],
        params: list[torch.Tensor],
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """A step's output and the state behind it, N x D each.

        x: N x gates D, weights and bias applied; cont: N; params: those behind the inputs'.
        """
        raise NotImplementedError


@layer_type("LSTM")
class LSTM(Recurrent):
    """Long short-term memory (lstm_layer.cpp). Parameters: W_xc, b_c, W_xc_static, W_hc.

    forget_bias (Synopsys' Caffe) is added to what the forget gates are of.
    """

    states = 2  # hidden, cell
    gates = 4

    def step(
        self,
        x: torch.Tensor,
        cont: torch.Tensor,
        state: list[torch.Tensor],
        params: list[torch.Tensor],
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        hidden, cell = state
        gates = F.linear(hidden * cont.unsqueeze(-1), params[0]) + x
        if more := self.spec.recurrent_param.forget_bias:
            gates = gates + more * torch.eye(4).to(gates)[1].repeat_interleave(cell.shape[1])
        cell, hidden = lstm_unit(cell, gates, cont)
        return hidden, [hidden, cell]


@layer_type("RNN")
class RNN(Recurrent):
    """tanh of inputs and hidden state, and of that the output (rnn_layer.cpp).

    Parameters: W_xh, b_h, W_xh_static, W_hh, W_ho, b_o.
    """

    states = 1
    gates = 1

    def setup_from(self, shapes: list[Shape]) -> None:
        super().setup_from(shapes)
        param = self.spec.recurrent_param
        self.add_param((param.num_output, param.num_output), param.weight_filler)
        self.add_param((param.num_output,), param.bias_filler)

    def step(
        self,
        x: torch.Tensor,
        cont: torch.Tensor,
        state: list[torch.Tensor],
        params: list[torch.Tensor],
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        weight, out_weight, out_bias = params
        hidden = (F.linear(state[0] * cont.unsqueeze(-1), weight) + x).tanh()
        return F.linear(hidden, out_weight, out_bias).tanh(), [hidden]
