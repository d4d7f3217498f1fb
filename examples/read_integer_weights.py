# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads what write_integer_weights has written: a low-bit network as integers and scales.

    python3 read_integer_weights.py student.safetensors

lists the layers; `read_integer_weights(path)` returns all tensors as floating-point arrays, by name. Wants NumPy and
safetensors.
"""

import json
import sys

from safetensors import safe_open

VERSION = "1"


def read_integer_weights(path):
    """Returns (arrays, layers): the tensors by name, low-bit weights as the floating-point values that the network multiplies,
    to the bit; and of each layer of few bits its quantizer, bits, activation_bits, zero_point and folded."""
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata() or {}
        version = metadata.get("rolewise.integer_weights")
        if version != VERSION:
            raise ValueError(f"{path}: want integer weights of version {VERSION}, got {version or 'another file'}")
        arrays = {name: file.get_tensor(name) for name in file.keys()}
    layers = {name.removeprefix("layer."): json.loads(text) for name, text in metadata.items() if name.startswith("layer.")}
    for name, about in layers.items():
        codes, scale = arrays[f"{name}.weight"], arrays.pop(f"{name}.weight_scale")
        values = (codes.astype(scale.dtype) - scale.dtype.type(about["zero_point"])) * scale
        if f"{name}.weight_offset" in arrays:
            values = values + arrays.pop(f"{name}.weight_offset")
        arrays[f"{name}.weight"] = values
    return arrays, layers


def main():
    arrays, layers = read_integer_weights(sys.argv[1])
    for name, about in layers.items():
        print(f"{name}: {about['bits']} bits by {about['quantizer']}, {arrays[name + '.weight'].shape}")


if __name__ == "__main__":
    main()
