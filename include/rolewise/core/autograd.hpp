// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// LibTorch's automatic differentiation: calls of the backward pass.
///
/// Headers and umbrellas do not include it, only function bodies do.

#include <rolewise/core/tensor.hpp>

#ifndef AT_PER_OPERATOR_HEADERS
#define AT_PER_OPERATOR_HEADERS
#define ROLEWISE_DEFINED_AT_PER_OPERATOR_HEADERS
#endif

#include <torch/csrc/autograd/autograd.h>

#ifdef ROLEWISE_DEFINED_AT_PER_OPERATOR_HEADERS
#undef ROLEWISE_DEFINED_AT_PER_OPERATOR_HEADERS
#undef AT_PER_OPERATOR_HEADERS
#endif
