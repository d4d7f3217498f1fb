// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checksums of the inputs of each example, which tell one view from another.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::detail {

/// Adds the bytes of each example of a dense tensor on the CPU to the checksum of that example.
inline void add_examples(std::vector<checksum>& sums, const torch::Tensor& all)
{
  const auto bytes = all.nbytes() / sums.size();
  const auto* at = static_cast<const char*>(all.const_data_ptr());
  for (auto& sum : sums) {
    sum.add(at, bytes);
    at += bytes;
  }
}

/// Checksum of each example as the network receives it: of images normalized, in float32, channels
/// last; of token indices or a vector, with the mask if there is one.
[[nodiscard]] inline std::vector<std::uint64_t> example_checksums(const batch& examples)
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
