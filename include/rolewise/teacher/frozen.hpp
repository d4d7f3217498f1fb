// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A trained network, frozen as a teacher.

#include <rolewise/core/checksum.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/require_taps.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/teacher/detail/graph_to_inputs.hpp>
#include <rolewise/teacher/teacher.hpp>

#include <cstdint>
#include <string_view>
#include <utility>

namespace rolewise {

namespace frozen_must {

template<typename N>
concept be_copied_deeply = std::copyable<N>;

template<typename N>
concept predict_without_being_changed =
    requires(const N network, const batch examples, const taps wanted) {
      { network.predict(examples, wanted) } -> std::same_as<outputs>;
    };

template<typename N>
concept show_their_state = state_must::be_shown<N>;

}  // namespace frozen_must

/// A network that `frozen` accepts: any student.
template<typename N>
concept Freezable =
    frozen_must::be_copied_deeply<N> && frozen_must::predict_without_being_changed<N> &&
    frozen_must::show_their_state<N>;

/// Options of `frozen`.
struct frozen_options {
  /// Compute dtype of the teacher; undefined keeps that of the network. bfloat16 is faster where
  /// the processor supports it, and keeps 8 significant bits of the factors of every product.
  torch::ScalarType compute = torch::ScalarType::Undefined;
};

/// A deep copy of a network, in evaluation mode, whose weights ask for no gradient: later changes
/// of the original do not affect it.
///
/// The outputs have a graph only if the inputs require a gradient and gradients are enabled; it
/// then reaches the inputs and nothing else.
template<typename Network>
class frozen_teacher {
  static_assert(
      Freezable<Network>,
      "frozen wants a network: copyable, with a const predict(batch, taps) and visit_state");

 public:
  static constexpr bool has_state = false;  // never changes
  static constexpr taps offered_taps = rolewise::offered_taps<Network>();

  explicit frozen_teacher(Network network, frozen_options options = {})
      : network_{std::move(network)}, compute_{options.compute}
  {
    for_each_tensor(network_, [](const std::string&, torch::Tensor& t, tensor_kind) {
      if (t.defined()) t = t.detach();
    });
    // Those of a module keep their own handles.
    if constexpr (detail::lists_parameters<Network>)
      for (const auto& p : network_.parameters())
        if (p.value.requires_grad()) p.value.set_requires_grad(false);
    if constexpr (requires { network_.settle_in_evaluation(); }) network_.settle_in_evaluation();
    if (options.compute == torch::ScalarType::Undefined) return;
    if constexpr (requires { network_.cast(options.compute); })
      network_.cast(options.compute);
    else
      throw_invalid_argument("frozen", "this network cannot be cast to ", options.compute);
  }

  /// @throws std::invalid_argument if taps are wanted that the network does not offer, or the
  /// inputs
  ///         require a gradient and the network computes none
  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {}) const
  {
    detail::require_offered("frozen", offered_taps, wanted);
    const detail::graph_to_inputs only{examples};
    return detail::with_graph_to_inputs("frozen", examples, network_.predict(examples, wanted));
  }

  /// Shapes of the tapped features of one example.
  [[nodiscard]] feature_shapes tap_shapes(taps wanted) const
    requires ShowsTapShapes<Network>
  {
    return network_.tap_shapes(wanted);
  }

  void to(torch::Device device)
    requires requires(Network n) { n.to(device); }
  {
    network_.to(device);
  }

  /// The device that `forward` takes its inputs on.
  [[nodiscard]] torch::Device device() const
    requires(detail::says_device<Network> || detail::lists_parameters<Network>)
  {
    return detail::device_of(network_).value_or(torch::kCPU);
  }

  [[nodiscard]] const Network& network() const noexcept { return network_; }

  /// 64-bit fingerprint of the teacher: over names, dtypes, shapes and bytes of all its tensors,
  /// its values, the compute dtype, and, if the network has them, its name and the bit widths of
  /// its layers. Takes one pass over the weights.
  [[nodiscard]] std::uint64_t fingerprint() const
  {
    checksum sum;
    sum.add(std::string_view{c10::toString(compute_)});
    if constexpr (requires { std::string_view{network_.name()}; })
      sum.add(std::string_view{network_.name()});
    if constexpr (requires { network_.layers().front().widths.weights.value(); })
      for (const auto& layer : network_.layers()) {
        sum.add(std::string_view{layer.place.name});
        sum.add(static_cast<std::uint64_t>(layer.widths.weights.value()));
        sum.add(static_cast<std::uint64_t>(layer.widths.activations.value()));
      }
    auto copy = network_;  // visit_state is not const
    sum.add(state_sum(copy));
    return sum.value();
  }

 private:
  Network network_;
  torch::ScalarType compute_;
};

/// Makes a teacher from a trained network: `frozen(pretraining.student)`.
///
///     frozen(net, {.compute = torch::kBFloat16})
template<typename Network>
[[nodiscard]] frozen_teacher<Network> frozen(Network network, frozen_options options = {})
{
  return frozen_teacher<Network>{std::move(network), options};
}

}  // namespace rolewise
