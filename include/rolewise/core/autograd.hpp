// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// LibTorch's automatic differentiation: functions with a backward pass of their own, and calls of
/// the backward pass.

#include <rolewise/core/tensor.hpp>

#ifndef AT_PER_OPERATOR_HEADERS
#define AT_PER_OPERATOR_HEADERS
#define ROLEWISE_DEFINED_AT_PER_OPERATOR_HEADERS
#endif

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#ifdef ROLEWISE_DEFINED_AT_PER_OPERATOR_HEADERS
#undef ROLEWISE_DEFINED_AT_PER_OPERATOR_HEADERS
#undef AT_PER_OPERATOR_HEADERS
#endif
