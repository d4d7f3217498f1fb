# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares our operations with the Pillow that is installed, byte by byte, on random images.

    python3 pillow.py live_pillow [--seed SEED] [--cases CASES]

live_pillow is the program of pillow.cpp. Ends with 77 (skipped) where no Python has Pillow >= 7.
"""

import argparse
import collections
import os
import shutil
import subprocess
import sys

SKIPPED = 77

try:
    import PIL
    from PIL import Image
except ImportError:
    # The active Python may be one that has LibTorch alone.
    for other in (os.environ.get("ROLEWISE_PYTHON"), "/usr/bin/python3"):
        if other and shutil.which(other) and \
                subprocess.run([other, "-c", "from PIL import Image"],
                               stderr=subprocess.DEVNULL).returncode == 0:
            sys.stdout.flush()
            os.execvp(other, [other, *sys.argv])
    print(f"skipped: neither {sys.executable} nor /usr/bin/python3 has Pillow; "
          "ROLEWISE_PYTHON may name a Python that has")
    sys.exit(SKIPPED)

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from pillow_digests import MEAN, NAMES, change, cut, planes  # noqa: E402

WHOLE_NUMBERS = ("posterize", "solarize", "cutout")
MOST_SHOWN = 10


def read_cases(stream):
    while line := stream.readline():
        channels, height, width, count, *words = line.split()
        steps = [(NAMES[int(words[i])], float.fromhex(words[i + 1].decode()), int(words[i + 2]),
                  int(words[i + 3])) for i in range(0, 4 * int(count), 4)]
        size = int(channels) * int(height) * int(width)
        yield int(channels), int(height), int(width), steps, *(stream.read(size) for _ in range(3))


def picture_of(channels, height, width, data):
    size = height * width
    bands = [Image.frombytes("L", (width, height), data[c * size:(c + 1) * size])
             for c in range(channels)]
    return bands[0] if channels == 1 else Image.merge("RGB", bands).convert("RGBA")


def after(picture, steps):
    for name, value, row, column in steps:
        if name in WHOLE_NUMBERS:
            value = int(value)
        picture = (cut(picture, value, row, column) if name == "cutout"
                   else change(name, picture, value))
    if picture.mode == "L":
        return planes(picture)
    shown = Image.new("RGB", picture.size, MEAN)
    shown.paste(picture.convert("RGB"), (0, 0), picture.getchannel("A"))
    return planes(shown)


def difference(ours, theirs, height, width):
    wrong = [i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b]
    c, y, x = wrong[0] // (height * width), wrong[0] // width % height, wrong[0] % width
    return (f"{len(wrong)} of {len(theirs)} bytes, first at channel {c}, row {y}, column {x}: "
            f"ours {ours[wrong[0]]}, Pillow's {theirs[wrong[0]]}")


def main():
    arguments = argparse.ArgumentParser(usage=__doc__)
    arguments.add_argument("program")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--cases", type=int, default=3000)
    told = arguments.parse_args()
    if int(PIL.__version__.split(".")[0]) < 7:
        print(f"skipped: Pillow {PIL.__version__} rounds gray down, want 7 or later")
        sys.exit(SKIPPED)

    run = subprocess.Popen([told.program, str(told.seed), str(told.cases)], stdout=subprocess.PIPE)
    found, failures = collections.Counter(), 0
    for channels, height, width, steps, before, reference, kernels in read_cases(run.stdout):
        theirs = after(picture_of(channels, height, width, before), steps)
        found[steps[0][0], channels] += 1
        for who, ours in (("reference", reference), ("kernels", kernels)):
            if ours == theirs:
                continue
            failures += 1
            if failures <= MOST_SHOWN:
                print(f"{who}, {channels} x {height} x {width}, {steps}:\n  "
                      + difference(ours, theirs, height, width))
    status = run.wait()
    cases = sum(found.values())
    print(f"Pillow {PIL.__version__}, seed {told.seed}: {cases} cases, {failures} differences")
    if status != 0 or cases != told.cases:
        sys.exit(f"{told.program} ended with {status} after {cases} of {told.cases} cases")
    if missing := [(n, c) for n in NAMES for c in (1, 3) if found[n, c] == 0]:
        sys.exit(f"nothing compared for {missing}")
    sys.exit(1 if failures else 0)


main()
