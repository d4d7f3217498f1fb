# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the blocks of Python in docs/python.md that read and write the files of a run.

    python3 python_guide.py live_python_guide

live_python_guide is the program of python_guide.cpp. Ends with 77 (skipped) where no Python has torch and safetensors.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
GUIDE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "python.md"

try:
    import safetensors.torch  # noqa: F401
except ImportError:
    for other in (os.environ.get("ROLEWISE_PYTHON"), "/usr/bin/python3"):
        if other and shutil.which(other) and \
                subprocess.run([other, "-c", "import safetensors.torch"], stderr=subprocess.DEVNULL).returncode == 0:
            sys.stdout.flush()
            os.execvp(other, [other, *sys.argv])
    print(f"skipped: neither {sys.executable} nor /usr/bin/python3 has torch and safetensors; ROLEWISE_PYTHON may name a "
          "Python that has")
    sys.exit(SKIPPED)


def main():
    program = os.path.abspath(sys.argv[1])
    blocks = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) == 3, blocks
    blocks = blocks[:2]  # exported.py runs the last one
    with tempfile.TemporaryDirectory() as folder:
        written = subprocess.run([program, "write", folder], check=True, stdout=subprocess.PIPE).stdout.decode()
        os.chdir(folder)
        found = {}
        for block in blocks:
            exec(block, found)  # pylint: disable=exec-used
        assert found["kind"] == "float64_list" and found["accuracies"] == [float(line) for line in written.split()], found
        # Names and shapes: the best epoch may be another than the last.
        assert set(found["student"]) == set(found["tensors"]), set(found["student"]) ^ set(found["tensors"])
        assert found["student"]["stem.weight"].shape == found["tensors"]["stem.weight"].shape
        assert {name.rsplit(".", 1)[1] for name in found["tensors"]} >= {"weight", "running_mean", "running_variance"}
        subprocess.run([program, "read", folder], check=True)
        os.chdir("/")
    print(f"{len(blocks)} blocks of docs/python.md read the files of a run")


main()
