// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Optimizer state shared by Adam and AdamW.

#include <rolewise/support/error.hpp>
#include <rolewise/train/detail/buffers.hpp>

#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::detail {

template<typename Settings>
void require_sound_averages(std::string_view who, const Settings& s)
{
  const auto is_share = [](double x) { return x >= 0.0 && x < 1.0; };
  if (!(s.learning_rate >= 0.0) || !is_share(s.beta1) || !is_share(s.beta2) || !(s.epsilon > 0.0) ||
      !(s.weight_decay >= 0.0))
    throw_invalid_argument(who,
                           "want learning_rate >= 0, beta1 and beta2 in [0, 1), epsilon > 0 and "
                           "weight_decay >= 0, got ",
                           s.learning_rate, ", ", s.beta1, ", ", s.beta2, ", ", s.epsilon, " and ",
                           s.weight_decay);
  if (!std::isfinite(s.learning_rate) || !std::isfinite(s.epsilon) ||
      !std::isfinite(s.weight_decay))
    throw_invalid_argument(who, "want a finite learning_rate, epsilon and weight_decay, got ",
                           s.learning_rate, ", ", s.epsilon, " and ", s.weight_decay);
}

/// First and second moments of the gradients, and the number of updates of each parameter. `Fused`
/// is LibTorch's fused operator.
template<typename Settings, auto Fused>
class gradient_averages {
 public:
  gradient_averages(const Settings& settings, const std::vector<named_tensor>& parameters)
      : settings_{settings}, first_{parameters}, second_{parameters}, updates_(parameters.size(), 0)
  {}

  void update(const std::vector<named_tensor>& parameters,
              const std::vector<torch::Tensor>& gradients, double learning_rate)
  {
    const torch::NoGradGuard without_graph;
    for (auto& group : groups_of(parameters, gradients, updates_.size(), settings_.weight_decay,
                                 settings_.decays)) {
      std::vector<torch::Tensor> steps;
      steps.reserve(group.places.size());
      for (const auto i : group.places) steps.push_back(counter(++updates_[i], group, steps));
      Fused(group.values, group.gradients, select(first_, group.places),
            select(second_, group.places), steps, learning_rate, settings_.beta1, settings_.beta2,
            group.weight_decay, settings_.epsilon);
    }
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("first", first_);
    archive.part("second", second_);
    archive.value("updates", updates_);
  }

 private:
  /// The update count as a tensor on the parameters' device, as the fused operators require. A
  /// parameter with the same count as its predecessor in the group shares that one's tensor.
  torch::Tensor counter(std::int64_t count, const update_group& group,
                        const std::vector<torch::Tensor>& made) const
  {
    if (!made.empty() && updates_[group.places[made.size() - 1]] == count) return made.back();
    return at::full(
        {}, static_cast<double>(count),
        torch::TensorOptions{}.dtype(torch::kFloat).device(group.values.front().device()));
  }

  Settings settings_;
  buffers first_, second_;
  std::vector<std::int64_t> updates_;
};

}  // namespace rolewise::detail
