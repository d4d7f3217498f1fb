// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `measurement/`: what is measured on teachers, students and searches.

#include <rolewise/measurement/against_random.hpp>
#include <rolewise/measurement/agreement.hpp>
#include <rolewise/measurement/augmented_accuracy.hpp>
#include <rolewise/measurement/bit_sensitivity.hpp>
#include <rolewise/measurement/distance_to_teacher.hpp>
#include <rolewise/measurement/hessian_trace.hpp>
#include <rolewise/measurement/paired_difference.hpp>
#include <rolewise/measurement/rank_correlation.hpp>
#include <rolewise/measurement/search_diagnostics.hpp>
#include <rolewise/measurement/teacher_knowledge.hpp>
#include <rolewise/measurement/teacher_stddev.hpp>
