// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `configuration_proposer` type: supplies configurations for new trials to strategies that
/// allocate epochs.

#include <rolewise/search/configuration.hpp>

#include <cstdint>
#include <functional>

namespace rolewise::search {

/// Returns the configuration at which the trial with this number starts. Called once for each trial
/// that starts. The result depends on the number alone, so the order of the calls is free.
using configuration_proposer = std::function<configuration(std::int64_t)>;

}  // namespace rolewise::search
