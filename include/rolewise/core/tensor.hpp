// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// LibTorch's tensor type and free functions; every other header includes them from here.

#include <ATen/core/ivalue.h>  // first: clang before 17 cannot parse the next line in C++20
#include <torch/types.h>       // tensors and free functions; <torch/torch.h> is for users
