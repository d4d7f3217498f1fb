// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/copy_weights.hpp>.

#include <rolewise/network/copy_weights.hpp>

#include <string_view>

namespace rolewise::detail {

ROLEWISE_INLINE void copy_leading_slice(const torch::Tensor& from, torch::Tensor to)
{
  auto source = from;
  for (std::int64_t axis = 0; axis < from.dim(); ++axis) {
    const auto length = std::min(source.size(axis), to.size(axis));
    source = source.narrow(axis, 0, length);
    to = to.narrow(axis, 0, length);
  }
  to.copy_(source);
}

ROLEWISE_INLINE std::vector<std::string> parameters_without(const std::vector<named_tensor>& all,
                                                            const std::vector<named_tensor>& other)
{
  std::vector<std::string> found;
  for (const auto& [name, value, kind] : all)
    if (kind == tensor_kind::parameter &&
        std::ranges::find(other, name, &named_tensor::name) == other.end())
      found.push_back(name);
  return found;
}

ROLEWISE_INLINE void require_same_parameters(const std::vector<named_tensor>& sources,
                                             const std::vector<named_tensor>& targets)
{
  const auto listed = [](std::string_view who, const std::vector<std::string>& names) {
    if (names.empty()) return std::string{};
    auto text = "; only the " + std::string{who} + " has " + names.front();
    if (names.size() > 1) text += " and " + std::to_string(names.size() - 1) + " more";
    return text;
  };
  const auto text = listed("source", parameters_without(sources, targets)) +
                    listed("target", parameters_without(targets, sources));
  if (!text.empty())
    throw_invalid_argument("copy_weights", "the networks differ in their parameters", text,
                           "; copy_options::partial copies what both have");
}

}  // namespace rolewise::detail
