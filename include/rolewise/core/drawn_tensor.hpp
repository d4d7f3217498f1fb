// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tensors of random draws as a function of a seed, for the first values of parameters.

#include <rolewise/core/draws.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

/// A float tensor of the given sizes, on the CPU, drawn uniformly from -bound .. bound. Equal
/// seeds and numbers of elements give equal values, independent of LibTorch's generator.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor uniform_tensor(at::IntArrayRef sizes, seed key,
                                                           double bound);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/core/implementation/drawn_tensor.hpp>
#endif
