// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of GradientCombination that no compiler can check.

#include "doctest.hpp"

#include <rolewise/loss/gradient_combination.hpp>

namespace rolewise::laws {

namespace detail {

inline bool is_finite(const torch::Tensor& x) { return torch::isfinite(x).all().item<bool>(); }

}  // namespace detail

template<GradientCombination G>
void hold_for(const G& combination)
{
  torch::manual_seed(0);
  for (const auto type : {torch::kFloat32, torch::kFloat64, torch::kBFloat16}) {
    const auto task = torch::randn({3, 4}, type), distillation = torch::randn({3, 4}, type);
    const auto task_before = task.clone(), distillation_before = distillation.clone();
    const auto zeros = torch::zeros({3, 4}, type);
    const torch::Tensor none;
    for (const std::int64_t epoch : {0, 1, 7}) {
      const training_progress progress{
          .epoch = epoch, .step = 0, .epochs = 8, .steps_per_epoch = 1};
      const auto of = [&](const torch::Tensor& a, const torch::Tensor& b) -> torch::Tensor {
        return combination.combine(a, b, progress);
      };
      const auto both = of(task, distillation);
      CHECK(both.sizes() == task.sizes());
      CHECK((both.scalar_type() == type));
      CHECK(torch::equal(both, of(task, distillation)));
      CHECK(detail::is_finite(of(task, zeros)));
      CHECK(detail::is_finite(of(zeros, distillation)));
      CHECK(detail::is_finite(of(zeros, zeros)));
      CHECK(torch::equal(of(task, none), of(task, zeros)));
      CHECK(torch::equal(of(none, distillation), of(zeros, distillation)));
      CHECK_FALSE(of(none, none).defined());
      of(task, none).zero_();
      of(none, distillation).zero_();
    }
    CHECK(torch::equal(task, task_before));
    CHECK(torch::equal(distillation, distillation_before));
  }
  // Synchronization with the device would throw: a tensor on the meta device has no data to read.
  const auto nowhere = torch::empty({3, 4}, torch::kMeta);
  CHECK(combination.combine(nowhere, nowhere, {}).sizes() == nowhere.sizes());
}

}  // namespace rolewise::laws
