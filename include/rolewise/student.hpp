// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `student/`: networks that are trained.

#include <rolewise/student/module_student.hpp>
#include <rolewise/student/reused_classifier.hpp>
#include <rolewise/student/student.hpp>
