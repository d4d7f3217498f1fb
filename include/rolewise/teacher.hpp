// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `teacher/`: frozen, cached, shared and quantized teachers.

#include <rolewise/teacher/cache_options.hpp>
#include <rolewise/teacher/cached_logits_origin.hpp>
#include <rolewise/teacher/cached_teacher.hpp>
#include <rolewise/teacher/ensemble_teacher.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/teacher/module_teacher.hpp>
#include <rolewise/teacher/post_training_quantized.hpp>
#include <rolewise/teacher/remembered_teacher.hpp>
#include <rolewise/teacher/restricted_teacher.hpp>
#include <rolewise/teacher/selected_teacher.hpp>
#include <rolewise/teacher/shared_teacher.hpp>
#include <rolewise/teacher/teacher.hpp>
