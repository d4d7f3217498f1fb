// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The identity of a teacher cache: data, views and teacher.

#include <cstdint>
#include <string>
#include <vector>

namespace rolewise {

/// What the logits in a teacher cache were computed from. A difference in any member makes it
/// another cache.
struct cached_logits_origin {
  std::string agents;             ///< names of the agents that make the views
  std::uint64_t seed = 0;         ///< of the views
  std::int64_t views = 1;         ///< number of recurring views
  std::uint64_t view_sum = 0;     ///< checksum of a sample of the views
  std::string data;               ///< name of the data set
  std::uint64_t data_sum = 0;     ///< checksum of the whole data set
  std::uint64_t teacher_sum = 0;  ///< fingerprint of the teacher
  std::vector<std::int64_t> ids;  ///< of the data set, in any order, each once
};

}  // namespace rolewise
