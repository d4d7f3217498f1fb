// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// All passes of `kernel_set`, for one instruction set; alone it is empty.

#ifdef ROLEWISE_PASSES

#include <rolewise/quant/detail/kernels/passes.hpp>

#include <rolewise/quant/detail/kernels/magnitude_passes.hpp>

#include <rolewise/quant/detail/kernels/tanh_passes.hpp>

#endif
