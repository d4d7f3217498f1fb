// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The weights of one layer, kept in full and used in few bits.

#include <rolewise/core/phase.hpp>
#include <rolewise/network/batch_norm.hpp>
#include <rolewise/network/detail/kept.hpp>
#include <rolewise/network/layer_plan.hpp>
#include <rolewise/network/network.hpp>
#include <rolewise/quant/quantised_in.hpp>

#include <memory>
#include <utility>

namespace rolewise {

/// Latent weights, which the optimiser changes, with the state of their quantizer. A state with
/// `constrain(weights, bits)` changes them in place in training, before anything else, such as to
/// keep them in an interval.
///
/// In training they are quantised anew in every forward pass. In evaluation without a graph the
/// result is kept until the latent weights or the quantizer's state change: until a forward pass in
/// training, a reader of the state, `cast`, or a change in place that LibTorch counts (most
/// operators; the optimisers of the library; not `Tensor::data()`, pointers and LibTorch's
/// `_fused_` optimisers called by hand). Several threads may evaluate at once.
template<Quantizer Q>
class quantised_weight {
 public:
  /// What a layer multiplies with.
  struct prepared {
    quantised weight;
    torch::Tensor packed{};  ///< as an integer operator wants it, once it was asked for
    detail::tensor_versions of{};
    bit_width bits{32};
  };

  quantised_weight(const Q& q, planned_layer plan, const torch::Tensor& start)
      : latent_{start.detach().set_requires_grad(true)},
        state_{q.start_weights(plan.place)},
        plan_{std::move(plan)}
  {
    // Ranges for each channel get their shape before anybody asks for what is learned.
    if constexpr (requires { state_.begin(latent_); }) state_.begin(latent_);
  }

  [[nodiscard]] const torch::Tensor& latent() const { return latent_; }

  [[nodiscard]] bool is_full() const { return plan_.widths.weights.is_full(); }

  /// The latent weights, or their product with what a batch norm is folded by.
  [[nodiscard]] torch::Tensor folded(const batch_norm* norm) const
  {
    if (!norm) return latent_;
    return latent_ * norm->folding().to(latent_.scalar_type()).view({-1, 1, 1, 1});
  }

  /// @param norm what is folded into the weights before they are quantised; none if null
  [[nodiscard]] std::shared_ptr<const prepared> operator()(phase when, batch_norm* norm = nullptr)
  {
    const auto bits = plan_.widths.weights;
    const auto fresh = [&](const torch::Tensor& full, detail::tensor_versions versions) {
      auto weight = bits.is_full() ? quantised{.levels = full, .scale = {}}
                                   : quantised_in(when, state_, full, bits);
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

  /// What `pack` makes of them, once for weights that are kept.
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

  /// A quantizer's state for weights that says `static constexpr bool keeps_size = false` gives
  /// levels of another size than the weights': pictures put them where the weights are.
  [[nodiscard]] static constexpr bool keeps_size()
  {
    if constexpr (requires { state::keeps_size; })
      return state::keeps_size;
    else
      return true;
  }

  /// Calls `f(place, bits, weights, quantised)` with the weights as evaluation quantises them.
  template<typename F>
  void show_levels(F&& f)
  {
    f(plan_.place, plan_.widths.weights, folded(shown_with_),
      (*this)(phase::evaluation, shown_with_)->weight);
  }
  /// What is folded into the weights that `show_levels` shows, until the next call.
  void show_with(batch_norm* norm) { shown_with_ = norm; }

  /// Weights of few bits stay in at least single precision: rounding them to 16 bits first would
  /// move some of them to another level.
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
  using state = decltype(std::declval<const Q&>().start_weights(layer_place{}));

  template<typename Archive>
  void show_state(Archive& archive)
  {
    archive.parameter("weight", latent_);
    visit_part(archive, "quantizer", state_);
  }

  /// Empty if a tensor doesn't count its changes.
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
