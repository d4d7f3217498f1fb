// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `invariances` of a loss: changes of its inputs that leave its value the same.

namespace rolewise {

/// Changes of its inputs that leave the value of a loss the same, up to rounding; for the laws
/// (`tests/laws/loss_function.hpp`). What is not read may change in any way.
struct invariances {
  /// A constant added to all logits of an example, another one for each: of the student.
  bool student_shift = false;
  /// The same of the teacher.
  bool teacher_shift = false;
  /// Another order of the examples, with their labels, weights and ids.
  bool example_order = false;

  /// What both have.
  friend constexpr invariances operator&(const invariances& a, const invariances& b) noexcept
  {
    return {a.student_shift && b.student_shift, a.teacher_shift && b.teacher_shift,
            a.example_order && b.example_order};
  }
  friend constexpr bool operator==(const invariances&, const invariances&) = default;
};

}  // namespace rolewise
