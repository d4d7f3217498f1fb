// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The one door to doctest. LibTorch pulls in glog's CHECK, which doctest's must replace: a glog
/// CHECK that fails aborts the run and counts as no assertion.

#include <rolewise/core/tensor.hpp>

#undef CHECK
#undef CHECK_EQ
#undef CHECK_GE
#undef CHECK_GT
#undef CHECK_LE
#undef CHECK_LT
#undef CHECK_NE

#define DOCTEST_CONFIG_VOID_CAST_EXPRESSIONS  // what throws returns nothing, [[nodiscard]] or not

#include <doctest/doctest.h>
