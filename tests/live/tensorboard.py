# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads our event files with the tensorboard package that is installed.

    python3 tensorboard.py live_tensorboard

live_tensorboard is the program of tensorboard.cpp. Ends with 77 (skipped) where no Python has tensorboard.
"""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

SKIPPED = 77

# This file has the name of the package: its folder must not be searched for it.
sys.path = [path for path in sys.path if os.path.abspath(path or ".") != os.path.dirname(os.path.abspath(__file__))]

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    import tensorboard
except ImportError:
    for other in (os.environ.get("ROLEWISE_PYTHON"), "/usr/bin/python3"):
        if other and shutil.which(other) and \
                subprocess.run([other, "-c", "import tensorboard.backend.event_processing.event_accumulator"],
                               stderr=subprocess.DEVNULL).returncode == 0:
            sys.stdout.flush()
            os.execvp(other, [other, *sys.argv])
    print(f"skipped: neither {sys.executable} nor /usr/bin/python3 has tensorboard; ROLEWISE_PYTHON may name a "
          "Python that has")
    sys.exit(SKIPPED)


def pixels_of(png):
    """Rows of a PNG of 8 bits without interlacing, whatever its filters."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, data = 8, b""
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        body = png[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", body[:10])
            assert depth == 8 and color == 2
        if kind == b"IDAT":
            data += body
        at += 12 + size
    raw, stride = zlib.decompress(data), 3 * width
    rows, above = [], [0] * stride
    for y in range(height):
        line = raw[y * (stride + 1):(y + 1) * (stride + 1)]
        row = []
        for x, byte in enumerate(line[1:]):
            a = row[x - 3] if x >= 3 else 0
            b, c = above[x], above[x - 3] if x >= 3 else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            row.append((byte + (0, a, b, (a + b) // 2, paeth)[line[0]]) % 256)
        rows.append(row)
        above = row
    return rows


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, folder], check=True)
        files = os.listdir(folder)
        assert len(files) == 2, files
        killed = min(os.path.join(folder, name) for name in files)
        os.truncate(killed, os.path.getsize(killed) - 10)  # as if within the last event
        read = EventAccumulator(folder, size_guidance={"scalars": 0, "images": 0, "histograms": 0})
        read.Reload()
        tags = read.Tags()
        assert set(tags["scalars"]) == {"train/loss", "step/loss", "validation/accuracy", "seconds"}, tags
        assert tags["images"] == ["views"] and tags["histograms"] == ["levels/first"], tags

        # Epoch 2 of the killed run, after its last checkpoint, is gone.
        losses = [(event.step, event.value) for event in read.Scalars("train/loss")]
        assert losses == [(5, 2.0), (10, 2.0), (15, 1.0), (20, 1.0)], losses
        steps = [event.step for event in read.Scalars("step/loss")]
        assert steps == list(range(2, 21, 2)), steps
        assert [event.value for event in read.Scalars("validation/accuracy")] == [0.0, 0.125, 0.25, 0.375]
        times = [event.wall_time for event in read.Scalars("train/loss")]
        assert times == sorted(times) and 1.7e9 < times[0] < 1.7e9 + 1000, times

        histogram = read.Histograms("levels/first")[-1].histogram_value
        assert (histogram.min, histogram.max, histogram.num, histogram.sum, histogram.sum_squares) == (-1, 1, 4, 0, 2)
        assert list(histogram.bucket_limit) == [-0.5, 0.5, 1.5] and list(histogram.bucket) == [1, 2, 1]

        image = read.Images("views")[-1]
        assert (image.height, image.width, image.step) == (4, 10, 20), image
        wanted = [[(60 * n + 20 * c + 5 * y + x) % 256 for n in range(2) for x in range(5) for c in range(3)]
                  for y in range(4)]
        assert pixels_of(image.encoded_image_string) == wanted
    print(f"tensorboard {tensorboard.__version__} reads our numbers, histograms and images, and a resumed run")


main()
