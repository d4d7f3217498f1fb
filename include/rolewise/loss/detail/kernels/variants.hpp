// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The kernels of losses for each instruction set, and the choice of the fastest that the machine
/// supports.

#include <rolewise/loss/detail/kernels/kernel_set.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::detail::loss_kernels {

#define ROLEWISE_PASSES <rolewise/loss/detail/kernels/all_passes.hpp>
#define ROLEWISE_FUSES
#include <rolewise/support/instruction_sets.hpp>
#undef ROLEWISE_FUSES

}  // namespace rolewise::detail::loss_kernels
