// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The one door to LibTorch: every other header takes `torch::Tensor` from here.

#include <ATen/core/ivalue.h>  // first: clang before 17 cannot parse the next line in C++20
#include <torch/types.h>       // tensors and free functions; <torch/torch.h> is for users
