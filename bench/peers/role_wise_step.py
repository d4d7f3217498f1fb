# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Peers of bench/role_wise_step.cpp: a step of role-wise distillation in PyTorch, two threads.

Reads lines and answers each with one number, or with "-" and a note on standard error where a
library or a compiler is missing:

    load <file>      examples and the teacher; answers how many examples
    <way> step       takes a step; milliseconds
    <way> <part>     milliseconds of a part of that way's last step: examples (gathered, and their
                     views put together), views-teacher, views-student, teacher, forward, loss,
                     backward, optimizer
    <way> agreement  percent of views on which the teacher's arg max is that of its fp32

Ways, all from the same weights and the same images:

    usual            NCHW, fp32, Pillow image by image in a DataLoader, eager
    tuned            channels last, teacher in bf16 with batch norm folded, batch-wise views, fused
                     optimizer, quantizers with as few passes as eager PyTorch allows
    tuned-compiled   the same, teacher and student with loss through torch.compile
    tuned-half       as tuned, the student under autocast to bf16: its forward pass rounds
"""
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from augment import DEVIATION, MEAN, import_torchvision, pillow_views

BATCH, SIDE, INTERVALS, TEMPERATURE = 128, 32, 3, 4  # 3 intervals: 2 bits
ROLES = ("views-teacher", "views-student")


class Rounded(torch.autograd.Function):
    """The nearest level; the gradient passes straight through."""

    @staticmethod
    def forward(ctx, x):
        return torch.round(x * INTERVALS) / INTERVALS

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class UnitLevels(torch.autograd.Function):
    """Clip and round at once: one tensor is kept, and one operator goes back."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(0, 1).mul_(INTERVALS).round_().mul_(1 / INTERVALS)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return torch.ops.aten.hardtanh_backward(gradient, x, 0, 1)


def plain_activation(x):
    return Rounded.apply(x.clamp(0, 1))


class DoReFaConvolution(nn.Conv2d):
    def forward(self, x):
        t = torch.tanh(self.weight)
        levels = 2 * Rounded.apply(t / (2 * t.abs().max()) + 0.5) - 1
        return functional.conv2d(x, levels, None, self.stride, self.padding)


class Block(nn.Module):
    """The basic block; with an activation, its input and what is inside are quantized by it."""

    def __init__(self, convolution, inputs, outputs, stride, activation):
        super().__init__()
        self.activation = activation
        self.convolution1 = convolution(inputs, outputs, 3, stride, 1, bias=False)
        self.batch_norm1 = nn.BatchNorm2d(outputs)
        self.convolution2 = convolution(outputs, outputs, 3, 1, 1, bias=False)
        self.batch_norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = convolution(inputs, outputs, 1, stride, bias=False)
            self.shortcut_batch_norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        if self.activation:
            x = self.activation(x)
        y = self.batch_norm1(self.convolution1(x))
        y = self.activation(y) if self.activation else functional.relu(y, inplace=True)
        y = self.batch_norm2(self.convolution2(y))
        y += x if self.shortcut is None else self.shortcut_batch_norm(self.shortcut(x))
        return y if self.activation else functional.relu(y, inplace=True)

    def fold(self):
        for a, b in (
            ("convolution1", "batch_norm1"),
            ("convolution2", "batch_norm2"),
            ("shortcut", "shortcut_batch_norm"),
        ):
            if getattr(self, a) is not None:
                setattr(self, a, fuse_conv_bn_eval(getattr(self, a), getattr(self, b)))
                setattr(self, b, nn.Identity())


class ResNet(nn.Module):
    """Depth 6n + 2 for small images; with an activation a DoReFa network, both ends exempt."""

    def __init__(self, depth, classes, activation=None):
        super().__init__()
        inside = DoReFaConvolution if activation else nn.Conv2d
        self.stem = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.stem_batch_norm = nn.BatchNorm2d(16)
        widths = [16, 16, 32, 64]
        for s in (1, 2, 3):
            blocks = [
                Block(inside, widths[s if b else s - 1], widths[s], 2 if s > 1 and not b else 1,
                      activation)
                for b in range((depth - 2) // 6)
            ]
            setattr(self, f"stage{s}", nn.Sequential(*blocks))
        self.classifier = nn.Linear(64, classes)

    def forward(self, x):
        x = functional.relu(self.stem_batch_norm(self.stem(x)), inplace=True)
        x = self.stage3(self.stage2(self.stage1(x)))
        return self.classifier(functional.relu(x).mean((2, 3)))

    def folded(self):
        self.stem = fuse_conv_bn_eval(self.stem, self.stem_batch_norm)
        self.stem_batch_norm = nn.Identity()
        for block in (b for s in (self.stage1, self.stage2, self.stage3) for b in s):
            block.fold()
        return self


def distillation_loss(logits, answer, labels):
    task = functional.cross_entropy(logits, labels)
    soft = functional.kl_div(
        functional.log_softmax(logits / TEMPERATURE, 1),
        functional.softmax(answer / TEMPERATURE, 1),
        reduction="batchmean",
    )
    return 0.1 * task + 0.9 * TEMPERATURE**2 * soft


class Task:
    """What bench/role_wise_step.cpp has written: images, labels, the weights of the teacher."""

    def __init__(self, file):
        # The bench has just written it; C++ tags the type of a dictionary, which counts as code.
        content = dict(torch.load(file, weights_only=False))
        self.images, self.labels = content.pop("images"), content.pop("labels")
        self.classes = len(content["classifier.bias"])
        self.weights = {k.replace("variance", "var"): v.contiguous() for k, v in content.items()}

    def teacher(self):
        network = ResNet(56, self.classes).eval().requires_grad_(False)
        wanted = {k for k in network.state_dict() if "num_batches" not in k}
        if wanted != set(self.weights):
            raise ValueError(f"of the teacher's tensors {wanted ^ set(self.weights)} don't match")
        network.load_state_dict(self.weights, strict=False)
        return network


class PillowExamples(torch.utils.data.Dataset):
    """Two views from one image, as one writes it: Pillow, image by image."""

    def __init__(self, task):
        from PIL import Image

        self.image_of = Image.fromarray
        self.images = task.images.permute(0, 2, 3, 1).contiguous().numpy()
        self.labels = task.labels
        self.view = pillow_views(SIDE)
        self.spent = dict.fromkeys(ROLES, 0.0)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, n):
        image = self.image_of(self.images[n])
        views = []
        for role in ROLES:
            start = time.perf_counter()
            array = self.view(image, "rand")
            views.append(torch.from_numpy(array).permute(2, 0, 1).contiguous())
            self.spent[role] += (time.perf_counter() - start) * 1e3
        return *views, self.labels[n]


class PillowBatches:
    """Batches for ever; `spent` is what each view of the last one took, without workers."""

    def __init__(self, task, workers):
        self.examples = PillowExamples(task)
        order = torch.utils.data.RandomSampler(self.examples, True, 2**30)
        self.loader = iter(
            torch.utils.data.DataLoader(self.examples, BATCH, sampler=order, num_workers=workers)
        )

    def __next__(self):
        self.spent = self.examples.spent = dict.fromkeys(ROLES, 0.0)
        return next(self.loader)


class BatchViews:
    """Views of a whole batch at once: each image has a crop and a flip of its own, but the library
    that makes RandAugment draws its operations once for all of them."""

    def __init__(self, task, change):
        self.task, self.change = task, change
        mean = torch.tensor(MEAN).mul(255)
        self.padded = mean.round().to(torch.uint8).view(1, 3, 1, 1).repeat(BATCH, 1, 40, 40)
        self.offset = mean.view(1, 3, 1, 1)
        self.factor = 1 / torch.tensor(DEVIATION).mul(255).view(1, 3, 1, 1)

    def view(self, images):
        self.padded[:, :, 4:36, 4:36] = self.change(images)
        across = torch.arange(SIDE).repeat(BATCH, 1)
        mirrored = torch.rand(BATCH, 1) < 0.5
        columns = torch.where(mirrored, SIDE - 1 - across, across) + torch.randint(9, (BATCH, 1))
        rows = across + torch.randint(9, (BATCH, 1))
        n = torch.arange(BATCH).view(-1, 1, 1)
        cut = self.padded.permute(0, 2, 3, 1)[n, rows[:, :, None], columns[:, None, :]]
        return cut.permute(0, 3, 1, 2).to(torch.float32).sub_(self.offset).mul_(self.factor)

    def __next__(self):
        chosen = torch.randint(len(self.task.images), (BATCH,))
        images = self.task.images[chosen]
        views, self.spent = [], {}
        for role in ROLES:
            start = time.perf_counter()
            views.append(self.view(images))
            self.spent[role] = (time.perf_counter() - start) * 1e3
        return *views, self.task.labels[chosen]


def torchvision_batches(task):
    v2, gradient_proxies = import_torchvision()
    change = v2.RandAugment(2, 15, fill=[round(255 * m) for m in MEAN])  # 15 of 30: 5 of 10
    change.keeps = gradient_proxies
    return BatchViews(task, change)


def kornia_batches(task):
    from kornia.augmentation.auto import RandAugment

    change = RandAugment(n=2, m=15)  # of 30
    return BatchViews(task, lambda x: change(x.float() / 255).mul_(255).to(torch.uint8))


def quickest(who, candidates):
    """Of iterators over batches, by name, the one with the shortest median; notes what was found.
    What misses its library is left out."""
    found, missing = {}, []
    for name, make in candidates.items():
        try:
            batches = make()
            times = []
            for _ in range(9):
                start = time.perf_counter()
                next(batches)
                times.append((time.perf_counter() - start) * 1e3)
            found[name] = (statistics.median(times[2:]), batches)
        except ImportError as error:
            missing.append(f"{name} ({error})")
    if not found:
        raise ImportError(", ".join(missing))
    best = min(found, key=lambda name: found[name][0])
    times = ", ".join(f"{name} {found[name][0]:.1f} ms" for name in found)
    left_out = f"; left out: {', '.join(missing)}" if missing else ""
    note(f"{who}: views by {best} ({times}{left_out})")
    return found[best][1]


class Way:
    def __init__(self, task, tuned=False, compiled=False, half=False):
        self.tuned, self.half, self.reference = tuned, half, task.teacher()
        self.student = ResNet(20, task.classes, UnitLevels.apply if tuned else plain_activation)
        self.teacher = task.teacher()
        if tuned:
            self.teacher = self.teacher.folded()
            self.teacher.to(torch.bfloat16, memory_format=torch.channels_last)
            self.student.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.SGD(
            self.student.parameters(), 0.01, 0.9, nesterov=True, weight_decay=5e-4,
            fused=True if tuned else None,
        )
        self.answer = torch.compile(self.teacher) if compiled else self.teacher
        # One graph for both, so that a compiler sees the whole way back.
        self.score = torch.compile(self.forward_and_loss) if compiled else None
        self.parts = {}

    def forward_and_loss(self, x, answer, labels):
        return distillation_loss(self.student(x), answer, labels)

    def step(self, batches):
        marks = [time.perf_counter()]

        def done(part):
            marks.append(time.perf_counter())
            self.parts[part] = (marks[-1] - marks[-2]) * 1e3

        teachers, students, labels = next(batches)
        done("examples")
        self.parts["examples"] -= sum(batches.spent.values())
        self.parts |= batches.spent
        with torch.no_grad():
            answer = self.respond(teachers)
        done("teacher")
        if self.score is not None:
            loss = self.score(students, answer, labels)
            done("forward")
        else:
            with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
                logits = self.student(students)
            done("forward")
            loss = distillation_loss(logits.float(), answer, labels)
        done("loss")
        loss.backward()
        done("backward")
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        done("optimizer")
        return (marks[-1] - marks[0]) * 1e3

    def respond(self, x):
        if self.tuned:
            x = x.to(torch.bfloat16)
        return self.answer(x).float()

    def agreement(self, batches):
        """Percent over 16 batches of teacher's views, the teacher as trained against as used."""
        alike = 0.0
        with torch.no_grad():
            for _ in range(16):
                x = next(batches)[0]
                alike += (self.respond(x).argmax(1) == self.reference(x).argmax(1)).float().mean()
        return float(alike) / 16 * 100


class Peers:
    def __init__(self):
        self.task, self.ways, self.sources, self.workers = None, {}, {}, 0

    def batches(self, tuned):
        """Batches of views; the ways that are tuned share theirs."""
        if tuned not in self.sources:
            if tuned:
                candidates = {
                    "torchvision": lambda: torchvision_batches(self.task),
                    "kornia": lambda: kornia_batches(self.task),
                }
                self.sources[tuned] = quickest("tuned", candidates)
            else:
                self.sources[tuned] = self.pillow_batches()
        return self.sources[tuned]

    def pillow_batches(self):
        """Evaluable by whole steps: what workers do is hidden, or is taken from the networks."""
        medians = {}
        for workers in (0, 2):
            batches, way = PillowBatches(self.task, workers), Way(self.task)
            medians[workers] = statistics.median([way.step(batches) for _ in range(7)][4:])
            del batches
        note(f"usual: steps of {medians[0]:.0f} ms without workers, {medians[2]:.0f} ms with two")
        self.workers = min(medians, key=medians.get)
        return PillowBatches(self.task, self.workers)

    def step(self, way, batches):
        if way.tuned or self.workers == 0:
            return way.step(batches)
        # Without what workers have made while others had their turn; nor are they left at work.
        taken = [way.step(batches) for _ in range(2 * self.workers + 1)][-1]
        time.sleep(0.3)
        return taken

    def ask(self, name, question):
        if name == "load":
            self.task = Task(question)
            return len(self.task.images)
        batches = self.batches(name != "usual")
        if name not in self.ways:
            self.ways[name] = Way(
                self.task,
                tuned=name != "usual",
                compiled=name == "tuned-compiled",
                half=name == "tuned-half",
            )
        way = self.ways[name]
        if question == "step":
            return self.step(way, batches)
        if question == "agreement":
            return way.agreement(batches)
        return way.parts[question]


def note(text):
    print(f"role_wise_step.py: {text}", file=sys.stderr, flush=True)


def main():
    torch.set_num_threads(2)
    torch.manual_seed(0)
    peers = Peers()
    for line in sys.stdin:
        name, question = line.split(maxsplit=1)
        try:
            answer = str(peers.ask(name, question.strip()))
        except (ImportError, RuntimeError) as error:  # of a compiler, too
            note(f"{name} is left out: {error}")
            answer = "-"
        print(answer, flush=True)


if __name__ == "__main__":
    main()
