// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The runs of a job: teachers of all seeds, then students, one network on each core.

#include "job.hpp"
#include "outcome.hpp"

#include <vector>

namespace role_wise {

/// Runs or resumes a job and writes its folder: job.json, views.svg, records/, runs/. Validates
/// what it reads from the folder; see `fit`.
/// @throws std::invalid_argument for options that do not fit the data, before anything is written
/// @throws std::runtime_error for files that cannot be read or written
[[nodiscard]] std::vector<outcome> run_experiment(const job& wanted);

}  // namespace role_wise
