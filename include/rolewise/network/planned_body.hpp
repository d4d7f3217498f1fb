// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `planned_body` base: what networks that are made from a plan have in common, whatever they
/// read.

#include <rolewise/core/tensor.hpp>
#include <rolewise/network/detail/layer_factory.hpp>
#include <rolewise/network/layered.hpp>
#include <rolewise/network/network_options.hpp>
#include <rolewise/quant/quantizer.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// Base of the body of a network that is made from a plan, an aggregate with a `name`. `Derived`
/// has, besides `for_each_layer` (see `layered`) and `forward`:
///
///     std::int64_t positions(std::size_t entry) const;  // output pixels of the layers of an entry
///     // or positions(entry, index) of one of its layers with weights, where they differ
///     static void check(const Plan&, const sample_shape&);              // throws
///     static weight_init start_of(const Plan&, const network_options&);
///     using full_precision_body = ...;                                  // without a quantizer
///     Derived(Plan, const sample_shape&, const Q&, const Scheme&, const network_options&,
///             const layer_plan&);
///
/// The last constructor makes the layers by `make(layers)`; `layer_plan{}` gives layers without
/// weights, whose names then become the plan of the network.
template<typename Derived, Quantizer Q, BitWidthScheme Scheme, typename Plan>
class planned_body : public layered<Derived> {
 public:
  [[nodiscard]] std::vector<layer_report> layers() const
  {
    const auto& body = static_cast<const Derived&>(*this);
    if constexpr (requires { body.positions(std::size_t{}, std::size_t{}); })
      return this->reports(
          [&](std::size_t entry, std::size_t index) { return body.positions(entry, index); });
    else
      return this->reports([&](std::size_t entry) { return body.positions(entry); });
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
  planned_body(const Plan& plan, const sample_shape& shape, const Q& q, const Scheme& scheme,
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
    return {q, scheme, std::move(places)};
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
