// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `quantized_weight`: latent full-precision weights of a layer and their quantized values.

#include <rolewise/core/phase.hpp>
#include <rolewise/network/batch_norm.hpp>
#include <rolewise/network/detail/kept.hpp>
#include <rolewise/network/layer_plan.hpp>
#include <rolewise/network/network.hpp>
#include <rolewise/quant/quantized_in.hpp>

#include <memory>
#include <utility>

namespace rolewise {

/// Latent weights, updated by the optimizer, and the state of their quantizer. A state's
/// `constrain(weights, bits)`, if it has one, changes them in place in training, before anything
/// else, for example to keep them in an interval.
///
/// In training the weights are quantized in every forward pass. In evaluation without autograd
/// the result is cached until the latent weights or the quantizer's state change: until a forward
/// pass in training or calibration, a call of `visit_state` or `cast`, or an in-place change that
/// LibTorch's version counter records (most operators and the library's optimizers; not
/// `Tensor::data()`, raw pointers or LibTorch's `_fused_` optimizers called by hand). Several
/// threads may evaluate at once.
template<Quantizer Q>
class quantized_weight {
 public:
  /// The weights as a layer multiplies them.
  struct prepared {
    quantized weight;
    torch::Tensor packed{};  ///< in the layout of an integer operator, once requested
    detail::tensor_versions of{};
    bit_width bits{32};
  };

  quantized_weight(const Q& q, planned_layer plan, const torch::Tensor& start)
      : latent_{start.detach().set_requires_grad(true)},
        state_{q.start_weights(plan.place)},
        plan_{std::move(plan)}
  {
    // Per-channel ranges get their shape before the learned tensors are collected.
    if constexpr (requires { state_.begin(latent_); }) state_.begin(latent_);
  }

  [[nodiscard]] const torch::Tensor& latent() const { return latent_; }

  [[nodiscard]] bool is_full() const { return plan_.widths.weights.is_full(); }

  /// The latent weights, multiplied by the folding factor of a batch norm if there is one.
  [[nodiscard]] torch::Tensor folded(const batch_norm* norm) const
  {
    if (!norm) return latent_;
    return latent_ * norm->folding().to(latent_.scalar_type()).view({-1, 1, 1, 1});
  }

  /// @param norm the batch norm to fold into the weights before quantization; null for none
  [[nodiscard]] std::shared_ptr<const prepared> operator()(phase when, batch_norm* norm = nullptr)
  {
    const auto bits = plan_.widths.weights;
    const auto fresh = [&](const torch::Tensor& full, detail::tensor_versions versions) {
      auto weight = bits.is_full() ? quantized{.levels = full, .scale = {}}
                                   : quantized_in(when, state_, full, bits);
      return std::make_shared<const prepared>(
          prepared{std::move(weight), {}, std::move(versions), bits});
    };
    if (bits.is_full()) return fresh(folded(norm), {});
    if (observes_ranges(when)) {
      kept_.reset();
      if constexpr (requires { state_.constrain(latent_, bits); })
        if (when == phase::training) state_.constrain(latent_, bits);
      const auto full = folded(norm);
      if constexpr (requires { state_.observe(full, bits); }) state_.observe(full, bits);
      return fresh(full, {});
    }
    if (when != phase::evaluation || at::GradMode::is_enabled()) return fresh(folded(norm), {});
    auto versions = versions_now(norm);
    if (versions.empty()) return fresh(folded(norm), {});
    if (auto before = kept_.get(); before && before->of == versions && before->bits == bits)
      return before;
    auto made = fresh(folded(norm), std::move(versions));
    kept_.set(made);
    return made;
  }

  /// The result of `pack` on the quantized weights, computed once for cached weights.
  template<typename Pack>
  [[nodiscard]] torch::Tensor packed(const std::shared_ptr<const prepared>& weights,
                                     const Pack& pack)
  {
    if (weights->packed.defined()) return weights->packed;
    auto packed = pack(weights->weight);
    if (kept_.get() == weights)
      kept_.set(std::make_shared<const prepared>(
          prepared{weights->weight, packed, weights->of, weights->bits}));
    return packed;
  }

  [[nodiscard]] layer_report report() const { return {plan_.place, plan_.widths, latent_.numel()}; }

  /// Whether levels have the magnitude of the weights. A quantizer's state for weights with
  /// `static constexpr bool keeps_size = false` changes it: plots then rescale levels to the
  /// weights.
  [[nodiscard]] static constexpr bool keeps_size()
  {
    if constexpr (requires { state::keeps_size; })
      return state::keeps_size;
    else
      return true;
  }

  /// Calls `f(place, bits, weights, quantized)` with the weights as evaluation quantizes them.
  template<typename F>
  void show_levels(F&& f)
  {
    f(plan_.place, plan_.widths.weights, folded(shown_with_),
      (*this)(phase::evaluation, shown_with_)->weight);
  }
  /// Sets the batch norm folded into the weights that `show_levels` passes, until the next call.
  void show_with(batch_norm* norm) { shown_with_ = norm; }
  /// Whether the weights that `show_levels` passes hold the factor of a batch norm.
  [[nodiscard]] bool shows_folded() const { return shown_with_ != nullptr; }

  /// Low-bit weights stay in at least single precision: rounding them to 16 bits first would
  /// change the level of some.
  void cast(torch::ScalarType type)
  {
    kept_.reset();
    if (c10::isReducedFloatingType(type) && !plan_.widths.weights.is_full()) type = torch::kFloat;
    latent_ = latent_.detach().to(type).set_requires_grad(latent_.requires_grad());
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    kept_.reset();  // the archive may write
    show_state(archive);
    if constexpr (requires { archive.template weights_of<Q>(plan_, state_); })
      archive.template weights_of<Q>(plan_, state_);
    if constexpr (requires { archive.weights(*this); }) archive.weights(*this);
  }

 private:
  using state = decltype(std::declval<const Q&>().start_weights(layer_id{}));

  template<typename Archive>
  void show_state(Archive& archive)
  {
    archive.parameter("weight", latent_);
    visit_part(archive, "quantizer", state_);
  }

  /// The current versions; empty if a tensor has no version counter.
  [[nodiscard]] detail::tensor_versions versions_now(batch_norm* norm)
  {
    detail::version_archive archive;
    show_state(archive);
    if (norm) norm->visit_state(archive);
    return archive.versions();
  }

  torch::Tensor latent_;
  [[no_unique_address]] state state_;
  planned_layer plan_;
  detail::kept<prepared> kept_;
  batch_norm* shown_with_ = nullptr;
};

}  // namespace rolewise
