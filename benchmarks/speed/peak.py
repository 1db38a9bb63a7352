"""The rate at which one core multiplies in bf16, measured in the same run while the other slots' cores multiply too.

python -m benchmarks.speed.peak: prints multiply-add operations (2 each) per second.
"""

from __future__ import annotations

import subprocess
import sys
import time

SHAPES = ((1024, 1024, 1024), (896, 384, 1536), (896, 1536, 384), (896, 768, 3072))
"""(rows, inner, columns): a square, and the feed-forward products of a batch of 16 with MiniLM and BERT-base."""
SECONDS = 0.8


def measure(slots: int) -> float:
    """FLOP/s of one core, the mean over `slots` processes at once, each at its best shape."""
    command = [sys.executable, "-m", "benchmarks.speed.peak"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(slots)]
    return sum(float(process.communicate()[0]) for process in running) / slots


def best_rate() -> float:
    import torch

    torch.set_num_threads(1)
    return max(_rate(*shape) for shape in SHAPES)


def _rate(rows: int, inner: int, columns: int) -> float:
    from torch import bfloat16, rand
    from torch.nn.functional import linear

    x, weight = rand(rows, inner).to(bfloat16), rand(columns, inner).to(bfloat16)
    linear(x, weight)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        linear(x, weight)
        count += 1
    return 2.0 * rows * inner * columns * count / (time.perf_counter() - began)


if __name__ == "__main__":
    print(best_rate())
