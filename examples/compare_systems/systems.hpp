// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The rows of compare_systems.

#include "system.hpp"

#include <vector>

namespace compare_systems {

[[nodiscard]] std::vector<row> plain();
[[nodiscard]] std::vector<row> ensembles();
[[nodiscard]] std::vector<row> mutual_learning();
[[nodiscard]] std::vector<row> cutmix_pick();
[[nodiscard]] std::vector<row> nasty_teacher();
[[nodiscard]] std::vector<row> teacher_knowledge();

/// All, in the order of the table.
[[nodiscard]] inline std::vector<row> all_rows()
{
  std::vector<row> all;
  for (const auto& rows_of :
       {plain, ensembles, mutual_learning, cutmix_pick, nasty_teacher, teacher_knowledge})
    for (auto& each : rows_of()) all.push_back(std::move(each));
  return all;
}

}  // namespace compare_systems
