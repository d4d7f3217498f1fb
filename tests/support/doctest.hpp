// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Includes doctest as the laws do, which are installed without this folder.

#include "../laws/doctest.hpp"
