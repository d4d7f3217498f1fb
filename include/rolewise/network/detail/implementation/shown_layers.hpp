// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/shown_layers.hpp>.

#include <rolewise/network/detail/shown_layers.hpp>

#include <rolewise/core/autograd_function.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <unordered_set>

#include <torch/csrc/autograd/functions/accumulate_grad.h>

namespace rolewise::detail {

[[nodiscard]] ROLEWISE_INLINE const layer_report* find_layer(const std::vector<layer_report>& all,
                                                             const std::string& name)
{
  const auto found = std::ranges::find_if(
      all, [&](const layer_report& layer) { return layer.place.name == name; });
  return found == all.end() ? nullptr : &*found;
}

ROLEWISE_INLINE void require_same_layers(std::string_view who, const shown_layers& shown,
                                         const std::vector<layer_report>& reported)
{
  auto others = shown.values();
  for (const auto& layer : shown.layers()) {
    others -= layer.weights;
    const auto* const same = find_layer(reported, layer.place.name);
    if (!same)
      throw_invalid_argument(who, "visit_state shows the layer ", layer.place.name, " with ",
                             layer.weights,
                             " weights, but layers() does not report it: costs would count it in "
                             "full precision, and set_bits would pass it by");
    if (same->weights != layer.weights)
      throw_invalid_argument(who, "layers() reports ", same->weights, " weights of ",
                             layer.place.name, ", visit_state shows ", layer.weights);
  }
  for (const auto& layer : reported) {
    if (find_layer(shown.layers(), layer.place.name)) continue;
    others -= layer.weights;
    if (others < 0)
      throw_invalid_argument(who, "layers() reports the layer ", layer.place.name, " with ",
                             layer.weights,
                             " weights, but visit_state does not show them: they would be neither "
                             "trained, nor copied, nor stored");
  }
}

ROLEWISE_INLINE void require_reported(std::string_view who, const std::vector<std::string>& run,
                                      const std::vector<layer_report>& reported)
{
  for (const auto& name : run)
    if (!find_layer(reported, name))
      throw_invalid_argument(who, "the forward pass runs the layer ", name,
                             ", but layers() does not report it");
}

ROLEWISE_INLINE void require_shown(std::string_view who, const torch::Tensor& output,
                                   const std::vector<named_tensor>& shown)
{
  std::unordered_set<const c10::TensorImpl*> known;
  for (const auto& each : shown) known.insert(each.value.unsafeGetTensorImpl());
  std::unordered_set<torch::autograd::Node*> seen;
  std::vector<torch::autograd::Node*> open;
  const auto add = [&](torch::autograd::Node* node) {
    if (node && seen.insert(node).second) open.push_back(node);
  };
  add(output.grad_fn().get());
  while (!open.empty()) {
    auto* const node = open.back();
    open.pop_back();
    if (const auto* const leaf = dynamic_cast<const torch::autograd::AccumulateGrad*>(node);
        leaf && !known.contains(leaf->variable.unsafeGetTensorImpl()))
      throw_invalid_argument(
          who, "the forward pass reads a learned tensor of shape ", leaf->variable.sizes(),
          " that visit_state does not show: it would be neither trained, nor copied, nor stored");
    for (const auto& edge : node->next_edges()) add(edge.function.get());
  }
}

}  // namespace rolewise::detail
