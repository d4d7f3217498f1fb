# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The headers of rolewise, a C++ library for role-wise knowledge distillation, and its CMake package.

`cmake -DCMAKE_PREFIX_PATH=...` takes `cmake_prefix_path`, as it takes `torch.utils.cmake_prefix_path`.
"""

import os as _os

cmake_prefix_path = _os.path.dirname(_os.path.abspath(__file__))
