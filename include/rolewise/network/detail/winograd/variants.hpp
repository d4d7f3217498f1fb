// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The Winograd convolution kernels of each instruction set, and the best one for the machine.

#include <rolewise/network/detail/winograd/kernel_set.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::detail::winograd_kernels {

#define ROLEWISE_PASSES <rolewise/network/detail/winograd/passes.hpp>
#define ROLEWISE_FUSES
#include <rolewise/support/instruction_sets.hpp>
#undef ROLEWISE_FUSES

/// Whether these kernels are faster than LibTorch's convolutions on this machine.
[[nodiscard]] inline bool are_worthwhile() { return &best() != &plain::passes; }

}  // namespace rolewise::detail::winograd_kernels
