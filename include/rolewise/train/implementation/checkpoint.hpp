// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/checkpoint.hpp>.

#include <rolewise/train/checkpoint.hpp>

#include <algorithm>

namespace rolewise {

ROLEWISE_INLINE void write_snapshot(const std::string& path, const snapshot& entries)
{
  const auto [header, content] = detail::encoded_state(entries);
  detail::write_safetensors_file(path, header, content);
}

}  // namespace rolewise

namespace rolewise::detail {

ROLEWISE_INLINE snapshot evaluated_part_of(const snapshot& stored, const std::string& path)
{
  for (const auto* const within : {"step.progress.averaged", "step.student.state.averaged"})
    if (auto averaged = part_of(stored, within); !averaged.empty()) return averaged;
  const bool is_in_learner =
      std::ranges::find(stored, "step.student.state.updates", &state_entry::name) != stored.end();
  auto student = part_of(stored, is_in_learner ? "step.student.model" : "step.student");
  if (student.empty()) throw_runtime_error(path, "holds nothing under 'step.student'");
  return student;
}

}  // namespace rolewise::detail
