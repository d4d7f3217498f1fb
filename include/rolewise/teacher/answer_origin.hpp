// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What a teacher's kept answers are answers to.

#include <cstdint>
#include <string>
#include <vector>

namespace rolewise {

/// What the answers in a cache are answers to. Whatever differs makes it another cache.
struct answer_origin {
  std::string agents;             ///< whose views they are, in words
  std::uint64_t seed = 0;         ///< of the views
  std::int64_t views = 1;         ///< that recur
  std::uint64_t view_sum = 0;     ///< of what the agents make of the data, probed
  std::string data;               ///< name of the data set
  std::uint64_t data_sum = 0;     ///< of all of it
  std::uint64_t teacher_sum = 0;  ///< its fingerprint
  std::vector<std::int64_t> ids;  ///< of the data set, in any order, each once
};

}  // namespace rolewise
