// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Who learns.

#include <rolewise/student/module_student.hpp>
#include <rolewise/student/student.hpp>
