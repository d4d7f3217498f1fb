// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// All kernels of `kernel_set`, for one instruction set; empty if included alone.

#ifdef ROLEWISE_PASSES

#include <rolewise/loss/detail/kernels/softmax_passes.hpp>

#include <rolewise/loss/detail/kernels/correlation_passes.hpp>

#include <rolewise/loss/detail/kernels/distance_passes.hpp>

inline constexpr kernel_set passes{
    variant,    &largest,       &sum,          &exponentials,   &pair,
    &gradient,  &probabilities, &row_products, &column_product, &correlation_gradient,
    &distances, &pull,          &angles};

#endif
