# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes pillow_digests.hpp: CRC-32 of what Pillow makes of the test images.

    python3 pillow_digests.py > pillow_digests.hpp      (wants Pillow >= 13)
    python3 pillow_digests.py --dump FOLDER             (also writes the pixels, to compare by hand)

Each digest is over a batch: for each parameter in turn, the four test patterns, planes in the
order red, green, blue. `patterns` and the parameters are repeated in operations_test.cpp, the
color cubes in image_layers_test.cpp.
"""

import struct
import sys
import zlib

import PIL
from PIL import Image, ImageEnhance, ImageOps

SIZES = [(7, 9), (32, 32), (2, 5), (24, 40)]  # rows, columns
FACTORS = [0, 0.1, 0.28, 0.64, 0.82, 1.0, 1.36, 1.72, 1.9]
PARAMETERS = {
    "rotate": [-30, -27, -7.5, 0, 3, 12, 15, 27, 90, 180],
    "translate_x": [-9, -1, 0, 4, 40],
    "translate_y": [-9, -1, 0, 4, 40],
    "shear_x": [-0.3, -0.27, -0.03, 0, 0.03, 0.15, 0.24, 0.3],
    "shear_y": [-0.3, -0.27, -0.03, 0, 0.03, 0.15, 0.24, 0.3],
    "brightness": FACTORS,
    "color": FACTORS,
    "contrast": FACTORS,
    "sharpness": FACTORS,
    "posterize": [1, 2, 3, 4, 7, 8],
    "solarize": [0, 26, 77, 128, 205, 255, 256],
    "invert": [0],
    "equalize": [0],
    "autocontrast": [0],
    "cutout": [0, 1, 2, 5],
}
NAMES = ["rotate", "translate_x", "translate_y", "brightness", "color", "invert", "sharpness",
         "posterize", "shear_x", "solarize", "shear_y", "equalize", "autocontrast", "cutout",
         "contrast"]  # in the order of policy vectors
PAIR_PARAMETERS = {
    "rotate": 27, "translate_x": -3, "translate_y": 2, "brightness": 1.72, "color": 0.1,
    "sharpness": 1.36, "posterize": 2, "shear_x": -0.27, "solarize": 77, "shear_y": 0.15,
    "contrast": 0.28, "invert": 0, "equalize": 0, "autocontrast": 0, "cutout": 6}
MEAN = (125, 123, 114)
CUT = {1: 122, 3: (125, 122, 113)}


def noise(c, y, x):
    word = (c * 73856093 + y * 19349663 + x * 83492791 + 12345) & 0xFFFFFFFF
    word = (word ^ (word >> 15)) * 2654435761 & 0xFFFFFFFF
    return word >> 24


PATTERNS = [
    noise,
    lambda c, y, x: (c * 40 + y * 9 + x * 5) % 256,
    lambda c, y, x: 100 + noise(c, y, x) // 8,
    lambda c, y, x: 77 + 9 * c,
]


def image(pattern, channels, height, width):
    result = Image.new("RGB" if channels == 3 else "L", (width, height))
    for y in range(height):
        for x in range(width):
            value = tuple(pattern(c, y, x) for c in range(channels))
            result.putpixel((x, y), value if channels == 3 else value[0])
    return result


def planes(picture):
    return b"".join(band.tobytes() for band in picture.split())


def affine(picture, *matrix):
    return picture.transform(picture.size, Image.AFFINE, matrix)


def on_colors(f):
    """Through RGB and back, as Population Based Augmentation does: holes become opaque."""
    def g(picture):
        if picture.mode == "RGBA":
            return f(picture.convert("RGB")).convert("RGBA")
        return f(picture)
    return g


def cut(picture, half, row, column):
    width, height = picture.size
    left, right = max(0, column - half), min(width, column + half)
    top, bottom = max(0, row - half), min(height, row + half)
    result = picture.copy()
    if left < right and top < bottom:
        color = CUT[1 if picture.mode == "L" else 3]
        if picture.mode == "RGBA":
            color += (0,)
        result.paste(color, (left, top, right, bottom))
    return result


def change(name, picture, v):
    width, height = picture.size
    return {
        "rotate": lambda: picture.rotate(v),
        "translate_x": lambda: affine(picture, 1, 0, v, 0, 1, 0),
        "translate_y": lambda: affine(picture, 1, 0, 0, 0, 1, v),
        "shear_x": lambda: affine(picture, 1, v, 0, 0, 1, 0),
        "shear_y": lambda: affine(picture, 1, 0, 0, v, 1, 0),
        "brightness": lambda: ImageEnhance.Brightness(picture).enhance(v),
        "color": lambda: ImageEnhance.Color(picture).enhance(v),
        "contrast": lambda: ImageEnhance.Contrast(picture).enhance(v),
        "sharpness": lambda: ImageEnhance.Sharpness(picture).enhance(v),
        "posterize": lambda: on_colors(lambda p: ImageOps.posterize(p, v))(picture),
        "solarize": lambda: on_colors(lambda p: ImageOps.solarize(p, v))(picture),
        "invert": lambda: on_colors(ImageOps.invert)(picture),
        "equalize": lambda: on_colors(ImageOps.equalize)(picture),
        "autocontrast": lambda: on_colors(ImageOps.autocontrast)(picture),
        "cutout": lambda: cut(picture, v, (height * v) // 6, (width * (6 - v)) // 7),
    }[name]()


RESIZES = [  # rows, columns; new rows, columns; left, top, right, bottom
    ((7, 9), (7, 9), (1, 0, 9, 6)),
    ((7, 9), (20, 31), (0, 0, 9, 7)),
    ((32, 32), (32, 32), (3, 5, 30, 21)),
    ((32, 32), (17, 45), (0.3, 1.7, 31.1, 30.2)),
    ((24, 40), (5, 3), (0, 0, 40, 24)),
    ((24, 40), (9, 60), (10.25, 0.5, 12.5, 23.5)),
    ((61, 45), (12, 40), (0, 0, 45, 61)),
    ((61, 45), (64, 7), (2.6, 3.3, 44.9, 60.7)),
    ((2, 5), (1, 1), (0, 0, 5, 2)),
    ((2, 5), (16, 3), (1, 0.5, 1.125, 2)),
    ((1, 1), (5, 4), (0, 0, 1, 1)),
]
FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
TURNS = [0, 1, 13, 64, 127, 128, 200, 255]


def color_cube(offset):
    result = Image.new("RGB", (64, 64))
    result.putdata([((17 * (i // 256) + offset) % 256, (17 * (i // 16 % 16) + 2 * offset) % 256,
                     (17 * (i % 16) + 3 * offset) % 256) for i in range(4096)])
    return result


def turned(picture, by):
    h, s, v = picture.convert("HSV").split()
    return Image.merge("HSV", (h.point([(x + by) % 256 for x in range(256)]), s, v)).convert("RGB")


def print_layers():
    """Resizes, hues, flips and grays."""
    print("""
/// All patterns, a box of them at another size.
struct pillow_resize_digest {
  resampling by;
  std::int64_t channels, height, width, new_height, new_width;
  image_box box;
  std::uint32_t crc;
};

inline constexpr pillow_resize_digest pillow_resize_digests[] = {""")
    for channels in (3, 1):
        for (height, width), (rows, columns), box in RESIZES:
            sides = ", ".join(f"{float(side)!r}F" for side in box)
            box = struct.unpack("4f", struct.pack("4f", *box))
            for name, by in FILTERS.items():
                data = b"".join(
                    planes(image(p, channels, height, width).resize((columns, rows), by, box))
                    for p in PATTERNS)
                print(f"    {{resampling::{name}, {channels}, {height}, {width}, {rows}, {columns}, "
                      f"{{{sides}}}, 0x{zlib.crc32(data):08X}}},")
    print("""};

/// Color cubes of all offsets, and all patterns at 24 x 40, with hues turned.
struct pillow_hue_digest {
  std::uint8_t by;
  std::uint32_t crc;
};

inline constexpr pillow_hue_digest pillow_hue_digests[] = {""")
    pictures = ([color_cube(offset) for offset in range(0, 17, 4)]
                + [image(p, 3, 24, 40) for p in PATTERNS])
    for by in TURNS:
        data = b"".join(planes(turned(p, by)) for p in pictures)
        print(f"    {{{by}, 0x{zlib.crc32(data):08X}}},")
    print("};\n")
    patterns = [image(p, 3, 24, 40) for p in PATTERNS]
    for name, f in (("left_right", lambda p: p.transpose(Image.FLIP_LEFT_RIGHT)),
                    ("top_bottom", lambda p: p.transpose(Image.FLIP_TOP_BOTTOM)),
                    ("gray", lambda p: p.convert("L").convert("RGB"))):
        data = b"".join(planes(f(p)) for p in patterns)
        print(f"/// All patterns at 24 x 40.\n"
              f"inline constexpr std::uint32_t pillow_{name}_digest = 0x{zlib.crc32(data):08X};")


def main():
    dump = sys.argv[2] if len(sys.argv) == 3 else None
    print(f"""// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// CRC-32 of what Pillow {PIL.__version__} makes of the test images; written by pillow_digests.py.

#include <rolewise/agent/image_layers.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/agent/resampling.hpp>

#include <cstdint>

namespace rolewise::tests {{

/// One operation, all its parameters and all patterns.
struct pillow_digest {{
  operation what;
  std::int64_t channels, height, width;
  std::uint32_t crc;
}};

inline constexpr pillow_digest pillow_digests[] = {{""")
    for channels in (3, 1):
        for height, width in SIZES:
            pictures = [image(p, channels, height, width) for p in PATTERNS]
            for name in NAMES:
                data = b"".join(planes(change(name, p, v))
                                for v in PARAMETERS[name] for p in pictures)
                print(f"    {{operation::{name}, {channels}, {height}, {width}, "
                      f"0x{zlib.crc32(data):08X}}},")
                if dump:
                    with open(f"{dump}/{name}_{channels}_{height}_{width}", "wb") as out:
                        out.write(data)
    print("""};

/// The first operation, then each of the 15, on transparent images; holes filled at the end.
struct pillow_pair_digest {
  operation first;
  std::uint32_t crc;
};

inline constexpr pillow_pair_digest pillow_pair_digests[] = {""")
    transparent = [image(p, 3, 24, 40).convert("RGBA") for p in PATTERNS]
    for first in NAMES:
        data = b""
        for second in NAMES:
            for p in transparent:
                p = change(first, p, PAIR_PARAMETERS[first])
                p = change(second, p, PAIR_PARAMETERS[second])
                alpha = p.getchannel("A")
                assert set(alpha.tobytes()) <= {0, 255}
                shown = Image.new("RGB", p.size, MEAN)
                shown.paste(p.convert("RGB"), (0, 0), alpha)
                data += planes(shown)
        print(f"    {{operation::{first}, 0x{zlib.crc32(data):08X}}},")
        if dump:
            with open(f"{dump}/pair_{first}", "wb") as out:
                out.write(data)
    print("};")
    print_layers()
    print("""
}  // namespace rolewise::tests""")


if __name__ == "__main__":
    main()
