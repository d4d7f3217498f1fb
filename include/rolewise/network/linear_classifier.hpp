// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `linear_classifier`: the last layer of a trained network, as a value that is not learned.

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/quant/layer_report.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

/// The linear layer that turns the penultimate vector into logits, in single precision; shown as
/// buffers, so that no optimizer changes it.
struct linear_classifier {
  owned_tensor weight{};  ///< `[classes, D]`
  owned_tensor bias{};    ///< `[classes]`, or undefined

  /// @param x `[N, D]`
  /// @return `[N, classes]`
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.buffer("weight", *weight);
    if (bias->defined()) archive.buffer("bias", *bias);
  }
};

namespace detail {

template<typename N>
concept holds_network = requires(const N& teacher) { teacher.network().parameters(); };
template<typename N>
concept holds_teacher = requires(const N& shared) { shared.teacher().network().parameters(); };

/// @throws std::invalid_argument unless there is a weight `[classes, D]` under the name, and a bias
///         `[classes]` or none
[[nodiscard]] ROLEWISE_INLINE linear_classifier
classifier_among(const std::vector<named_tensor>& parameters, const std::string& name);

/// @throws std::invalid_argument if the layer of this name computes in fewer than 32 bits
ROLEWISE_INLINE void require_full_precision(const std::vector<layer_report>& layers,
                                            std::string_view name);

}  // namespace detail

/// A copy of the classifier of a network, of `frozen(network)`, or of a `shared_teacher` of that:
/// the linear layer whose parameters are `name.weight` and `name.bias`. All networks of the library
/// call it `classifier`.
///
///     const auto last = classifier_of(frozen(pretraining.student));
///
/// @throws std::invalid_argument if there is no such layer, or it is quantized
template<typename Network>
[[nodiscard]] linear_classifier classifier_of(const Network& network,
                                              const std::string& name = "classifier")
{
  if constexpr (detail::holds_teacher<Network>) {
    return classifier_of(network.teacher().network(), name);
  } else if constexpr (detail::holds_network<Network>) {
    return classifier_of(network.network(), name);
  } else {
    constexpr bool lists_parameters = requires {
      { network.parameters() } -> std::same_as<std::vector<named_tensor>>;
    };
    static_assert(lists_parameters,
                  "classifier_of wants a network with parameters(), or a teacher with network(), "
                  "such as frozen(network)");
    if constexpr (lists_parameters) {
      if constexpr (requires {
                      { network.layers() } -> std::same_as<std::vector<layer_report>>;
                    })
        detail::require_full_precision(network.layers(), name);
      return detail::classifier_among(network.parameters(), name);
    }
  }
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/linear_classifier.hpp>
#endif
