// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of the whole library, for a first program. No header of the library includes
/// it.

#include <rolewise/agent.hpp>
#include <rolewise/core.hpp>
#include <rolewise/data.hpp>
#include <rolewise/loss.hpp>
#include <rolewise/measurement.hpp>
#include <rolewise/network.hpp>
#include <rolewise/policy.hpp>
#include <rolewise/quant.hpp>
#include <rolewise/report.hpp>
#include <rolewise/search.hpp>
#include <rolewise/student.hpp>
#include <rolewise/support.hpp>
#include <rolewise/systems.hpp>
#include <rolewise/teacher.hpp>
#include <rolewise/train.hpp>
#include <rolewise/version.hpp>
