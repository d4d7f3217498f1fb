// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `Evaluable` concept: a network that can be evaluated without being changed.

#include <rolewise/student/student.hpp>
#include <rolewise/teacher/teacher.hpp>

namespace rolewise {

/// A network that can be evaluated without being changed: a student or a teacher.
template<typename N>
concept Evaluable = Student<N> || Teacher<N>;

}  // namespace rolewise
