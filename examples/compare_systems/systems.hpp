// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The rows of compare_systems.

#include "system.hpp"

#include <utility>
#include <vector>

namespace compare_systems {

[[nodiscard]] std::vector<row> plain();
[[nodiscard]] std::vector<row> backward_kd();
[[nodiscard]] std::vector<row> comparative_distillation();
[[nodiscard]] std::vector<row> cutmix_pick();
[[nodiscard]] std::vector<row> dada();
[[nodiscard]] std::vector<row> drawn_policies();
[[nodiscard]] std::vector<row> ensembles();
[[nodiscard]] std::vector<row> fast_auto_augment();
[[nodiscard]] std::vector<row> faster_auto_augment();
[[nodiscard]] std::vector<row> function_matching();
[[nodiscard]] std::vector<row> ikd();
[[nodiscard]] std::vector<row> lightweight_teacher();
[[nodiscard]] std::vector<row> meta_pseudo_labels();
[[nodiscard]] std::vector<row> mutual_learning();
[[nodiscard]] std::vector<row> nasty_teacher();
[[nodiscard]] std::vector<row> relational_representation();
[[nodiscard]] std::vector<row> teach_augment();
[[nodiscard]] std::vector<row> teacher_knowledge();
[[nodiscard]] std::vector<row> tst();

/// All, in the order of the table.
[[nodiscard]] inline std::vector<row> all_rows()
{
  std::vector<row> all;
  for (const auto& rows_of :
       {plain, backward_kd, comparative_distillation, cutmix_pick, dada, drawn_policies, ensembles,
        fast_auto_augment, faster_auto_augment, function_matching, ikd, lightweight_teacher,
        meta_pseudo_labels, mutual_learning, nasty_teacher, relational_representation,
        teach_augment, teacher_knowledge, tst})
    for (auto& each : rows_of()) all.push_back(std::move(each));
  return all;
}

}  // namespace compare_systems
