# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Peer of bench/search.cpp: the search of Population Based Augmentation, the usual Python way.

Reads lines and answers each with one number, or with "-" and a note on standard error where a
library is missing or a trial has died:

    load <file>      the examples; answers how many there are to learn from and to validate with
    search <bits> <trials> <epochs> <epochs per round> <training images> <validation images>
           [anew]    runs a search from its first decision to its end; seconds. Bits: 32 or, for a
                     DoReFa network, 2. With "anew" processes start as interpreters
    <phase>          seconds of that search in a phase: augment, train, validate, checkpoint, rest;
                     together they are the search
    best             the highest accuracy at its end, percent

A search also leaves its phases as JSON on standard error.

Each trial is a process with one thread, two at once. As in Ray, where more trials wait than can
run, a trial that has done its round is written to a file and its process ends; the next one begins
from the file. With "anew" that process is an interpreter, which imports torch and loads the images,
as in Ray. Otherwise it is forked from this one, which has all that and has done a step: the least
that a process can cost. Images pass Pillow one by one, network and optimizer are eager, NCHW and
fp32. At a look each trial of the lower quarter takes the file of one of the upper quarter and goes
on at a policy near the other's.

Ho, Liang, Stoica, Abbeel, Chen: Population Based Augmentation, 2019, arXiv 1905.05393, section 3,
and the published code; looks are taken together.
"""
import json
import math
import multiprocessing
import pathlib
import random
import shutil
import sys
import tempfile
import time
from multiprocessing.connection import wait

import torch
from torch.nn import functional

from augment import DEVIATION, MEAN, pillow_views
from role_wise_step import ResNet, plain_activation

BATCH, SIDE, AT_ONCE, QUANTILE = 128, 32, 2, 0.25
PHASES = ("augment", "train", "validate", "checkpoint")
HIGHEST = (10, 9)  # of levels: probability, magnitude


def sign(value):
    return -value if random.random() > 0.5 else value


def policy_operations():
    """Each as (image, magnitude level) to an image, in the order of a policy vector."""
    from PIL import Image, ImageDraw, ImageEnhance, ImageOps

    fill = tuple(round(255 * m) for m in MEAN)

    def affine(image, matrix):
        return image.transform(image.size, Image.Transform.AFFINE, matrix, fillcolor=fill)

    def enhance(enhancer):
        return lambda i, level: enhancer(i).enhance(0.1 + 0.18 * level)

    def cutout(image, level):
        if level == 0:
            return image
        x, y = random.randrange(SIDE), random.randrange(SIDE)
        image = image.copy()
        box = (x - level, y - level, x + level - 1, y + level - 1)
        ImageDraw.Draw(image).rectangle(box, fill)
        return image

    return [
        lambda i, level: i.rotate(sign(3 * level), fillcolor=fill),
        lambda i, level: affine(i, (1, 0, sign(level), 0, 1, 0)),
        lambda i, level: affine(i, (1, 0, 0, 0, 1, sign(level))),
        enhance(ImageEnhance.Brightness),
        enhance(ImageEnhance.Color),
        lambda i, level: ImageOps.invert(i),
        enhance(ImageEnhance.Sharpness),
        lambda i, level: ImageOps.posterize(i, 4 - level * 4 // 10),
        lambda i, level: affine(i, (1, sign(0.03 * level), 0, 0, 1, 0)),
        lambda i, level: ImageOps.solarize(i, 256 - level * 256 // 10),
        lambda i, level: affine(i, (1, 0, 0, sign(0.03 * level), 1, 0)),
        lambda i, level: ImageOps.equalize(i),
        lambda i, level: ImageOps.autocontrast(i),
        cutout,
        enhance(ImageEnhance.Contrast),
    ]


def drawn_policy():
    return [random.randint(0, HIGHEST[i % 2]) for i in range(60)]


def explored(policy):
    """Population Based Augmentation's rule: each level anew, or up or down by at most 3."""
    near = []
    for i, level in enumerate(policy):
        highest = HIGHEST[i % 2]
        if random.random() < 0.2:
            near.append(random.randint(0, highest))
        else:
            step = random.randint(0, 3)
            down = random.random() < 0.5
            near.append(max(0, level - step) if down else min(highest, level + step))
    return near


class Task:
    """What bench/search.cpp has written: images and labels, to learn from and to validate with."""

    def __init__(self, file):
        from PIL import Image

        # The bench has just written it; C++ tags the type of a dictionary, which counts as code.
        content = dict(torch.load(file, weights_only=False))
        rows = content["images"].permute(0, 2, 3, 1).contiguous().numpy()
        self.images = [Image.fromarray(image) for image in rows]
        self.labels = content["labels"]
        self.judges, self.judged_labels = content["judges"], content["judged_labels"]
        self.classes = int(self.labels.max()) + 1
        self.operations = policy_operations()
        self.crop_flip_normalize = pillow_views(SIDE)
        self.file = file

    def view(self, n, policy):
        """At most two operations of a policy, a crop and a flip; a normalized array."""
        image = self.images[n]
        left = random.choices((0, 1, 2), (0.2, 0.3, 0.5))[0]
        if left:
            for i in random.sample(range(30), 30):
                if random.random() < policy[2 * i] / 10:
                    image = self.operations[i % 15](image, policy[2 * i + 1])
                    left -= 1
                    if left == 0:
                        break
        return self.crop_flip_normalize(image, "crop")

    def views(self, places, policy):
        import numpy as np

        stack = np.stack([self.view(n, policy) for n in places.tolist()])
        return torch.from_numpy(stack).permute(0, 3, 1, 2).contiguous()


class Trial:
    """A round of a trial, in a process of its own."""

    def __init__(self, task, bits):
        self.task, self.spent = task, dict.fromkeys(PHASES, 0.0)
        self.network = ResNet(8, task.classes, plain_activation if bits == 2 else None)
        self.optimizer = torch.optim.SGD(
            self.network.parameters(), 0.02 if bits == 2 else 0.1, 0.9, nesterov=True,
            weight_decay=5e-4,
        )
        self.mark = time.perf_counter()

    def done(self, phase):
        now = time.perf_counter()
        self.spent[phase] += now - self.mark
        self.mark = now

    def begin_from(self, file):
        if file.exists():
            state = torch.load(file)
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
        self.done("checkpoint")

    def save(self, file):
        state = {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}
        torch.save(state, file)
        self.done("checkpoint")

    def train(self, policy, images):
        self.network.train()
        for places in torch.randperm(images).split(BATCH):
            x = self.task.views(places, policy)
            self.done("augment")
            loss = functional.cross_entropy(self.network(x), self.task.labels[places])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.done("train")

    def accuracy(self, images):
        self.network.eval()
        mean = torch.tensor(MEAN).view(1, 3, 1, 1).mul(255)
        factor = 1 / torch.tensor(DEVIATION).view(1, 3, 1, 1).mul(255)
        right = 0
        with torch.no_grad():
            for begin in range(0, images, BATCH):
                chosen = slice(begin, min(begin + BATCH, images))
                x = self.task.judges[chosen].float().sub_(mean).mul_(factor)
                answer = self.network(x).argmax(1)
                right += int((answer == self.task.judged_labels[chosen]).sum())
        self.done("validate")
        return right / images


def run_round(task, job, sender):
    random.seed(job["seed"])
    torch.manual_seed(job["seed"])
    trial = Trial(task, job["bits"])
    trial.begin_from(job["file"])
    for _ in range(job["epochs"]):
        trial.train(job["policy"], job["training"])
    score = trial.accuracy(job["validation"])
    trial.save(job["file"])
    sender.send((job["trial"], score, trial.spent))


def run_round_anew(file, job, sender):
    torch.set_num_threads(1)
    run_round(Task(file), job, sender)


def run_all(task, jobs, anew):
    """What the trials of a round send, each in a process, AT_ONCE at a time."""
    context = multiprocessing.get_context("spawn" if anew else "fork")
    target, given = (run_round_anew, task.file) if anew else (run_round, task)
    waiting, running, results = list(jobs), {}, []
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=target, args=(given, waiting.pop(0), sender))
            process.start()
            sender.close()
            running[receiver] = process
        for receiver in wait(list(running)):
            results.append(receiver.recv())
            running.pop(receiver).join()
            receiver.close()
    return results


class Search:
    def __init__(
        self, task, anew, bits, trials, epochs, evaluation_interval, training, validation
    ):
        if training > len(task.images) or validation > len(task.judges):
            raise RuntimeError(f"got {len(task.images)} and {len(task.judges)} images")
        start = time.perf_counter()
        self.spent = dict.fromkeys(PHASES, 0.0)
        policies = [drawn_policy() for _ in range(trials)]
        with tempfile.TemporaryDirectory(dir=pathlib.Path(task.file).parent) as folder:
            files = [pathlib.Path(folder) / f"trial-{i}.pt" for i in range(trials)]
            for epoch in range(0, epochs, evaluation_interval):
                if epoch > 0:
                    self.look(scores, policies, files)
                jobs = [
                    {"trial": i, "bits": bits, "policy": policies[i], "file": files[i],
                     "training": training, "validation": validation,
                     "epochs": min(evaluation_interval, epochs - epoch), "seed": epoch * trials + i}
                    for i in range(trials)
                ]
                scores = [0.0] * trials
                for trial, score, spent in run_all(task, jobs, anew):
                    scores[trial] = score
                    for phase in PHASES:
                        self.spent[phase] += spent[phase] / AT_ONCE
        self.seconds = time.perf_counter() - start
        self.spent["rest"] = self.seconds - sum(self.spent.values())
        self.best = 100 * max(scores)

    def look(self, scores, policies, files):
        start = time.perf_counter()
        count = min(math.ceil(QUANTILE * len(scores)), len(scores) // 2)
        ranked = sorted(range(len(scores)), key=lambda i: scores[i])
        for loser in ranked[:count]:
            donor = random.choice(ranked[len(ranked) - count:])
            shutil.copyfile(files[donor], files[loser])
            policies[loser] = explored(policies[donor])
        self.spent["checkpoint"] += time.perf_counter() - start


class Peer:
    def __init__(self):
        self.task, self.last = None, None

    def ask(self, name, arguments):
        if name == "load":
            self.task = Task(arguments)
            if not torch.cuda.is_available():  # else autograd has threads, and can't be forked
                Trial(self.task, 32).train(drawn_policy(), BATCH)
            return len(self.task.images) + len(self.task.judges)
        if name == "search":
            words = arguments.split()
            anew = words[-1] == "anew"
            self.last = Search(self.task, anew, *map(int, words[: len(words) - anew]))
            spent = {phase: round(t, 3) for phase, t in self.last.spent.items()}
            note(json.dumps({"search": arguments, "seconds": round(self.last.seconds, 3)} | spent))
            return self.last.seconds
        if self.last is None:
            raise RuntimeError("there was no search")
        return self.last.best if name == "best" else self.last.spent[name]


def note(text):
    print(f"search.py: {text}", file=sys.stderr, flush=True)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    random.seed(0)
    peer = Peer()
    for line in sys.stdin:
        name, _, arguments = line.strip().partition(" ")
        try:
            answer = str(peer.ask(name, arguments))
        except (ImportError, RuntimeError, EOFError) as error:
            note(f"{name} is left out: {error}")
            answer = "-"
        print(answer, flush=True)


if __name__ == "__main__":
    main()
