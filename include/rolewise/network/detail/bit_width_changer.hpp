// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Changes the bit widths of existing layers.

#include <rolewise/core/state.hpp>
#include <rolewise/network/layer_plan.hpp>
#include <rolewise/support/inline.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// An archive that skips state; layers pass it their widths when they are visited.
class bit_width_changer {
 public:
  /// @param wanted all layers of the network, with their new widths
  bit_width_changer(const std::vector<planned_layer>& wanted, bool tells_states)
      : wanted_{wanted}, tells_states_{tells_states}
  {}

  void parameter(std::string_view, torch::Tensor&) {}
  void range(std::string_view, torch::Tensor&) {}
  void buffer(std::string_view, torch::Tensor&) {}
  template<PlainState T>
  void value(std::string_view, T&)
  {}
  template<typename Part>
  void part(std::string_view name, Part& inner)
  {
    const auto length = prefix_.size();
    prefix_.append(name).append(".");
    inner.visit_state(*this);
    prefix_.resize(length);
  }

  template<typename Q, typename State>
  void weights_of(planned_layer& layer, State& state)
  {
    const planned_layer next{layer.place, wanted_for(layer.place)};
    require_able<Q>(next);
    change(layer.widths.weights, next.widths.weights, state);
    layer.widths = next.widths;
  }

  template<typename Q, typename State>
  void activations_into(const layer_id& place, bit_width& bits, State& state)
  {
    const planned_layer next{place, wanted_for(place)};
    require_able<Q>(next);
    change(bits, next.widths.activations, state);
    bits = next.widths.activations;
  }

  /// Whether a tensor of this name belongs to a state whose width has changed.
  [[nodiscard]] bool has_changed(const std::string& name) const;

 private:
  [[nodiscard]] layer_bits wanted_for(const layer_id& place) const;

  template<typename State>
  void change(bit_width from, bit_width to, State& state)
  {
    if (from == to) return;
    changed_.push_back(prefix_ + "quantizer.");
    if constexpr (requires { state.change_bits(from, to); })
      if (tells_states_) state.change_bits(from, to);
  }

  const std::vector<planned_layer>& wanted_;
  bool tells_states_;
  std::string prefix_;
  std::vector<std::string> changed_;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/bit_width_changer.hpp>
#endif
