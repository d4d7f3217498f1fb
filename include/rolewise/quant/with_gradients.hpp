// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `with_gradients`: combines a quantizer with a gradient quantizer.

#include <rolewise/quant/gradient_quantizer.hpp>
#include <rolewise/quant/quantizer.hpp>

#include <string_view>

namespace rolewise {

/// A quantizer of weights and activations, combined with one of gradients:
///
///     rw::with_gradients{rw::dorefa{}, rw::dorefa_gradients{.bits = rw::bit_width{6}}}
///
/// Its name is that of the first.
template<typename Q, typename G>
struct with_gradients {
  static_assert(Quantizer<Q>, "with_gradients: the first part must satisfy Quantizer");
  static_assert(GradientQuantizer<G>,
                "with_gradients: the second part must satisfy GradientQuantizer");

  static constexpr std::string_view name = Q::name;
  static constexpr bool rectifies = rolewise::rectifies<Q>();

  Q quantizer;
  G gradients;

  [[nodiscard]] auto start_weights(const layer_id& place) const
  {
    return quantizer.start_weights(place);
  }
  [[nodiscard]] auto start_activations(const layer_id& place) const
  {
    return quantizer.start_activations(place);
  }
  [[nodiscard]] auto start_gradients(const layer_id& place) const
  {
    return gradients.start_gradients(place);
  }
};

template<typename Q, typename G>
with_gradients(Q, G) -> with_gradients<Q, G>;

}  // namespace rolewise
