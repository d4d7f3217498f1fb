// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/masked_generative_distillation.hpp>.

#include <rolewise/loss/masked_generative_distillation.hpp>

#include <rolewise/core/draws.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor feature_mask(const torch::Tensor& like, masked_part part,
                                           double ratio, seed key, const targets& targets,
                                           std::string_view caller)
{
  const auto n = like.size(0), c = like.size(1), h = like.size(2), w = like.size(3);
  require_ids(targets, n, caller);
  const bool of_channels = part == masked_part::channels;
  const auto drawn =
      uniform_draws(key, targets.progress.epoch, targets.ids, of_channels ? c : h * w);
  const auto kept = drawn.ge(ratio).to(like.options());
  return of_channels ? kept.view({n, c, 1, 1}) : kept.view({n, 1, h, w});
}

ROLEWISE_INLINE void feature_generator::configure(const std::vector<std::int64_t>& teacher,
                                                  const std::vector<std::int64_t>& student,
                                                  double ratio, seed key, std::string_view caller)
{
  require_map_shapes(teacher, student, caller);
  if (!(ratio >= 0.0 && ratio <= 1.0))
    throw_invalid_argument(caller, "want a mask_ratio in 0 .. 1, got ", ratio);
  const auto channels = teacher[0];
  align.configure(student[0], channels, 1, key.split(purpose{"align"}), caller);
  first.configure(channels, channels, 3, key.split(purpose{"first"}), caller);
  second.configure(channels, channels, 3, key.split(purpose{"second"}), caller);
}

}  // namespace rolewise::detail
