// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `param_groups`: a separate optimizer for the learned ranges of quantizers.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/support/error.hpp>
#include <rolewise/train/optimizer.hpp>
#include <rolewise/train/sgd.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise {

/// An optimizer composed of two: one for the weights, another for the ranges (clips, steps,
/// offsets) that quantizers learn (`tensor_kind::range`). Published recipes give ranges a
/// learning rate and a weight decay of their own.
///
///     .optimizer = param_groups{.weights = sgd{.learning_rate = 0.05},
///                               .ranges = sgd{.learning_rate = 1e-3, .weight_decay = 1e-4}}
///
/// Both follow the run's schedule. The weight decay of `.ranges` does apply to ranges: it is
/// PACT's lambda, with the gradient `weight_decay * range`.
///
/// @par State
/// That of both optimizers and the number of updates, so that a resumed run freezes ranges at the
/// same update.
template<typename Weights = sgd, typename Ranges = sgd>
struct param_groups {
  static_assert(Optimizer<Weights>, "param_groups: .weights must satisfy Optimizer, such as sgd{}");
  static_assert(Optimizer<Ranges>, "param_groups: .ranges must satisfy Optimizer, such as sgd{}");

  Weights weights{};
  Ranges ranges{};
  /// Number of updates after which ranges are frozen; 0: never.
  std::int64_t freeze_after = 0;
  /// The learning rate that the schedule scales and a run reports; do not set.
  double learning_rate = weights.learning_rate;

  /// The optimizer state of one run.
  class state {
   public:
    state(const param_groups& settings, const std::vector<named_tensor>& parameters)
        : settings_{settings},
          count_{parameters.size()},
          weights_{settings.weights.start(of_kind(parameters, false))},
          ranges_{settings.ranges.start(of_kind(parameters, true))}
    {}

    /// @throws std::invalid_argument unless there is a gradient, which may be undefined, for each
    ///         parameter that the state was started for
    void update(const std::vector<named_tensor>& parameters,
                const std::vector<torch::Tensor>& gradients, double scheduled)
    {
      if (parameters.size() != count_ || gradients.size() != count_)
        throw_invalid_argument("param_groups", "was started for ", count_,
                               " parameters, was handed ", parameters.size(), " of them with ",
                               gradients.size(), " gradients");
      std::vector<torch::Tensor> of_weights, of_ranges;
      for (std::size_t i = 0; i < count_; ++i)
        (is_range(parameters[i]) ? of_ranges : of_weights).push_back(gradients[i]);
      const double factor =
          settings_.learning_rate > 0.0 ? scheduled / settings_.learning_rate : 0.0;
      weights_.update(of_kind(parameters, false), of_weights,
                      factor * settings_.weights.learning_rate);
      if (settings_.freeze_after == 0 || updates_ < settings_.freeze_after)
        ranges_.update(of_kind(parameters, true), of_ranges,
                       factor * settings_.ranges.learning_rate);
      ++updates_;
    }

    template<typename Archive>
    void visit_state(Archive& archive)
    {
      archive.value("updates", updates_);
      archive.part("weights", weights_);
      archive.part("ranges", ranges_);
    }

   private:
    using weights_state =
        decltype(std::declval<const Weights&>().start(std::vector<named_tensor>{}));
    using ranges_state = decltype(std::declval<const Ranges&>().start(std::vector<named_tensor>{}));

    [[nodiscard]] static bool is_range(const named_tensor& parameter)
    {
      return parameter.kind == tensor_kind::range;
    }

    /// Ranges are passed on as parameters, so that their optimizer's weight decay applies to
    /// them.
    [[nodiscard]] static std::vector<named_tensor> of_kind(
        const std::vector<named_tensor>& parameters, bool ranges)
    {
      std::vector<named_tensor> found;
      for (const auto& p : parameters)
        if (is_range(p) == ranges) found.push_back({p.name, p.value, tensor_kind::parameter});
      return found;
    }

    param_groups settings_;
    std::size_t count_;
    weights_state weights_;
    ranges_state ranges_;
    std::int64_t updates_ = 0;
  };

  /// @throws std::invalid_argument if `freeze_after` is negative, or what the optimizers throw
  [[nodiscard]] state start(const std::vector<named_tensor>& parameters) const
  {
    if (freeze_after < 0)
      throw_invalid_argument("param_groups", "want freeze_after >= 0 updates, got ", freeze_after);
    return {*this, parameters};
  }
};

}  // namespace rolewise
