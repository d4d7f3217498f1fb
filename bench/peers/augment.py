# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Peers of bench/augment.cpp: RandAugment(2, 5), crop, flip and normalization, one thread.

Reads lines "<peer> <chain> <side> <images>", answers each with microseconds per image, or with "-"
and a note on standard error where a library is missing. Chains: "rand" (RandAugment, crop, flip,
normalize) and "crop" (the same without RandAugment).
"""
import random
import re
import sys
import time

MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def pillow_views(side):
    """What makes a view of an image by Pillow: (image, chain) to a normalized array [H, W, 3]."""
    import numpy as np
    from PIL import Image, ImageEnhance, ImageOps

    fill = tuple(round(255 * m) for m in MEAN)
    offset = np.array([255 * m for m in MEAN], np.float32)
    factor = np.array([1 / (255 * d) for d in DEVIATION], np.float32)
    shift = int(5 / 32 * side)

    def sign(v):
        return -v if random.random() < 0.5 else v

    def affine(image, matrix):
        return image.transform(image.size, Image.Transform.AFFINE, matrix, fillcolor=fill)

    operations = [
        lambda i: i,
        ImageOps.autocontrast,
        ImageOps.equalize,
        lambda i: i.rotate(sign(15), fillcolor=fill),
        lambda i: ImageOps.solarize(i, 128),
        lambda i: ImageEnhance.Color(i).enhance(1 + sign(0.45)),
        lambda i: ImageOps.posterize(i, 6),
        lambda i: ImageEnhance.Contrast(i).enhance(1 + sign(0.45)),
        lambda i: ImageEnhance.Brightness(i).enhance(1 + sign(0.45)),
        lambda i: ImageEnhance.Sharpness(i).enhance(1 + sign(0.45)),
        lambda i: affine(i, (1, sign(0.15), 0, 0, 1, 0)),
        lambda i: affine(i, (1, 0, 0, sign(0.15), 1, 0)),
        lambda i: affine(i, (1, 0, sign(shift), 0, 1, 0)),
        lambda i: affine(i, (1, 0, 0, 0, 1, sign(shift))),
    ]

    def view(image, chain):
        if chain == "rand":
            for _ in range(2):
                image = random.choice(operations)(image)
        x, y = random.randrange(9), random.randrange(9)
        image = ImageOps.expand(image, 4, fill).crop((x, y, x + side, y + side))
        if random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return (np.asarray(image, np.float32) - offset) * factor

    return view


def pillow(chain, side, count):
    import numpy as np
    from PIL import Image

    view = pillow_views(side)
    noise = np.random.default_rng(1).integers(0, 256, (count, side, side, 3), np.uint8)
    images = [Image.fromarray(i) for i in noise]

    def run():
        for image in images:
            view(image, chain)

    return run, count


def import_torchvision():
    """A wheel for another accelerator misses operators that no transform needs."""
    import torch

    gradient_proxies = torch.library.Library("torchvision", "FRAGMENT")
    for _ in range(20):
        try:
            from torchvision.transforms import v2

            return v2, gradient_proxies
        except RuntimeError as error:
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(error))
            if not missing:
                raise ImportError(str(error)) from error
            gradient_proxies.define(missing[1] + "(Tensor x) -> Tensor")
            for name in [n for n in sys.modules if n.startswith("torchvision")]:
                del sys.modules[name]
    raise ImportError("operators are missing")


def torchvision(chain, side, count):
    import torch

    v2, gradient_proxies = import_torchvision()
    torch.set_num_threads(1)
    images = list(torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8))
    steps = [v2.RandAugment(2, 5)] if chain == "rand" else []
    steps += [
        v2.RandomCrop(side, padding=4),
        v2.RandomHorizontalFlip(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(MEAN, DEVIATION),
    ]
    transform = v2.Compose(steps)

    def run():
        for image in images:
            transform(image)
        return gradient_proxies

    return run, count


def kornia(chain, side, count, batch=1):
    import torch
    import kornia.augmentation as K

    torch.set_num_threads(1)
    images = torch.rand(count, batch, 3, side, side)
    steps = [K.auto.RandAugment(2, 5)] if chain == "rand" else []
    steps += [
        K.RandomCrop((side, side), padding=4),
        K.RandomHorizontalFlip(),
        K.Normalize(torch.tensor(MEAN), torch.tensor(DEVIATION)),
    ]

    def run():
        for image in images:
            for step in steps:
                image = step(image)

    return run, count * batch


def kornia_batch(chain, side, count):
    return kornia(chain, side, max(1, count // 128), 128)


PEERS = {
    "Pillow": pillow,
    "torchvision": torchvision,
    "kornia": kornia,
    "kornia-batch": kornia_batch,
}


def main():
    ready = {}
    for line in sys.stdin:
        name, chain, side, count = line.split()
        key = (name, chain, side, count)
        try:
            if key not in ready:
                ready[key] = PEERS[name](chain, int(side), int(count))
                ready[key][0]()
            run, images = ready[key]
            start = time.perf_counter()
            run()
            answer = str((time.perf_counter() - start) / images * 1e6)
        except ImportError as error:
            print(f"augment.py: {name} is left out: {error}", file=sys.stderr, flush=True)
            answer = "-"
        print(answer, flush=True)


if __name__ == "__main__":
    main()
