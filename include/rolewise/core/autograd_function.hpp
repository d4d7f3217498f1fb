// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// LibTorch's autograd functions: functions with a backward pass of their own.
///
/// It takes about a second to compile. Headers and umbrellas do not include it, only function
/// bodies do, and programs with an autograd function of their own.

#include <rolewise/core/tensor.hpp>

#ifndef AT_PER_OPERATOR_HEADERS
#define AT_PER_OPERATOR_HEADERS
#define ROLEWISE_DEFINED_AT_PER_OPERATOR_HEADERS
#endif

#include <torch/csrc/autograd/custom_function.h>

#ifdef ROLEWISE_DEFINED_AT_PER_OPERATOR_HEADERS
#undef ROLEWISE_DEFINED_AT_PER_OPERATOR_HEADERS
#undef AT_PER_OPERATOR_HEADERS
#endif
