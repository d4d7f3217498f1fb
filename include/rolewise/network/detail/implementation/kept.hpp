// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/kept.hpp>.

#include <rolewise/network/detail/kept.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void version_archive::add(const torch::Tensor& t)
{
  if (!t.defined()) return versions_.push_back({});
  all_count_ = all_count_ && !t.is_inference();
  if (all_count_) versions_.push_back({t.const_data_ptr(), t._version()});
}

}  // namespace rolewise::detail
