// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `Evaluable` concept: a network that can be evaluated without being changed.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/teacher/teacher.hpp>

namespace rolewise {

/// A network that can be evaluated without being changed: a student or a teacher.
template<typename N>
concept Evaluable = Student<N> || Teacher<N>;

/// The outputs of a network as evaluation sees them, a student's in evaluation mode.
template<Evaluable N>
[[nodiscard]] outputs evaluated_outputs(const N& network, const batch& examples)
{
  if constexpr (Student<N>)
    return network.predict(examples, taps{});
  else
    return network.forward(examples, taps{});
}

}  // namespace rolewise
