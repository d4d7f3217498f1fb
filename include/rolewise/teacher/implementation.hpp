// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// All function bodies of `teacher/`, for the unit that compiles them.

#include <rolewise/teacher/detail/implementation/cached_logits_codec.hpp>
#include <rolewise/teacher/detail/implementation/cached_logits_file.hpp>
#include <rolewise/teacher/detail/implementation/cached_logits_header.hpp>
#include <rolewise/teacher/detail/implementation/cached_logits_store.hpp>
#include <rolewise/teacher/detail/implementation/cached_row_codec.hpp>
#include <rolewise/teacher/detail/implementation/example_checksums.hpp>
#include <rolewise/teacher/detail/implementation/graph_to_inputs.hpp>
#include <rolewise/teacher/detail/implementation/teacher_members.hpp>
#include <rolewise/teacher/exported/detail/implementation/exported_model.hpp>
#include <rolewise/teacher/implementation/ensemble_teacher.hpp>
#include <rolewise/teacher/implementation/remembered_teacher.hpp>
#include <rolewise/teacher/implementation/restricted_teacher.hpp>
#include <rolewise/teacher/implementation/selected_teacher.hpp>
