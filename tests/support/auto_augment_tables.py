# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints CRC-32 of AutoAugment's tables as other programs have them.

    python3 auto_augment_tables.py FILE

FILE is official/vision/ops/augment.py of tensorflow/models, or torchvision/transforms/autoaugment.py
(which is read, not run). For each policy: CRC-32 of its text with all magnitude levels, and with 0
for those that nothing reads; torchvision has only the latter. The text has a line `Rotate 0.7@2,
TranslateX 0.3@9` for each sub-policy.
"""

import ast
import sys
import zlib

UNREAD = ("Invert", "Equalize", "AutoContrast")
TENSORFLOW = {"policy_reduced_cifar10": "cifar10", "policy_reduced_imagenet": "imagenet",
              "policy_svhn": "svhn"}


def tables(tree):
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        if function.name in TENSORFLOW:
            values = [s.value for s in ast.walk(function) if isinstance(s, ast.Assign)]
            yield TENSORFLOW[function.name], ast.literal_eval(values[0])
        if function.name == "_get_policies":
            for test in ast.walk(function):
                if isinstance(test, ast.If) and isinstance(test.body[0], ast.Return):
                    yield (test.test.comparators[0].attr.lower(),
                           ast.literal_eval(test.body[0].value))


def crc(table, with_unread):
    lines = [", ".join(f"{name} {probability:.1f}@"
                       f"{magnitude if with_unread or name not in UNREAD else 0}"
                       for name, probability, magnitude in sub_policy) + "\n"
             for sub_policy in table]
    return f"0x{zlib.crc32(''.join(lines).encode()):08X}"


with open(sys.argv[1], encoding="utf-8") as source:
    for policy, table in sorted(tables(ast.parse(source.read()))):
        complete = all(step[2] is not None for sub_policy in table for step in sub_policy)
        print(policy, len(table), crc(table, True) if complete else "-", crc(table, False))
