// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/image_program.hpp>.

#include <rolewise/agent/image_program.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE void image_program::restart(std::size_t images)
{
  images_ = images;
  layers_.clear();
  steps_.clear();
  windows_.clear();
  warps_.clear();
  sizes_.clear();
  boxes_.clear();
  paints_.clear();
  rectangles_.clear();
  hues_.clear();
  flags_.clear();
}

ROLEWISE_INLINE std::span<image_step> image_program::add_operations(std::size_t layers,
                                                                    gray_rounding rounding)
{
  for (std::size_t s = 0; s < layers; ++s) {
    layers_.push_back({kind::operations, rounding, steps_.size()});
    steps_.resize(steps_.size() + images_);
  }
  return std::span{steps_}.last(layers * images_);
}

ROLEWISE_INLINE std::span<image_window> image_program::add_windows()
{
  layers_.push_back({kind::windows, {}, windows_.size()});
  windows_.resize(windows_.size() + images_);
  return std::span{windows_}.last(images_);
}

ROLEWISE_INLINE std::span<warp> image_program::insert_warps(std::size_t place)
{
  layers_.insert(layers_.begin() + static_cast<std::ptrdiff_t>(place),
                 {kind::warps, {}, warps_.size()});
  warps_.resize(warps_.size() + images_);
  return std::span{warps_}.last(images_);
}

ROLEWISE_INLINE std::span<image_box> image_program::add_resizes(const image_size& to)
{
  constexpr std::int64_t most = std::int64_t{1} << 28;
  if (to.height < 1 || to.width < 1 || to.height > most / to.width)
    throw_invalid_argument("image_program", "want images of 1 .. 2^28 pixels, got ", to.height,
                           " x ", to.width);
  sizes_.push_back(to);
  return add(kind::resizes, boxes_, sizes_.size() - 1);
}

ROLEWISE_INLINE bool image_program::changes_nothing() const
{
  if (!sizes_.empty()) return false;
  for (const auto& rectangle : rectangles_)
    if (rectangle.height > 0 && rectangle.width > 0) return false;
  for (const auto& hue : hues_)
    if (hue.turned) return false;
  for (const auto flag : flags_)
    if (flag != 0) return false;
  for (const auto& step : steps_)
    if (step.what != operation::identity) return false;
  for (const auto& map : warps_)
    if (!map.changes_nothing()) return false;
  return windows_.empty();
}

}  // namespace rolewise
