// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The roles of distillation: teacher and student.

#include <string_view>

namespace rolewise {

/// Role in distillation. `both` stands for what teacher and student share, such as one crop.
enum class role { teacher, student, both };

/// The name of a role, for reports.
[[nodiscard]] constexpr std::string_view name(role who) noexcept
{
  switch (who) {
    case role::teacher:
      return "teacher";
    case role::student:
      return "student";
    case role::both:
      return "both";
  }
  return "unknown";
}

}  // namespace rolewise
