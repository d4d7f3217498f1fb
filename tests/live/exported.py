# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares teachers from TorchScript files and AOTInductor packages with PyTorch, and reads the integers of students.

    python3 exported.py live_exported

live_exported is the program of exported.cpp. Ends with 77 (skipped) where no Python has torch, NumPy and safetensors. Packages
need g++ (or CXX), and filelock and SymPy beside torch: without them the test ends with 77 after the other comparisons.
"""

import importlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import warnings

SKIPPED = 77

try:
    import numpy
    import safetensors.torch
    import torch
except ImportError:
    for other in (os.environ.get("ROLEWISE_PYTHON"), "/usr/bin/python3"):
        if other and shutil.which(other) and \
                subprocess.run([other, "-c", "import numpy, safetensors.torch"], stderr=subprocess.DEVNULL).returncode == 0:
            sys.stdout.flush()
            os.execvp(other, [other, *sys.argv])
    print(f"this test is skipped: neither {sys.executable} nor /usr/bin/python3 has torch, NumPy and safetensors; "
          "ROLEWISE_PYTHON may name a Python that has")
    sys.exit(SKIPPED)

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
sys.path.insert(0, str(EXAMPLES))
from read_integer_weights import read_integer_weights  # noqa: E402  pylint: disable=wrong-import-position


# LibTorch 2.13 does not free the inputs that a package refuses, which a program with the address sanitizer would report.
LEAKING = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


class Model(torch.nn.Module):
    """Convolution, batch norm, pooling, dropout, classifier; `view` refuses maps in channels last."""

    def __init__(self):
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(4)
        self.dropout = torch.nn.Dropout(0.5)
        self.classifier = torch.nn.Linear(4, 5)

    def forward(self, x):
        maps = torch.relu(self.norm(self.convolution(x)))
        pooled = maps.view(maps.size(0), 4, -1).mean(2)
        return {"pooled": pooled, "logits": self.classifier(self.dropout(pooled))}


def images(count):
    numbers = torch.arange(count * 3 * 8 * 8).mul(101).remainder(256).view(count, 3, 8, 8)
    return (numbers / 255 - 0.5) / 0.25


def obstacle(version, packages):
    """Why no package can be compared here, or None."""
    if not packages:
        return "this LibTorch loads no packages"
    if torch.__version__.split("+")[0] != version:
        return f"the PyTorch of {sys.executable} is {torch.__version__}, the LibTorch here {version}"
    compiler = os.environ.get("CXX", "g++")  # that of AOTInductor
    if not shutil.which(compiler):
        return f"AOTInductor wants a C++ compiler, {compiler} is not there"
    try:
        for module in ("torch.export._trace", "torch._dynamo", "torch._inductor.compile_fx"):  # what the rest imports, late
            importlib.import_module(module)
    except ImportError as error:
        return f"AOTInductor cannot be imported: {error}"
    return None


def write_package(model, path):
    """For batches of four."""
    with torch.no_grad():
        program = torch.export.export(model, (images(4),))
        torch._inductor.aoti_compile_and_package(program, package_path=path)  # pylint: disable=protected-access


def write_package_of_guide(model, folder):
    """For any batch size, by the last block of Python in docs/python.md."""
    block = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.M | re.S)[-1]
    os.chdir(folder)
    exec(block, {"model": model, "images": images(6)})  # pylint: disable=exec-used
    return os.path.join(folder, "teacher.pt2")


def truncated(path):
    short = path + ".short"
    with open(path, "rb") as whole, open(short, "wb") as part:
        part.write(whole.read()[:-1000])
    return short


class Program:
    """live_exported, in a folder."""

    def __init__(self, path, folder):
        self.path = path
        self.answers = os.path.join(folder, "answers.safetensors")

    def run(self, *words, environment=None):
        done = subprocess.run([self.path, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        assert done.returncode == 0, (words, done.returncode, done.stderr)
        return done.stdout

    def check(self, action, file, model):
        """The teacher's outputs are those of the model."""
        self.run(action, file, self.answers)
        found = safetensors.torch.load_file(self.answers)
        for count in (1, 3, 6):
            with torch.no_grad():
                wanted = model(images(count))
            for name, key in (("logits", "logits"), ("features", "pooled")):
                there = found[f"{name}{count}"]
                assert torch.allclose(there, wanted[key], rtol=1e-5, atol=1e-5), (action, name, count, there, wanted[key])

    def check_refusal(self, action, file, words):
        command = [self.path, action, file, self.answers]
        done = subprocess.run(command, env=LEAKING, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 1 and file in done.stderr and words in done.stderr, (action, file, words, done)


def check_integers(program, folder):
    """Returns the number of layers."""
    program.run("write", folder)
    layers = 0
    for name in ("dorefa", "lsq-plus", "uniform-affine"):
        path = os.path.join(folder, name + ".integers")
        arrays, about = read_integer_weights(path)
        floats = safetensors.torch.load_file(os.path.join(folder, name + ".floats"))
        assert {layer["quantizer"] for layer in about.values()} == {name} and len(about) == 8, about
        assert {layer + ".weight" for layer in about} <= set(floats), sorted(floats)
        for key, value in floats.items():
            assert arrays[key].dtype == numpy.float32 and numpy.array_equal(arrays[key], value.numpy()), (name, key)
        assert "stem.weight" in arrays and "classifier.bias" in arrays, sorted(arrays)
        layers += len(about)
    command = [sys.executable, EXAMPLES / "read_integer_weights.py", path]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert len(listed.splitlines()) == 8 and "8 bits by uniform-affine" in listed, listed
    return layers


def trained_model():
    torch.manual_seed(1)
    model = Model()
    model.train()
    model(images(6))  # running statistics
    return model.eval()


def main():
    model = trained_model()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(folder, "cache")  # as in a first run
        program = Program(os.path.abspath(sys.argv[1]), folder)
        version, *packages = program.run("about").split()
        layers = check_integers(program, folder)
        print(f"{layers} layers of integers are the weights of the networks, to the bit")

        scripted, traced, state, fixed = (os.path.join(folder, name) for name in
                                          ("scripted.pt", "traced.pt", "state.pt", "fixed.pt2"))
        torch.jit.script(model).save(scripted)
        torch.jit.trace(model, images(2), strict=False).save(traced)
        torch.save(model.state_dict(), state)
        for path in (scripted, traced):
            program.check("torchscript", path, model)
        program.check_refusal("torchscript", state, "want a TorchScript file, this is a pickle of Python")
        program.check_refusal("torchscript", truncated(scripted), "want a TorchScript file; LibTorch cannot load it")
        print(f"TorchScript files, scripted and traced, answer as PyTorch {torch.__version__}")

        reason = obstacle(version, packages)
        if reason:
            print(f"this test is skipped: {reason}; integers and TorchScript were compared")
            sys.exit(SKIPPED)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write_package(model, fixed)
            dynamic = write_package_of_guide(model, folder)
        program.check("aot_inductor", dynamic, model)
        program.check("aot_inductor_of_4", fixed, model)
        program.run("refuse", dynamic, environment=LEAKING)
        program.check_refusal("aot_inductor", fixed, "the package fails on Float [2, 3, 8, 8]")
        program.check_refusal("aot_inductor", scripted, "want an AOTInductor package, this is a TorchScript file")
        program.check_refusal("torchscript", dynamic, "want a TorchScript file, this is an AOTInductor package")
        program.check_refusal("aot_inductor", truncated(dynamic), "want an AOTInductor package; LibTorch cannot load it")
        print("packages of AOTInductor, for any batch size and for one, do too")


main()
