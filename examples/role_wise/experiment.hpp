// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The runs of a job: teachers of all seeds, then students, one network on each core.

#include "job.hpp"
#include "outcome.hpp"

#include <vector>

namespace role_wise {

/// Trains, or takes up where it was left, whatever the job wants, and leaves its folder: job.json,
/// views.png, records/, runs/. What is read from the folder is checked; see `fit`.
/// @throws std::invalid_argument for options that do not fit the data, before anything is made
/// @throws std::runtime_error for files that cannot be read or written
[[nodiscard]] std::vector<outcome> run_experiment(const job& wanted);

}  // namespace role_wise
