# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes pillow_real_digests.hpp: CRC-32 of what Pillow makes of real images.

    python3 pillow_real_digests.py DATA > pillow_real_digests.hpp
    python3 pillow_real_digests.py DATA --levels rotate 3 31 45    (one digest for each level)

DATA is the folder that tests know as ROLEWISE_TEST_DATA, with camvid-small, nuclei-dsb2018 and
cifar10/small in it; the images themselves are not part of the repository. Wants Pillow >= 7; the
digests are the same with 9.4.0 and 13.0.0. Where a digest in real_images_test.cpp differs, the test
prints what `--levels` prints.

Each digest is over a batch: for each parameter in turn, all images, planes in the order red, green,
blue. Gray images are the red planes. Parameters are those of every level of Population Based
Augmentation and of TrivialAugment's wide space, in both directions.
"""

import gzip
import struct
import sys
import zlib

import PIL
from PIL import Image

sys.dont_write_bytecode = True
from pillow_digests import NAMES, change, planes  # noqa: E402

CAMVID = "camvid-small/test-images-idx4-ubyte.gz"
NUCLEI = "nuclei-dsb2018/test-images-idx4-ubyte.gz"
CIFAR = "cifar10/small/test_batch.bin.gz"
# File; first image, how many are passed from one to the next, how many; mosaic of rows, columns of
# images; what is cut out of it: top, left, height, width.
CROPS = [
    (CAMVID, 0, 26, 4, 1, 1, 0, 0, 96, 128),
    (CAMVID, 11, 30, 3, 1, 1, 40, 60, 31, 45),
    (NUCLEI, 3, 17, 7, 1, 1, 20, 30, 33, 17),
    (CIFAR, 5, 83, 12, 1, 1, 0, 0, 32, 32),
    (CAMVID, 2, 13, 1, 3, 2, 11, 7, 223, 225),
]
SIGNED = ("rotate", "translate_x", "translate_y", "shear_x", "shear_y")
ENHANCERS = ("brightness", "color", "contrast", "sharpness")


def policy_level(name, level):
    if name == "rotate":
        return 3 * level
    if name in ("translate_x", "translate_y", "cutout"):
        return level
    if name in ("shear_x", "shear_y"):
        return level * 0.3 / 10
    if name == "posterize":
        return 4 - int(level * 4 / 10)
    if name == "solarize":
        return 256 - int(level * 256 / 10)
    return level * 1.8 / 10 + 0.1


def wide_level(name, level):
    if name == "rotate":
        return int(135 * level / 30)
    if name in ("translate_x", "translate_y"):
        return int(32 * level / 30)
    if name in ("shear_x", "shear_y"):
        return 0.99 * level / 30
    if name == "posterize":
        return 8 - int(6 * level / 30)
    if name == "solarize":
        return 256 - int(256 * level / 30)
    return 0.01 + 1.99 * level / 30


def parameters(name):
    if name in ("invert", "equalize", "autocontrast"):
        return [0]
    strengths = [policy_level(name, level) for level in range(11)]
    if name == "posterize":
        strengths.pop()  # 0 bits, which Pillow 13 refuses
    if name != "cutout":
        strengths += [wide_level(name, level) for level in range(31)]
    return [sign * v for v in strengths for sign in ((1, -1) if name in SIGNED and v else (1,))]


def real_images(data, path):
    """Each image as three planes of bytes, and their height and width."""
    with gzip.open(f"{data}/{path}") as file:
        content = file.read()
    if path == CIFAR:
        count, height, width, head, skipped = len(content) // 3073, 32, 32, 0, 1
    else:
        magic, count, channels, height, width = struct.unpack(">5I", content[:20])
        assert magic == 0x804 and channels == 3
        head, skipped = 20, 0
    size = 3 * height * width
    places = [head + i * (size + skipped) + skipped for i in range(count)]
    return [content[p:p + size] for p in places], height, width


def pictures(data, crop, channels):
    path, first, step, count, rows, columns, top, left, height, width = crop
    images, image_height, image_width = real_images(data, path)
    found = []
    for i in range(count):
        bands = []
        for c in range(channels):
            band = Image.new("L", (columns * image_width, rows * image_height))
            for k in range(rows * columns):
                pixels = images[first + step * (i * rows * columns + k)]
                size = image_height * image_width
                part = Image.frombytes("L", (image_width, image_height),
                                       pixels[c * size:(c + 1) * size])
                band.paste(part, (k % columns * image_width, k // columns * image_height))
            bands.append(band.crop((left, top, left + width, top + height)))
        found.append(Image.merge("RGB", bands) if channels == 3 else bands[0])
    return found


def bytes_of(name, v, images):
    return b"".join(planes(change(name, p, v)) for p in images)


def print_levels(data, name, channels, height, width):
    crop = next(c for c in CROPS if c[-2:] == (height, width))
    images = pictures(data, crop, channels)
    for v in parameters(name):
        print(f"{v:.6f} 0x{zlib.crc32(bytes_of(name, v, images)):08X}")


def print_header(data):
    print(f"""// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// CRC-32 of what Pillow {PIL.__version__} makes of real images; written by pillow_real_digests.py.

#include <rolewise/policy/operation.hpp>

#include <cstdint>

namespace rolewise::tests {{

/// Images `first`, `first + step`, ... of a file, so many of them together in each mosaic, and what
/// is cut out of each mosaic.
struct real_crop {{
  const char* file;
  std::int64_t first, step, count, rows, columns, top, left, height, width;
}};

inline constexpr real_crop real_crops[] = {{""")
    for path, *numbers in CROPS:
        print(f'    {{"{path}", {", ".join(map(str, numbers))}}},')
    print("""};

/// One operation, all its parameters and all images of a crop.
struct real_digest {
  operation what;
  std::int64_t channels, crop;
  std::uint32_t crc;
};

inline constexpr real_digest real_digests[] = {""")
    for channels in (3, 1):
        for number, crop in enumerate(CROPS):
            images = pictures(data, crop, channels)
            for name in NAMES:
                crc = 0
                for v in parameters(name):
                    crc = zlib.crc32(bytes_of(name, v, images), crc)
                print(f"    {{operation::{name}, {channels}, {number}, 0x{crc:08X}}},")
    print("""};

}  // namespace rolewise::tests""")


def main():
    if len(sys.argv) == 7 and sys.argv[2] == "--levels":
        print_levels(sys.argv[1], sys.argv[3], *map(int, sys.argv[4:]))
    elif len(sys.argv) == 2:
        print_header(sys.argv[1])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
