// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `plan_function`: a reference to the plan of an agent, without the agent's type.

#include <rolewise/agent/image_program.hpp>
#include <rolewise/agent/planned_agent.hpp>

#include <c10/util/FunctionRef.h>

namespace rolewise::detail {

/// What plans the images of some subjects, called from several threads at once. Its type is the
/// same for all agents, so that views are made by functions that are compiled once.
using plan_function = c10::function_ref<void(const image_subjects&, image_program&)>;

}  // namespace rolewise::detail
