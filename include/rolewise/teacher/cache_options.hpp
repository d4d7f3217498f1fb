// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Options and statistics of a teacher cache, and the shapes of what it stores.

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/core/tensor.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace rolewise {

/// Options of a teacher cache.
struct cache_options {
  std::string path{};  ///< of the file, created if missing; its directory is not
  /// Number of highest logits stored per example (and position), besides the mass of the others; 0:
  /// all logits. Features are stored as a whole.
  std::int64_t keep = 0;
  torch::ScalarType as = torch::kFloat;  ///< stored dtype; or kFloat16, kBFloat16
  /// With `keep` above 0: the other classes get equal logits such that at this temperature, and
  /// only there, their total probability mass is preserved.
  temperature mass_at{1.0};
  bool read_only = false;      ///< take no lock, store nothing; the file must exist
  std::int64_t probes = 1024;  ///< example views computed to detect changed agents
};

/// Hits and misses of a cached teacher, in examples.
struct cache_statistics {
  std::int64_t found = 0;  ///< cache hits
  std::int64_t kept = 0;   ///< computed by the teacher and stored
  /// Computed by the teacher and not stored: batches of no recurring view, examples that are not
  /// in the data set, pixels that differ from those stored under the same number, and misses of a
  /// read-only cache.
  std::int64_t passed_on = 0;
};

/// Shapes of a teacher's outputs for one example.
struct output_shapes {
  std::vector<std::int64_t> logits;  ///< `[C]`, `[C, L]` or `[C, H, W]`
  feature_shapes features{};         ///< of the stored taps
};

}  // namespace rolewise
