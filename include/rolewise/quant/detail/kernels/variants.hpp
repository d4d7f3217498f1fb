// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The kernels for each instruction set, and the choice of the fastest that the machine supports.

#include <rolewise/quant/detail/kernels/kernel_set.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::detail::quant_kernels {

#define ROLEWISE_PASSES <rolewise/quant/detail/kernels/all_passes.hpp>
#include <rolewise/support/instruction_sets.hpp>

}  // namespace rolewise::detail::quant_kernels
