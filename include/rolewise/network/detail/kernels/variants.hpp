// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The batch norm kernels of each instruction set, and the best one for the machine.

#include <rolewise/network/detail/kernels/kernel_set.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::detail::norm_kernels {

#define ROLEWISE_PASSES <rolewise/network/detail/kernels/passes.hpp>
#include <rolewise/support/instruction_sets.hpp>

}  // namespace rolewise::detail::norm_kernels
