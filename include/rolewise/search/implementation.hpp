// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// All function bodies of `search/`, for the unit that compiles them.

#include <rolewise/search/detail/implementation/bandit.hpp>
#include <rolewise/search/detail/implementation/configuration_values.hpp>
#include <rolewise/search/detail/implementation/covariance_adaptation.hpp>
#include <rolewise/search/detail/implementation/decompositions.hpp>
#include <rolewise/search/detail/implementation/exchange.hpp>
#include <rolewise/search/detail/implementation/gaussian_process.hpp>
#include <rolewise/search/detail/implementation/halving.hpp>
#include <rolewise/search/detail/implementation/parzen_estimator.hpp>
#include <rolewise/search/detail/implementation/population.hpp>
#include <rolewise/search/detail/implementation/ranking.hpp>
#include <rolewise/search/detail/implementation/unit_cube.hpp>
#include <rolewise/search/implementation/asynchronous_successive_halving.hpp>
#include <rolewise/search/implementation/bit_space.hpp>
#include <rolewise/search/implementation/bohb.hpp>
#include <rolewise/search/implementation/cma_es.hpp>
#include <rolewise/search/implementation/configuration.hpp>
#include <rolewise/search/implementation/configuration_text.hpp>
#include <rolewise/search/implementation/explore.hpp>
#include <rolewise/search/implementation/grid.hpp>
#include <rolewise/search/implementation/hyperband.hpp>
#include <rolewise/search/implementation/inside.hpp>
#include <rolewise/search/implementation/joined.hpp>
#include <rolewise/search/implementation/pb2.hpp>
#include <rolewise/search/implementation/policy_history.hpp>
#include <rolewise/search/implementation/policy_space.hpp>
#include <rolewise/search/implementation/population_based.hpp>
#include <rolewise/search/implementation/population_based_asynchronous.hpp>
#include <rolewise/search/implementation/random_search.hpp>
#include <rolewise/search/implementation/ready_spaces.hpp>
#include <rolewise/search/implementation/regularized_evolution.hpp>
#include <rolewise/search/implementation/search_history_file.hpp>
#include <rolewise/search/implementation/search_lineage.hpp>
#include <rolewise/search/implementation/search_strategy.hpp>
#include <rolewise/search/implementation/space.hpp>
#include <rolewise/search/implementation/space_text.hpp>
#include <rolewise/search/implementation/sub_policy_space.hpp>
#include <rolewise/search/implementation/successive_halving.hpp>
#include <rolewise/search/implementation/tree_parzen.hpp>
