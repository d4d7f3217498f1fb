# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares networks that got weights by their names in Python with Python's logits.

    python3 named_weights.py live_named_weights

live_named_weights is the program of named_weights.cpp. The networks are torchvision's ResNets, where it is installed, and
networks with the module names of RepDistiller. Ends with 77 (skipped) where no Python has torch and safetensors, and
without torchvision, after the others.
"""

import os
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77

try:
    import torch
    from safetensors.torch import save_file
except ImportError:
    for other in (os.environ.get("ROLEWISE_PYTHON"), "/usr/bin/python3"):
        if other and shutil.which(other) and \
                subprocess.run([other, "-c", "import safetensors.torch"], stderr=subprocess.DEVNULL).returncode == 0:
            sys.stdout.flush()
            os.execvp(other, [other, *sys.argv])
    print(f"this test is skipped: neither {sys.executable} nor /usr/bin/python3 has torch and safetensors; "
          "ROLEWISE_PYTHON may name a Python that has")
    sys.exit(SKIPPED)

from torch import nn
from torch.nn import functional


def conv3x3(inputs, outputs, stride=1, bias=False):
    return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=bias)


class ResidualBlock(nn.Module):
    """conv1, bn1, conv2, bn2 and a projection, a list of convolution and batch norm."""

    def __init__(self, inputs, outputs, stride, projection):
        super().__init__()
        self.conv1, self.bn1 = conv3x3(inputs, outputs, stride), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = conv3x3(outputs, outputs), nn.BatchNorm2d(outputs)
        self.projection = projection
        if stride != 1 or inputs != outputs:
            setattr(self, projection,
                    nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)))

    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + (getattr(self, self.projection)(x) if hasattr(self, self.projection) else x))


class ResNet(nn.Module):
    """The small ResNets (downsample, fc) and the large ones (shortcut, linear) of RepDistiller."""

    def __init__(self, stem, widths, blocks, classes, projection, classifier):
        super().__init__()
        self.conv1, self.bn1 = conv3x3(3, stem), nn.BatchNorm2d(stem)
        self.stages, self.classifier = len(widths), classifier
        inputs = stem
        for s, width in enumerate(widths):
            stage = []
            for b in range(blocks):
                stage.append(ResidualBlock(inputs, width, 2 if s > 0 and b == 0 else 1, projection))
                inputs = width
            setattr(self, f"layer{s + 1}", nn.Sequential(*stage))
        setattr(self, classifier, nn.Linear(inputs, classes))

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        for s in range(self.stages):
            x = getattr(self, f"layer{s + 1}")(x)
        return getattr(self, self.classifier)(x.mean((2, 3)))


class WideBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv3x3(inputs, outputs, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), conv3x3(outputs, outputs)
        self.convShortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if inputs != outputs else None

    def forward(self, x):
        a = functional.relu(self.bn1(x))
        y = self.conv2(functional.relu(self.bn2(self.conv1(a))))
        return y + (x if self.convShortcut is None else self.convShortcut(a))


class WideStage(nn.Module):
    def __init__(self, inputs, outputs, blocks, stride):
        super().__init__()
        self.layer = nn.Sequential(*(WideBlock(inputs if b == 0 else outputs, outputs, stride if b == 0 else 1)
                                     for b in range(blocks)))

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    def __init__(self, blocks, widening, classes):
        super().__init__()
        widths = [16, 16 * widening, 32 * widening, 64 * widening]
        self.conv1 = conv3x3(3, 16)
        for s in range(3):
            setattr(self, f"block{s + 1}", WideStage(widths[s], widths[s + 1], blocks, 1 if s == 0 else 2))
        self.bn1, self.fc = nn.BatchNorm2d(widths[3]), nn.Linear(widths[3], classes)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(functional.relu(self.bn1(x)).mean((2, 3)))


class VGG(nn.Module):
    """Blocks of convolution, batch norm, ReLU, ..., without the last ReLU of each."""

    def __init__(self, blocks, classes):
        super().__init__()
        inputs = 3
        for b, widths in enumerate(blocks):
            layers = []
            for width in widths:
                layers += [conv3x3(inputs, width, bias=True), nn.BatchNorm2d(width), nn.ReLU()]
                inputs = width
            setattr(self, f"block{b}", nn.Sequential(*layers[:-1]))
        self.blocks, self.classifier = len(blocks), nn.Linear(inputs, classes)

    def forward(self, x):
        for b in range(self.blocks):
            x = functional.relu(getattr(self, f"block{b}")(x))
            if b < 3:
                x = functional.max_pool2d(x, 2)
        return self.classifier(x.mean((2, 3)))


def stirred(model):
    """Batch norms that do something."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.normal_(module.bias, 0.0, 0.1)
            module.running_mean.normal_(0.0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model.eval()


# Pairs of a name here, the size of its images and a function that makes the model.
OF_REP_DISTILLER = [
    ("resnet20", 32, lambda: ResNet(16, [16, 32, 64], 3, 100, "downsample", "fc")),
    ("wide_resnet16-2", 32, lambda: WideResNet(2, 2, 100)),
    ("vgg11", 32, lambda: VGG([[64], [128], [256, 256], [512, 512], [512, 512]], 100)),
    ("cifar_resnet18", 32, lambda: ResNet(64, [64, 128, 256, 512], 2, 100, "shortcut", "linear")),
]


def of_torchvision():
    import torchvision.models as models

    return [
        ("imagenet_resnet18", 96, models.resnet18),
        ("imagenet_resnet34", 64, models.resnet34),
        ("imagenet_resnet50", 96, models.resnet50),
    ]


def check(program, networks):
    for name, size, make in networks:
        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            model, images = stirred(make()), torch.randn(4, 3, size, size)
            weights, examples = os.path.join(folder, "weights.safetensors"), os.path.join(folder, "examples.safetensors")
            save_file(model.state_dict(), weights)
            save_file({"images": images, "logits": model(images)}, examples)
            subprocess.run([program, name, weights, examples], check=True)


def main():
    program = os.path.abspath(sys.argv[1])
    torch.manual_seed(0)
    check(program, OF_REP_DISTILLER)
    try:
        networks = of_torchvision()
    except (ImportError, RuntimeError) as error:  # the second where it was made for another build of torch
        print(f"this test is skipped: torchvision cannot be imported ({error}); the names of RepDistiller were compared")
        sys.exit(SKIPPED)
    check(program, networks)


main()
