// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/teacher/detail/example_checksums.hpp>.

#include <rolewise/teacher/detail/example_checksums.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void add_examples(std::vector<checksum>& sums, const torch::Tensor& all)
{
  const auto bytes = all.nbytes() / sums.size();
  const auto* at = static_cast<const char*>(all.const_data_ptr());
  for (auto& sum : sums) {
    sum.add(at, bytes);
    at += bytes;
  }
}

ROLEWISE_INLINE std::vector<std::uint64_t> example_checksums(const batch& examples)
{
  std::vector<checksum> sums(static_cast<std::size_t>(examples.size()));
  add_examples(sums, examples.inputs.dim() == 4 ? normalized_inputs(examples).cpu()
                                                : examples.inputs.cpu().contiguous());
  if (examples.mask.defined()) add_examples(sums, examples.mask.cpu().contiguous());
  std::vector<std::uint64_t> values;
  values.reserve(sums.size());
  for (const auto& sum : sums) values.push_back(sum.value());
  return values;
}

}  // namespace rolewise::detail
