// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Who is shown a view of the data.

#include <string_view>

namespace rolewise {

/// The two roles of distillation. `both` names what teacher and student share, such as one crop.
enum class role { teacher, student, both };

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
