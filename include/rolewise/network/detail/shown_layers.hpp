// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checks that the state of a network body lists all of its layers and all that it learns.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/layer_report.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::detail {

/// Archive that collects the quantized layers in the state of a body, and counts its values.
class shown_layers {
 public:
  void parameter(std::string_view, torch::Tensor& t) { count(t); }
  void range(std::string_view, torch::Tensor& t) { count(t); }
  void buffer(std::string_view, torch::Tensor& t) { count(t); }
  template<PlainState T>
  void value(std::string_view, T&)
  {}
  template<typename Part>
  void part(std::string_view, Part& inner)
  {
    inner.visit_state(*this);
  }
  /// @param of a `quantized_weight`, which shows itself to this function after its tensors
  template<typename Weight>
  void weights(const Weight& of)
  {
    layers_.push_back(of.report());
  }

  [[nodiscard]] const std::vector<layer_report>& layers() const { return layers_; }
  [[nodiscard]] std::int64_t values() const { return values_; }

 private:
  void count(const torch::Tensor& t)
  {
    if (t.defined()) values_ += t.numel();
  }

  std::vector<layer_report> layers_;
  std::int64_t values_ = 0;
};

/// Compares the layers in the state of a body with those that it reports. Layers of other types
/// than the library's are known by the number of their weights alone.
/// @throws std::invalid_argument that begins with `who` and names the layer
ROLEWISE_INLINE void require_same_layers(std::string_view who, const shown_layers& shown,
                                         const std::vector<layer_report>& reported);

/// @param run names of the layers that a forward pass has run
/// @throws std::invalid_argument that begins with `who`, for a layer that is not reported
ROLEWISE_INLINE void require_reported(std::string_view who, const std::vector<std::string>& run,
                                      const std::vector<layer_report>& reported);

/// Walks the graph of an output to the leaves that gradients accumulate in.
/// @param shown all tensors of the state
/// @throws std::invalid_argument that begins with `who`, for a leaf that is not one of them
ROLEWISE_INLINE void require_shown(std::string_view who, const torch::Tensor& output,
                                   const std::vector<named_tensor>& shown);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/shown_layers.hpp>
#endif
