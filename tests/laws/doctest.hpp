// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Includes doctest; tests include it only through this header. LibTorch pulls in glog's CHECK,
/// which doctest's must replace: a failing glog CHECK aborts the run and counts as no assertion.

#include <torch/types.h>

#undef CHECK
#undef CHECK_EQ
#undef CHECK_GE
#undef CHECK_GT
#undef CHECK_LE
#undef CHECK_LT
#undef CHECK_NE

#define DOCTEST_CONFIG_VOID_CAST_EXPRESSIONS  // no [[nodiscard]] warnings from CHECK_THROWS

#include <doctest/doctest.h>
