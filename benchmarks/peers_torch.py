"""
Recurrent networks of torch beside the same linear path, trained with Adam: nn.RNN, nn.LSTM and a sum of small nn.RNN.

The penalty is that of the other packages: on all weights but the constant. A second bias, which torch adds to every
layer, stays zero.
"""

from collections.abc import Iterator

import numpy as np
import torch
from equal_loss import PENALTY, STATES, UNITS, Task
from torch import nn

KINDS = {"nn.RNN": (nn.RNN, (STATES,)), "nn.LSTM": (nn.LSTM, (STATES,)), "sum of nn.RNN": (nn.RNN, UNITS)}


class Network(nn.Module):
    """
    Sum of recurrent layers beside a linear path.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    task : Task
        The data.
    """

    def __init__(self, kind: str, task: Task):
        super().__init__()
        layer, units = KINDS[kind]
        m, q = task.x.shape[1], task.linear.shape[1]
        self.layers = nn.ModuleList(layer(m, d, batch_first=True) for d in units)
        self.outputs = nn.ModuleList(nn.Linear(d, 1, bias=False) for d in units)
        self.coefficients = nn.Parameter(torch.zeros(q))
        for part in self.layers:
            part.bias_hh_l0.requires_grad_(False).zero_()

    def forward(self, x: torch.Tensor, linear: torch.Tensor) -> torch.Tensor:
        """Predictions of all rows."""
        total = linear @ self.coefficients
        for layer, output in zip(self.layers, self.outputs, strict=True):
            total = total + output(layer(x[None])[0])[0, :, 0]
        return total

    def square(self) -> torch.Tensor:
        """Sum of the squares of all weights but the constant's."""
        weights = [p for part in (self.layers, self.outputs) for p in part.parameters() if p.requires_grad]
        return sum((w**2).sum() for w in weights) + (self.coefficients[1:] ** 2).sum()

    @torch.no_grad()
    def load(self, theta: np.ndarray) -> None:
        """Take parameters as this package packs them for a sum of units."""
        q = len(self.coefficients)
        self.coefficients.copy_(torch.as_tensor(theta[:q]))
        first = q
        for layer, output in zip(self.layers, self.outputs, strict=True):
            for weight in (layer.weight_hh_l0, layer.weight_ih_l0, layer.bias_ih_l0, output.weight):
                part = theta[first : first + weight.numel()]
                weight.copy_(torch.as_tensor(part).reshape(weight.shape))
                first += weight.numel()


def objective(network: Network, task: Task, dtype: torch.dtype):
    """Return a function that evaluates the common loss of a network."""
    x, linear, y = (torch.as_tensor(a, dtype=dtype) for a in (task.x, task.linear, task.y))
    return lambda: (((y - network(x, linear)) ** 2).sum() + PENALTY * network.square()) / len(y)


def adam(kind: str, task: Task, rate: float, seed: int, steps: int = 5) -> Iterator[np.ndarray]:
    """Adam from one start, torch's own, in single precision and on one thread, which is faster than on two."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    network = Network(kind, task)
    loss = objective(network, task, torch.float32)
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=rate)
    while True:
        values = []
        for _ in range(steps):
            optimiser.zero_grad()
            value = loss()
            value.backward()
            optimiser.step()
            values.append(float(value.detach()))
        yield np.array(values)
