// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Which configuration to try next.

#include <rolewise/search/bit_space.hpp>
#include <rolewise/search/grid.hpp>
#include <rolewise/search/point.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_lineage.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/search/sub_policy_space.hpp>
