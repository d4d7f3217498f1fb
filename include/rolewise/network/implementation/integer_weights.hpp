// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/integer_weights.hpp>.

#include <rolewise/network/integer_weights.hpp>

#include <rolewise/support/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace rolewise::detail {

/// The smallest dtype of integers that holds all of some levels and, if it is known, their range.
[[nodiscard]] ROLEWISE_INLINE torch::ScalarType type_for_codes(const quantized& weight)
{
  struct integers {
    torch::ScalarType type;
    double lowest, highest;
  };
  constexpr std::array<integers, 4> all{{{torch::kChar, -128.0, 127.0},
                                         {torch::kByte, 0.0, 255.0},
                                         {torch::kShort, -32768.0, 32767.0},
                                         {torch::kInt, -2147483648.0, 2147483647.0}}};
  auto lowest = weight.levels.min().item<double>(), highest = weight.levels.max().item<double>();
  if (weight.range) {
    lowest = std::min(lowest, static_cast<double>(weight.range->lowest));
    highest = std::max(highest, static_cast<double>(weight.range->highest));
  }
  for (const auto& each : all)
    if (each.lowest <= lowest && highest <= each.highest) return each.type;
  return torch::kLong;
}

ROLEWISE_INLINE void add_integer_layer(support::safetensors& file, const integer_layer& layer,
                                       const quantized& weight)
{
  constexpr std::string_view who = "write_integer_weights";
  if (!weight.is_integer)
    throw_invalid_argument(who, "layer '", layer.name, "': want integer levels, those of ",
                           layer.quantizer, " at ", layer.widths.weights.value(),
                           " bits are not integers times a scale");
  const auto& levels = weight.levels;
  if (levels.is_floating_point() && !levels.isfinite().all().item<bool>())
    throw_runtime_error(who, "layer '", layer.name, "': the weights are not finite");
  const auto type =
      weight.gradient_proxy.defined() ? weight.gradient_proxy.scalar_type() : levels.scalar_type();
  const auto add = [&](std::string_view what, const torch::Tensor& t) {
    file.tensors.emplace_back(classic_text(layer.name, ".", what), t);
  };
  add("weight", levels.to(type_for_codes(weight)));
  add("weight_scale", weight.scale.defined() ? weight.scale.detach().to(type)
                                             : at::ones({}, levels.options().dtype(type)));
  if (weight.offset.defined()) add("weight_offset", weight.offset.detach().to(type));

  const json about{json::object{{"quantizer", std::string{layer.quantizer}},
                                {"bits", std::int64_t{layer.widths.weights.value()}},
                                {"activation_bits", std::int64_t{layer.widths.activations.value()}},
                                {"zero_point", weight.zero_point},
                                {"folded", layer.is_folded}}};
  std::string text;
  about.write(text, 0, true);
  file.metadata.emplace_back("layer." + layer.name, text);
}

}  // namespace rolewise::detail
