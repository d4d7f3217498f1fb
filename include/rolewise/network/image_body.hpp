// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `image_body` base: what networks for images have in common, whatever their layers.

#include <rolewise/core/phase.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/network/detail/layer_factory.hpp>
#include <rolewise/network/detail/trace.hpp>
#include <rolewise/network/layered.hpp>
#include <rolewise/network/network_options.hpp>
#include <rolewise/quant/quantizer.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

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
/// `Derived` has, besides `for_each_layer` (see `layered`):
///
///     template<detail::ImagesFor<Q> Images, typename Features>
///     auto logits(const Images& images, phase when, Features& features);  // one forward pass
///     std::int64_t positions(std::size_t entry) const;  // output pixels of the layers of an entry
///     static void check(const Plan&, const sample_shape&);              // throws
///     static weight_init start_of(const Plan&, const network_options&);
///     using full_precision_body = ...;                                  // without a quantizer
///     Derived(Plan, const sample_shape&, const Q&, const Scheme&, const network_options&,
///             const layer_plan&);
///
/// The last constructor makes the layers by `make(layers)`; `layer_plan{}` gives layers without
/// weights, whose names then become the plan of the network. `logits` runs on tensors, and on the
/// maps of a trace, from which `int8_body` makes its 8-bit form.
template<typename Derived, Quantizer Q, BitWidthScheme Scheme, typename Plan>
class image_body : public layered<Derived> {
 public:
  /// @param inputs `[N, C, H, W]`, normalized
  /// @throws std::invalid_argument for another number of channels
  [[nodiscard]] outputs forward(const torch::Tensor& inputs, phase when, taps wanted)
  {
    detail::require_images(name(), inputs, shape_.channels);
    detail::tapped_features features{wanted};
    auto logits = static_cast<Derived&>(*this).logits(inputs, when, features);
    return {.logits = std::move(logits), .features = features.taken()};
  }

  [[nodiscard]] std::vector<layer_report> layers() const
  {
    return this->reports(
        [&](std::size_t entry) { return static_cast<const Derived&>(*this).positions(entry); });
  }

  [[nodiscard]] const std::string& name() const { return plan_.name; }
  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] const Scheme& scheme() const { return scheme_; }
  [[nodiscard]] sample_shape shape() const { return shape_; }
  [[nodiscard]] torch::ScalarType input_type() const { return compute_; }

  void cast(torch::ScalarType type)
  {
    layered<Derived>::cast(type);
    compute_ = type;
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("plan", plan_);
    archive.show("quantizer", quantizer_);
    archive.show("scheme", scheme_);
    archive.show("options", options_);
  }

 protected:
  // NOLINTNEXTLINE(bugprone-crtp-constructor-accessibility): users derive without a friend
  image_body(const Plan& plan, const sample_shape& shape, const Q& q, const Scheme& scheme,
             const network_options& options)
      : plan_{plan}, shape_{shape}, quantizer_{q}, scheme_{scheme}, options_{options}
  {}

  /// The places and bit widths of the layers: those that the same network lists in full precision.
  [[nodiscard]] static layer_plan planned(const Plan& plan, const sample_shape& shape, const Q& q,
                                          const Scheme& scheme)
  {
    detail::require_shape(plan.name, shape);
    Derived::check(plan, shape);
    const typename Derived::full_precision_body lists{plan, shape, {}, {}, {}, layer_plan{}};
    std::vector<layer_id> places;
    for (auto& layer : lists.layers()) places.push_back(std::move(layer.place));
    return {q, scheme, places};
  }

  [[nodiscard]] detail::layer_factory<Q> make(const layer_plan& layers) const
  {
    auto start = Derived::start_of(plan_, options_);
    start.is_drawn = !layers.only_lists();
    return {quantizer_, layers, start, normalization()};
  }

  Plan plan_;
  sample_shape shape_;
  [[no_unique_address]] Q quantizer_;
  Scheme scheme_;
  network_options options_;

 private:
  [[nodiscard]] batch_norm_options normalization() const
  {
    if constexpr (requires { plan_.normalization; })
      return detail::normalization_of<Q>(plan_.name, options_, plan_.normalization);
    else
      return detail::normalization_of<Q>(plan_.name, options_);
  }

  torch::ScalarType compute_ = torch::kFloat;
};

}  // namespace rolewise
