"""
Time of one minibatch of the unfolded network, forward and backward, against automatic differentiation in torch.

50 sequences of 40 observations by 24 sensors, 64 signals and atoms, 3 layers, double precision; penalties such that
about a fifth of the codes is not zero, as in trained networks, and then about half of them. The loss is the same. torch
is measured where it can be imported.

    python benchmarks/sista_speed.py             results/sista_speed.md
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from pieces import markdown
from sista_field import field

from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.estimation.sequences import Panel, SequenceLoss, run
from pararnn_ts.estimation.sista import PARAMETERS, SISTALoss, SISTAParams, stacked_wiring, unfold

B, T, LAYERS = 50, 40, 3
BATCH = np.arange(B)
LAM1 = (0.45, 0.2)


def setting(lam1, pool=None):
    x, signal, A, D = field(2013, sequences=(B, 0, 0))
    # a transition that fits, and a dictionary somewhat off the start, so that nothing is exactly zero or one
    rng = np.random.default_rng(0)
    F = np.roll(np.eye(64), 8, axis=0) + 0.02 * rng.standard_normal((64, 64))
    start = SISTAParams(A, D + 0.02 * rng.standard_normal(D.shape), F / np.linalg.norm(F, 2), 0.9, lam1, 0.05,
                        np.zeros(64))  # fmt: skip
    loss = SequenceLoss(Panel(np.arange(B + 1) * T, x.reshape(-1, 24)), signal.reshape(-1, 64), pool=pool)
    return SISTALoss(loss, start, PARAMETERS, LAYERS), start, x, signal


def best_time(call, seconds=4.0):
    """Least wall time and least processor time of a call, in milliseconds."""
    call()
    wall, processor, end = [], [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter(), time.process_time()
        call()
        wall.append(time.perf_counter() - began[0])
        processor.append(time.process_time() - began[1])
    return 1e3 * min(wall), 1e3 * min(processor)


def torch_call(start, x, signal):
    """Loss and gradients of the same network by automatic differentiation."""
    import torch

    torch.set_num_threads(1)
    as_tensor = lambda value: torch.tensor(value, dtype=torch.float64, requires_grad=True)  # noqa: E731
    A, D, F, h0 = (as_tensor(getattr(start, name)) for name in ("A", "D", "F", "h0"))
    logs = [as_tensor(np.log(getattr(start, name))) for name in ("alpha", "lam1", "lam2")]
    inputs, target = torch.tensor(x), torch.tensor(signal)
    eye = torch.eye(64, dtype=torch.float64)

    def call():
        for leaf in (A, D, F, h0, *logs):
            leaf.grad = None
        alpha, lam1, lam2 = (log.exp() for log in logs)
        b = 1.0 / alpha
        G, rho, P = A @ D, lam2 * b, D.T @ F @ D
        S, threshold = eye - b * G.T @ G - rho * D.T @ D, lam1 * b
        seen, h, codes = inputs @ (b * G), h0.expand(B, 64), []
        for t in range(T):
            u = h @ P.T
            common, h = seen[:, t] + rho * u, u
            for _ in range(LAYERS):
                z = h @ S.T + common
                h = torch.sign(z) * torch.relu(z.abs() - threshold)
            codes.append(h)
        value = ((torch.stack(codes, 1) @ D.T - target) ** 2).mean()
        value.backward()
        return float(value.detach())

    return call


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=4.0)
    seconds = parser.parse_args().seconds
    rows = []
    for lam1 in LAM1:
        loss, start, x, signal = setting(lam1)
        theta = loss.pack(start)
        share = np.mean(run(unfold(start, LAYERS), stacked_wiring(LAYERS), loss.loss.panel) != 0.0)
        one = best_time(lambda loss=loss, theta=theta: loss.gradient(theta, BATCH), seconds)
        with ThreadPoolExecutor(1) as pool:  # beside this thread
            shared = setting(lam1, pool)[0]
            two = best_time(lambda shared=shared, theta=theta: shared.gradient(theta, BATCH), seconds)
        try:
            call = torch_call(start, x, signal)
        except ImportError:
            other = "not installed"
        else:
            value, own = call(), loss.gradient(theta, BATCH)[0]
            assert abs(value - own) < 1e-9 * value
            found = best_time(call, seconds)
            other = f"{found[0]:.1f} ({found[1]:.1f}), {found[0] / one[0]:.1f} ({found[1] / one[1]:.1f}) times as long"
        rows.append({
            "codes that are not zero": f"{share:.0%}",
            "one thread": f"{one[0]:.1f} ({one[1]:.1f})",
            "two threads": f"{two[0]:.1f} ({two[1]:.1f}), {one[0] / two[0]:.2f} times faster",
            "torch autograd, one thread": other,
        })  # fmt: skip
        print(*rows[-1].values(), sep=" | ", flush=True)
    lines = [
        "# One minibatch of the SISTA-RNN",
        "",
        f"Forward and backward, {B} sequences of {T} observations, 24 sensors, 64 atoms, {LAYERS} layers, double",
        "precision.",
        "Least time of many calls, milliseconds of wall time (of processor time in parentheses).",
        "",
        *markdown(rows),
        "",
        "Made by `python benchmarks/sista_speed.py`.",
        "",
    ]
    Path(__file__).with_name("results").joinpath("sista_speed.md").write_text("\n".join(lines))


if __name__ == "__main__":
    with one_blas_thread():
        main()
