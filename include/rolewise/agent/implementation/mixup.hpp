// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/mixup.hpp>.

#include <rolewise/agent/mixup.hpp>

namespace rolewise {

ROLEWISE_INLINE batch mixup::operator()(const batch& examples, const training_progress& progress,
                                        seed key) const
{
  detail::require_mixable(name, examples, alpha);
  refuse_label_maps(name, examples,
                    "a mean of classes has no class, and some pixels have none; cutmix pastes "
                    "maps along with pixels");
  const auto all = detail::classes_of(name, classes, partners, examples.labels);
  if (examples.size() == 0) return unmixed(examples, all);
  const auto others =
      partners.of(name, examples, key.split(purpose{"mixup partners"}), progress.epoch);
  const auto shares = at::empty({examples.size()}, torch::kFloat);
  const auto ids = examples.ids.cpu().contiguous();
  for (std::int64_t n = 0; n < examples.size(); ++n) {
    const draws of{key.split(purpose{"mixup"}), progress.epoch,
                   ids.const_data_ptr<std::int64_t>()[n]};
    shares.mutable_data_ptr<float>()[n] = static_cast<float>(beta_draw(of, alpha, alpha));
  }
  const auto share = shares.view({-1, 1, 1, 1}).to(examples.inputs.device());
  auto blend = examples.inputs.to(torch::kFloat).mul_(share);
  blend.add_(others.inputs.to(torch::kFloat).mul_(1.0 - share));
  return detail::mixed_batch(name, examples, others, blend.round_().to(torch::kByte), shares, all);
}

}  // namespace rolewise
