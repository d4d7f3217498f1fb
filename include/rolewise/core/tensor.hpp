// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// LibTorch's tensor type, its operators, and the free functions that many headers call.
///
/// Every header includes them from here. The others of LibTorch's two thousand functions are
/// declared by <torch/types.h> or <torch/torch.h>, which a user's program includes for them: that
/// takes two thirds longer to compile than what is included here.

// With this macro, headers of ATen include the functions that they call, not all that there are.
#ifndef AT_PER_OPERATOR_HEADERS
#define AT_PER_OPERATOR_HEADERS
#define ROLEWISE_DEFINED_AT_PER_OPERATOR_HEADERS
#endif

#include <ATen/core/ivalue.h>  // first: clang before 17 cannot parse the others in C++20

#include <ATen/TensorIndexing.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/version.h>

#ifdef ROLEWISE_DEFINED_AT_PER_OPERATOR_HEADERS
#undef ROLEWISE_DEFINED_AT_PER_OPERATOR_HEADERS
#undef AT_PER_OPERATOR_HEADERS
#endif

#if TORCH_VERSION_MAJOR < 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR < 6)
#error rolewise needs LibTorch 2.6 or later
#endif

// As in <torch/types.h>: `torch::Tensor` is `at::Tensor`.
namespace torch {
using namespace at;  // NOLINT(google-build-using-namespace)
}
