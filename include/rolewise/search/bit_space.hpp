// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The bit widths of all layers as a search space.

#include <rolewise/quant/layer_report.hpp>
#include <rolewise/quant/per_layer.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::search {

/// A search space with one dimension per layer, `bits.<layer>`: integers if the widths are
/// consecutive, else names (`2`, `4`, `8`). Weights and activations of a layer get the same width.
///
///     const bit_space bits{layers_inside(network.layers()), {2, 4, 8}};
///     run_search(random_search{}, bits.space(), [&](const configuration& p, std::int64_t, seed
///     own) {
///       return supervised{.student = resnet8(shape, dorefa{}, bits.scheme(p), {.seed = own})};
///     }, ...);
class bit_space {
 public:
  /// @param widths ascending
  /// @throws std::invalid_argument without a layer or a width, for widths outside 1 .. 32 or not
  ///         ascending
  bit_space(std::vector<std::string> layers, std::vector<int> widths)
      : layers_{std::move(layers)}, widths_{std::move(widths)}
  {
    if (layers_.empty() || widths_.empty())
      throw_invalid_argument("bit_space", "want layers and widths, got ", layers_.size(), " and ",
                             widths_.size());
    for (std::size_t i = 0; i < widths_.size(); ++i)
      if (widths_[i] < 1 || widths_[i] > 32 || (i > 0 && widths_[i] <= widths_[i - 1]))
        throw_invalid_argument("bit_space", "want rising widths in 1 .. 32, got ",
                               detail::classic_list(" ", widths_));
  }

  /// The dimensions, to be searched alone or combined with others.
  [[nodiscard]] std::vector<dimension> dimensions() const
  {
    std::vector<dimension> all;
    for (const auto& layer : layers_) all.push_back({"bits." + layer, range()});
    return all;
  }
  /// @throws std::invalid_argument if two layers have one name
  [[nodiscard]] search_space space() const { return search_space{dimensions()}; }

  /// The bit width scheme at a configuration; values of other dimensions are ignored.
  /// @throws std::invalid_argument if the configuration lacks the bits of a layer, or has others
  ///         than the widths
  template<BitWidthScheme Otherwise = full_precision>
  [[nodiscard]] per_layer<Otherwise> scheme(const configuration& at,
                                            const Otherwise& otherwise = {}) const
  {
    per_layer<Otherwise> found{{}, otherwise};
    for (const auto& layer : layers_) {
      const bit_width bits{width_at(at, "bits." + layer)};
      found.layers.push_back({layer, {bits, bits}});
    }
    return found;
  }

  /// The configuration of a scheme: the bit widths of the weights.
  /// @throws std::invalid_argument if a layer is not listed, or its width is not in the space
  template<typename Otherwise>
  [[nodiscard]] configuration configuration_of(const per_layer<Otherwise>& scheme) const
  {
    configuration found;
    for (const auto& layer : layers_) {
      const auto listed = std::ranges::find(scheme.layers, layer, &named_bits::layer);
      if (listed == scheme.layers.end())
        throw_invalid_argument("bit_space", "the scheme does not list layer ", layer);
      const int bits = listed->widths.weights.value();
      require_known(bits, layer);
      if (is_interval())
        found.set("bits." + layer, std::int64_t{bits});
      else
        found.set("bits." + layer, std::to_string(bits));
    }
    return found;
  }

 private:
  [[nodiscard]] bool is_interval() const
  {
    return widths_.back() - widths_.front() + 1 == static_cast<int>(widths_.size());
  }

  [[nodiscard]] decltype(dimension::range) range() const
  {
    if (is_interval()) return integer_interval{widths_.front(), widths_.back()};
    choice_of names;
    for (const int bits : widths_) names.names.push_back(std::to_string(bits));
    return names;
  }

  [[nodiscard]] int width_at(const configuration& at, const std::string& name) const
  {
    if (is_interval()) {
      const auto bits = at.integer(name);
      if (bits < widths_.front() || bits > widths_.back())
        throw_invalid_argument("bit_space", "'", name, "' is ", bits, ", want ", widths_.front(),
                               " to ", widths_.back());
      return static_cast<int>(bits);
    }
    const auto& chosen = at.choice(name);
    for (const int bits : widths_)
      if (std::to_string(bits) == chosen) return bits;
    throw_invalid_argument("bit_space", "'", name, "' is '", chosen, "', want one of ",
                           detail::classic_list(" ", widths_));
  }

  void require_known(int bits, const std::string& layer) const
  {
    if (std::ranges::find(widths_, bits) == widths_.end())
      throw_invalid_argument("bit_space", "layer ", layer, " has ", bits, " bits, the space has ",
                             detail::classic_list(" ", widths_));
  }

  std::vector<std::string> layers_;
  std::vector<int> widths_;
};

/// Names of all layers but the first and the last.
[[nodiscard]] inline std::vector<std::string> layers_inside(const std::vector<layer_report>& layers)
{
  std::vector<std::string> names;
  for (const auto& layer : layers)
    if (!layer.place.is_first() && !layer.place.is_last()) names.push_back(layer.place.name);
  return names;
}

}  // namespace rolewise::search
