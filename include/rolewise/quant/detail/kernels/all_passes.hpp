// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// All kernels of `kernel_set`, for one instruction set; empty if included alone.

#ifdef ROLEWISE_PASSES

#include <rolewise/quant/detail/kernels/passes.hpp>

#include <rolewise/quant/detail/kernels/magnitude_passes.hpp>

#include <rolewise/quant/detail/kernels/tanh_passes.hpp>

#endif
