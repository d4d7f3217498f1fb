// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Bit allocation with layers that must have the same bit widths.

#include <rolewise/quant/bit_allocation.hpp>
#include <rolewise/quant/layer_report.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// Merges the questions of layers that must have the same widths, because their outputs are added
/// or they share an input; costs and harms add up. Layers in no group keep their question; groups
/// with a layer in common become one.
/// @throws std::invalid_argument for a layer without a question (the message gives the nearest
///         names), and for a group whose layers don't have the same widths to choose from
[[nodiscard]] ROLEWISE_INLINE std::vector<bit_question> tied(
    std::vector<bit_question> questions, const std::vector<std::vector<std::string>>& groups);

/// Groups of layers in a residual network that share an input: the first convolution of a block
/// and its shortcut.
[[nodiscard]] ROLEWISE_INLINE std::vector<std::vector<std::string>> shortcut_ties(
    const std::vector<layer_report>& layers);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/tied_layers.hpp>
#endif
