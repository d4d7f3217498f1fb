# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares our safetensors files with the safetensors library that is installed, in both directions.

    python3 checkpoint.py live_checkpoint

live_checkpoint is the program of checkpoint.cpp. Ends with 77 (skipped) where no Python has safetensors and
NumPy.
"""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

SKIPPED = 77

try:
    import numpy
    import safetensors
    import safetensors.numpy
except ImportError:
    for other in (os.environ.get("ROLEWISE_PYTHON"), "/usr/bin/python3"):
        if other and shutil.which(other) and \
                subprocess.run([other, "-c", "import numpy, safetensors"],
                               stderr=subprocess.DEVNULL).returncode == 0:
            sys.stdout.flush()
            os.execvp(other, [other, *sys.argv])
    print(f"skipped: neither {sys.executable} nor /usr/bin/python3 has safetensors and NumPy; "
          "ROLEWISE_PYTHON may name a Python that has")
    sys.exit(SKIPPED)


def run(program, action, path):
    """The lines that the program prints, split at tabs."""
    out = subprocess.run([program, action, path], check=True, stdout=subprocess.PIPE).stdout.decode()
    return [line.split("\t") for line in out.splitlines()]


def described(path):
    """The lines of the tensors in a file, by the library; sorted, as the library has no order."""
    with open(path, "rb") as file:
        tensors = safetensors.deserialize(file.read())
    return sorted([name, x["dtype"], "".join(f"{size}," for size in x["shape"]), bytes(x["data"]).hex()]
                  for name, x in tensors)


def check_written_here(program, path):
    wanted = sorted(run(program, "write", path))
    found = described(path)
    assert found == wanted, f"{found}\nwant\n{wanted}"
    with safetensors.safe_open(path, framework="np") as file:
        assert sorted(file.keys()) == sorted(line[0] for line in wanted)
        assert file.metadata()["state.epoch"] == "int64 7"
        assert file.get_tensor("count") == -3
    with open(path, "rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    assert (8 + length) % 64 == 0
    state = header["__metadata__"]
    values = {name: json.loads(state["state." + name].split(" ", 1)[1])
              for name in ("epoch", "words", "losses")}
    assert values == {"epoch": 7, "words": "a \"quoted\" caf\u00e9\n", "losses": [0.1, -0.0, 1e300]}, values
    assert state["state.absent"] == "buffer undefined"
    assert state["state.weight"].startswith("parameter channels_last ")
    return len(found)


def check_read_here(program, path):
    tensors = {
        "matrix": numpy.arange(6, dtype=numpy.float32).reshape(2, 3),
        "scalar": numpy.array(0.1),
        "few": numpy.array([1, -2, 3], dtype=numpy.int16),
        "mask": numpy.array([True, False, True]),
        "none": numpy.zeros((0, 2), dtype=numpy.uint8),
        "caf\u00e9 \"x\"": numpy.array([-7]),
    }
    metadata = {"made by": "Python", "text": "\u20ac \\ \"x\""}
    safetensors.numpy.save_file(tensors, path, metadata)
    found = run(program, "read", path)
    assert sorted(line for line in found if len(line) == 4) == described(path), found
    assert {line[0]: line[1] for line in found if len(line) == 2} == metadata, found
    return len(tensors)


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        written = check_written_here(program, os.path.join(folder, "ours.checkpoint"))
        read = check_read_here(program, os.path.join(folder, "theirs.safetensors"))
    print(f"safetensors {safetensors.__version__} reads {written} tensors of ours as they are, "
          f"and we read {read} of its own")


main()
