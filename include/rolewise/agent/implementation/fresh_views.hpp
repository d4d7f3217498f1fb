// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/fresh_views.hpp>.

#include <rolewise/agent/fresh_views.hpp>

#include <rolewise/support/error.hpp>

#include <cstdint>
#include <unordered_map>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor ids_of_occurrences(const torch::Tensor& ids)
{
  if (!ids.defined() || ids.scalar_type() != torch::kLong || ids.dim() != 1) return ids;
  constexpr auto apart = std::int64_t{1} << 40;
  auto renamed = ids.cpu().clone();
  auto* const id = renamed.mutable_data_ptr<std::int64_t>();
  std::unordered_map<std::int64_t, std::int64_t> times;
  for (std::int64_t n = 0; n < ids.size(0); ++n) {
    const auto before = times[id[n]]++;
    if (before > 0 && (id[n] < 0 || id[n] >= apart))
      throw_invalid_argument("fresh_views", "want ids of 0 to 2^40 - 1, got ", id[n]);
    id[n] += before * apart;
  }
  return renamed;
}

}  // namespace rolewise::detail
