// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/planned_agent.hpp>.

#include <rolewise/agent/planned_agent.hpp>

namespace rolewise {

ROLEWISE_INLINE image_subjects subjects_after(const image_program& program,
                                              const image_subjects& subjects)
{
  const auto size = program.size_after({subjects.height, subjects.width});
  return {subjects.ids, subjects.channels, size.height, size.width};
}

}  // namespace rolewise
