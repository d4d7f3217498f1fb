// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The weights of one layer, kept in full and used in few bits.

#include <rolewise/core/phase.hpp>
#include <rolewise/network/layer_plan.hpp>
#include <rolewise/network/network.hpp>

#include <utility>

namespace rolewise {

/// Latent weights, which the optimiser changes, with the state of their quantizer. They are
/// quantised anew in every forward pass.
template<Quantizer Q>
class quantised_weight {
 public:
  quantised_weight(const Q& q, planned_layer plan, const torch::Tensor& start)
      : latent_{start.detach().set_requires_grad(true)},
        state_{q.start_weights(plan.place)},
        plan_{std::move(plan)}
  {}

  [[nodiscard]] const torch::Tensor& latent() const { return latent_; }

  [[nodiscard]] quantised operator()(phase when)
  {
    const auto bits = plan_.widths.weights;
    if (bits.is_full()) return {.levels = latent_, .scale = {}};
    if constexpr (requires { state_.observe(latent_, bits); })
      if (when == phase::training) state_.observe(latent_, bits);
    return std::as_const(state_)(latent_, bits);
  }

  [[nodiscard]] layer_report report() const { return {plan_.place, plan_.widths, latent_.numel()}; }

  /// A quantizer's state for weights that says `static constexpr bool keeps_size = false` gives
  /// levels of another size than the weights': pictures put them where the weights are.
  [[nodiscard]] static constexpr bool keeps_size()
  {
    if constexpr (requires { state::keeps_size; })
      return state::keeps_size;
    else
      return true;
  }

  /// Calls `f(place, bits, latent weights, quantised)` with the weights as evaluation has them.
  template<typename F>
  void show_levels(F&& f)
  {
    f(plan_.place, plan_.widths.weights, latent_, (*this)(phase::evaluation));
  }

  /// Weights of few bits stay in at least single precision: rounding them to 16 bits first would
  /// move some of them to another level.
  void cast(torch::ScalarType type)
  {
    if (c10::isReducedFloatingType(type) && !plan_.widths.weights.is_full()) type = torch::kFloat;
    latent_ = latent_.detach().to(type).set_requires_grad(latent_.requires_grad());
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", latent_);
    visit_part(archive, "quantizer", state_);
    if constexpr (requires { archive.weights(*this); }) archive.weights(*this);
  }

 private:
  using state = decltype(std::declval<const Q&>().start_weights(layer_place{}));

  torch::Tensor latent_;
  [[no_unique_address]] state state_;
  planned_layer plan_;
};

}  // namespace rolewise
