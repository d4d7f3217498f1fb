// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/bit_space.hpp>.

#include <rolewise/search/bit_space.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::search {

ROLEWISE_INLINE bit_space::bit_space(std::vector<std::string> layers, std::vector<int> widths)
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

ROLEWISE_INLINE std::vector<dimension> bit_space::dimensions() const
{
  std::vector<dimension> all;
  for (const auto& layer : layers_) all.push_back({"bits." + layer, range()});
  return all;
}

ROLEWISE_INLINE decltype(dimension::range) bit_space::range() const
{
  if (is_interval()) return integer_interval{widths_.front(), widths_.back()};
  choice_of names;
  for (const int bits : widths_) names.names.push_back(std::to_string(bits));
  return names;
}

ROLEWISE_INLINE int bit_space::width_at(const configuration& at, const std::string& name) const
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

ROLEWISE_INLINE void bit_space::require_known(int bits, const std::string& layer) const
{
  if (std::ranges::find(widths_, bits) == widths_.end())
    throw_invalid_argument("bit_space", "layer ", layer, " has ", bits, " bits, the space has ",
                           detail::classic_list(" ", widths_));
}

ROLEWISE_INLINE std::vector<std::string> layers_inside(const std::vector<layer_report>& layers)
{
  std::vector<std::string> names;
  for (const auto& layer : layers)
    if (!layer.place.is_first() && !layer.place.is_last()) names.push_back(layer.place.name);
  return names;
}

}  // namespace rolewise::search
