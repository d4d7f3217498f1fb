// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// All function bodies of `measurement/`, for the unit that compiles them.

#include <rolewise/measurement/implementation/against_random.hpp>
#include <rolewise/measurement/implementation/distance_to_teacher.hpp>
#include <rolewise/measurement/implementation/hessian_trace.hpp>
#include <rolewise/measurement/implementation/paired_difference.hpp>
#include <rolewise/measurement/implementation/rank_correlation.hpp>
#include <rolewise/measurement/implementation/search_diagnostics.hpp>
#include <rolewise/measurement/implementation/teacher_knowledge.hpp>
#include <rolewise/measurement/implementation/teacher_stddev.hpp>
