# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Peer of bench/loss.cpp: torchdistill's RKDLoss, forward and backward pass.

Reads lines "RKD <threads> <examples> <width>", answers each with the milliseconds of one pass, or
with "-" and a note on standard error where torch or torchdistill is missing.
"""
import sys
import time


def relational(threads, examples, width):
    import torch
    from torchdistill.losses.mid_level import RKDLoss

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    student = (3 * torch.randn(examples, width)).requires_grad_(True)
    teacher = 3 * torch.randn(examples, width)
    loss = RKDLoss("layer", "layer", dist_factor=25.0, angle_factor=50.0, reduction="mean")
    student_io, teacher_io = {"layer": {"output": student}}, {"layer": {"output": teacher}}

    def run():
        student.grad = None
        loss(student_io, teacher_io).backward()

    return run


def main():
    ready = {}
    for line in sys.stdin:
        _, *numbers = line.split()
        key = tuple(int(number) for number in numbers)
        try:
            if key not in ready:
                ready[key] = relational(*key)
                ready[key]()
            start = time.perf_counter()
            ready[key]()
            answer = str((time.perf_counter() - start) * 1e3)
        except ImportError as error:
            print(f"loss.py: torchdistill is left out: {error}", file=sys.stderr, flush=True)
            answer = "-"
        print(answer, flush=True)


if __name__ == "__main__":
    main()
