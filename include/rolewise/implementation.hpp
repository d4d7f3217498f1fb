// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// All function bodies of rolewise, for one unit of a program whose units define
/// `ROLEWISE_SEPARATE_COMPILATION` and that does not link the CMake target `rolewise::compiled`.

#ifndef ROLEWISE_SEPARATE_COMPILATION
#error \
    "Define ROLEWISE_SEPARATE_COMPILATION, for every unit of the program, or leave this header out"
#endif

#include <rolewise/agent/implementation.hpp>
#include <rolewise/core/implementation.hpp>
#include <rolewise/data/implementation.hpp>
#include <rolewise/loss/implementation.hpp>
#include <rolewise/measurement/implementation.hpp>
#include <rolewise/network/implementation.hpp>
#include <rolewise/policy/implementation.hpp>
#include <rolewise/quant/implementation.hpp>
#include <rolewise/report/implementation.hpp>
#include <rolewise/search/implementation.hpp>
#include <rolewise/support/implementation.hpp>
#include <rolewise/systems/implementation.hpp>
#include <rolewise/teacher/implementation.hpp>
#include <rolewise/train/implementation.hpp>
