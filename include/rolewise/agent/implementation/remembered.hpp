// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/remembered.hpp>.

#include <rolewise/agent/remembered.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE outputs joined_outputs(const std::vector<outputs>& parts)
{
  const auto join = [&](const auto& member) {
    std::vector<torch::Tensor> rows;
    for (const auto& part : parts) rows.push_back(member(part).cpu());
    return at::cat(rows);
  };
  outputs all{.logits = join([](const outputs& o) { return o.logits; }), .features = {}};
  parts.front().features.available().for_each([&](tap_id id) {
    all.features.set(id, join([id](const outputs& o) { return o.features[id]; }));
  });
  return all;
}

ROLEWISE_INLINE void require_one_view(const batch& of_one_epoch, const batch& of_another)
{
  if (of_one_epoch.partners.defined() || !at::equal(of_one_epoch.inputs, of_another.inputs))
    throw_invalid_argument(
        "remembered", "the teacher's view is not a fixed one: it has to be asked in each step. ",
        "Wrap its agent in cyclic_views{.views = 1}, or use the teacher itself");
}

}  // namespace rolewise::detail
