// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `search/`: search spaces, strategies and histories.

#include <rolewise/search/asynchronous_successive_halving.hpp>
#include <rolewise/search/bit_space.hpp>
#include <rolewise/search/bohb.hpp>
#include <rolewise/search/cma_es.hpp>
#include <rolewise/search/configuration.hpp>
#include <rolewise/search/configuration_proposer.hpp>
#include <rolewise/search/configuration_text.hpp>
#include <rolewise/search/explore.hpp>
#include <rolewise/search/grid.hpp>
#include <rolewise/search/hyperband.hpp>
#include <rolewise/search/inside.hpp>
#include <rolewise/search/joined.hpp>
#include <rolewise/search/pb2.hpp>
#include <rolewise/search/policy_history.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/population_based.hpp>
#include <rolewise/search/population_based_asynchronous.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/ready_spaces.hpp>
#include <rolewise/search/regularized_evolution.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_history_file.hpp>
#include <rolewise/search/search_lineage.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/search/space_text.hpp>
#include <rolewise/search/sub_policy_space.hpp>
#include <rolewise/search/successive_halving.hpp>
#include <rolewise/search/tree_parzen.hpp>
