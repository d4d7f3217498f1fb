// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Logits as rows in memory, one for each example, pixel or token, for the kernels of losses.
///
/// Only function bodies include it.

#include <rolewise/core/tensor.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/parallel_for.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace rolewise::detail {

/// M rows of C logits that kernels can read, and the targets of the rows.
struct logit_rows {
  torch::Tensor student;      ///< `[M, C]`, a view, or 16-bit logits in single precision
  torch::Tensor teacher;      ///< the same of the teacher, detached; undefined without one
  rolewise::targets targets;  ///< labels and weights `[M]`; soft labels are not set

  /// The part of each row in a mean over what has a weight and, if `with_labels`, a label.
  [[nodiscard]] std::vector<double> shares(bool with_labels) const;
};

/// @param teacher undefined for losses without one
/// @return nothing unless kernels can read the logits, with classes side by side in memory
/// @pre logits and labels are checked
/// @throws std::invalid_argument for weights that do not fit
[[nodiscard]] ROLEWISE_INLINE std::optional<logit_rows> logit_rows_of(const torch::Tensor& teacher,
                                                                      const torch::Tensor& student,
                                                                      const targets& targets,
                                                                      std::string_view caller);

/// Calls `work(row)` for each row of so many classes, on several threads if there is enough to do.
template<typename Work>
void each_row(std::int64_t rows, std::int64_t classes, const Work& work)
{
  constexpr std::int64_t worth_a_thread = std::int64_t{1} << 16, piece = std::int64_t{1} << 14;
  if (rows * classes < worth_a_thread) {
    for (std::int64_t row = 0; row < rows; ++row) work(row);
    return;
  }
  parallel_for_ranges(rows, std::max<std::int64_t>(piece / classes, 1),
                      [&](std::int64_t begin, std::int64_t end) {
                        for (auto row = begin; row < end; ++row) work(row);
                      });
}

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/detail/implementation/logit_rows.hpp>
#endif
