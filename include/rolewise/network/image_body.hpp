// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `image_body` base: what networks for images have in common, whatever their layers.

#include <rolewise/core/phase.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/network/detail/trace.hpp>
#include <rolewise/network/network_options.hpp>
#include <rolewise/network/planned_body.hpp>
#include <rolewise/quant/quantizer.hpp>

#include <concepts>
#include <utility>

namespace rolewise {

namespace detail {

/// The images of a forward pass: tensors or, in full precision, those of a trace.
template<typename Image, typename Q>
concept ImagesFor = std::same_as<Image, torch::Tensor> ||
                    (std::same_as<Image, traced_map> && rolewise::changes_nothing<Q>());

/// A body whose forward pass can be traced: an `image_body` in full precision whose classifier
/// reads a pooled map.
template<typename Body>
concept TraceableBody = requires(Body body, trace& features) {
  { body.logits(features.image(), phase::evaluation, features) } -> std::same_as<traced_logits>;
};

}  // namespace detail

/// Base of the body of a network for images, made from a plan, an aggregate with a `name`.
/// `Derived` has, besides what a `planned_body` has:
///
///     template<detail::ImagesFor<Q> Images, typename Features>
///     auto logits(const Images& images, phase when, Features& features);  // one forward pass
///
/// `logits` runs on tensors, and on the maps of a trace, from which `int8_body` makes its 8-bit
/// form; a network that has none takes tensors alone.
template<typename Derived, Quantizer Q, BitWidthScheme Scheme, typename Plan>
class image_body : public planned_body<Derived, Q, Scheme, Plan> {
 public:
  /// @param inputs `[N, C, H, W]`, normalized
  /// @throws std::invalid_argument for another number of channels
  [[nodiscard]] outputs forward(const torch::Tensor& inputs, phase when, taps wanted)
  {
    detail::require_images(this->name(), inputs, this->shape_.channels);
    detail::tapped_features features{wanted};
    auto logits = static_cast<Derived&>(*this).logits(inputs, when, features);
    return {.logits = std::move(logits), .features = features.taken()};
  }

 protected:
  // NOLINTNEXTLINE(bugprone-crtp-constructor-accessibility): users derive without a friend
  image_body(const Plan& plan, const sample_shape& shape, const Q& q, const Scheme& scheme,
             const network_options& options)
      : planned_body<Derived, Q, Scheme, Plan>{plan, shape, q, scheme, options}
  {}
};

}  // namespace rolewise
