// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What is to be done to each image of a batch, decided before any of it is done.

#include <rolewise/agent/image_layers.hpp>
#include <rolewise/agent/operation.hpp>
#include <rolewise/agent/warp.hpp>
#include <rolewise/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rolewise {

/// One operation on one image; the numbers mean what `operation_parameters` says.
/// @pre `value` lies within +- 2^31
struct image_step {
  operation what = operation::identity;
  double value = 0.0;
  std::int64_t row = 0;
  std::int64_t column = 0;

  friend bool operator==(const image_step&, const image_step&) = default;
};

/// A window of the size of the image: the pixel (x, y) is taken from row `y + down` and column
/// `x + right`, or `W - 1 - x + right` if it is mirrored. What lies outside gets the mean colour.
struct image_window {
  std::int64_t down = 0;
  std::int64_t right = 0;
  bool mirrored = false;

  friend bool operator==(const image_window&, const image_window&) = default;
};

/// Layers, one after the other; each says something about each of N images:
///
/// - `operations`: an operation each; `identity` where there is none;
/// - `windows`: a window each;
/// - `fill`: holes get the mean colour of the data set and are none any more. A program fills at
///   its end too, so agents whose part ends here do it to begin the next part without holes;
/// - `warps`: an affine map each; the identity where there is none;
/// - `resizes`: a part of each image becomes the whole, all of one size; holes are filled before;
/// - `rectangles`: a part of each is painted over; holes are filled before;
/// - `hues`: a turn of the hues of each; holes stay. Grey images have none;
/// - `upside_down`: the rows of an image from the last to the first, if it is not 0.
///
/// A program is all that an agent decides, so it can be carried out image by image by kernels or
/// layer by layer by tensor operations, with the same bits.
class image_program {
 public:
  enum class kind : std::uint8_t {
    operations,
    windows,
    fill,
    warps,
    resizes,
    rectangles,
    hues,
    upside_down
  };
  struct layer {
    kind does;
    grey_rounding rounding;  ///< of `operations`
    std::size_t first;       ///< place of the first image's step, window, warp or the like
    std::size_t common = 0;  ///< place of what `resizes` or `rectangles` say about all images
  };

  image_program() = default;
  explicit image_program(std::size_t images) : images_{images} {}

  /// Begins an empty program; memory stays.
  void restart(std::size_t images)
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

  /// Adds layers of operations, all `identity`, to be written to before anything else is added.
  /// @return step s of image n at place `s * images() + n`
  std::span<image_step> add_operations(std::size_t layers = 1,
                                       grey_rounding rounding = grey_rounding::nearest)
  {
    for (std::size_t s = 0; s < layers; ++s) {
      layers_.push_back({kind::operations, rounding, steps_.size()});
      steps_.resize(steps_.size() + images_);
    }
    return std::span{steps_}.last(layers * images_);
  }

  /// Adds a layer of windows, all without a shift, to be written to before anything else is added.
  std::span<image_window> add_windows()
  {
    layers_.push_back({kind::windows, {}, windows_.size()});
    windows_.resize(windows_.size() + images_);
    return std::span{windows_}.last(images_);
  }

  void add_fill() { layers_.push_back({kind::fill, {}, 0}); }

  /// Puts a layer of warps, all the identity, before layer number `place`, or at the end.
  /// @pre `place <= layers().size()`
  std::span<warp> insert_warps(std::size_t place)
  {
    layers_.insert(layers_.begin() + static_cast<std::ptrdiff_t>(place),
                   {kind::warps, {}, warps_.size()});
    warps_.resize(warps_.size() + images_);
    return std::span{warps_}.last(images_);
  }

  /// Adds a layer of resizes, each of an empty box, to be written to before anything else is added.
  /// @throws std::invalid_argument unless the new images have 1 .. 2^28 pixels
  std::span<image_box> add_resizes(const image_size& to)
  {
    constexpr std::int64_t most = std::int64_t{1} << 28;
    if (to.height < 1 || to.width < 1 || to.height > most / to.width)
      refuse("image_program", "want images of 1 .. 2^28 pixels, got ", to.height, " x ", to.width);
    sizes_.push_back(to);
    return add(kind::resizes, boxes_, sizes_.size() - 1);
  }

  /// Adds a layer of rectangles, all empty, to be written to before anything else is added.
  std::span<image_rectangle> add_rectangles(const image_paint& paint)
  {
    paints_.push_back(paint);
    return add(kind::rectangles, rectangles_, paints_.size() - 1);
  }

  /// Adds a layer of hues, none turned, to be written to before anything else is added.
  std::span<image_hue> add_hues() { return add(kind::hues, hues_); }

  /// Adds a layer of flips, all 0, to be written to before anything else is added.
  std::span<std::uint8_t> add_upside_down() { return add(kind::upside_down, flags_); }

  [[nodiscard]] std::size_t images() const noexcept { return images_; }
  [[nodiscard]] const std::vector<layer>& layers() const noexcept { return layers_; }
  /// The operations of a layer, one for each image. @pre `of.does == kind::operations`
  [[nodiscard]] std::span<const image_step> operations(const layer& of) const
  {
    return std::span{steps_}.subspan(of.first, images_);
  }
  [[nodiscard]] std::span<image_step> operations(const layer& of)
  {
    return std::span{steps_}.subspan(of.first, images_);
  }
  /// The windows of a layer, one for each image. @pre `of.does == kind::windows`
  [[nodiscard]] std::span<const image_window> windows(const layer& of) const
  {
    return std::span{windows_}.subspan(of.first, images_);
  }
  [[nodiscard]] std::span<image_window> windows(const layer& of)
  {
    return std::span{windows_}.subspan(of.first, images_);
  }
  /// The warps of a layer, one for each image. @pre `of.does == kind::warps`
  [[nodiscard]] std::span<const warp> warps(const layer& of) const
  {
    return std::span{warps_}.subspan(of.first, images_);
  }
  [[nodiscard]] std::span<warp> warps(const layer& of)
  {
    return std::span{warps_}.subspan(of.first, images_);
  }

  /// What the images of a layer become. @pre `of.does == kind::resizes`
  [[nodiscard]] const image_size& size(const layer& of) const { return sizes_[of.common]; }
  /// The boxes of a layer, one for each image. @pre `of.does == kind::resizes`
  [[nodiscard]] std::span<const image_box> boxes(const layer& of) const
  {
    return std::span{boxes_}.subspan(of.first, images_);
  }
  /// What a layer paints with. @pre `of.does == kind::rectangles`
  [[nodiscard]] const image_paint& paint(const layer& of) const { return paints_[of.common]; }
  /// The rectangles of a layer, one for each image. @pre `of.does == kind::rectangles`
  [[nodiscard]] std::span<const image_rectangle> rectangles(const layer& of) const
  {
    return std::span{rectangles_}.subspan(of.first, images_);
  }
  /// The hues of a layer, one for each image. @pre `of.does == kind::hues`
  [[nodiscard]] std::span<const image_hue> hues(const layer& of) const
  {
    return std::span{hues_}.subspan(of.first, images_);
  }
  /// The flips of a layer, one for each image. @pre `of.does == kind::upside_down`
  [[nodiscard]] std::span<const std::uint8_t> upside_down(const layer& of) const
  {
    return std::span{flags_}.subspan(of.first, images_);
  }

  /// The size of the images after all layers so far; `otherwise` if none gives them another.
  [[nodiscard]] image_size size_after(const image_size& otherwise) const
  {
    return sizes_.empty() ? otherwise : sizes_.back();
  }

  /// Whether every image stays as it is.
  [[nodiscard]] bool changes_nothing() const
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

 private:
  template<typename Each>
  std::span<Each> add(kind does, std::vector<Each>& all, std::size_t common = 0)
  {
    layers_.push_back({does, {}, all.size(), common});
    all.resize(all.size() + images_);
    return std::span{all}.last(images_);
  }

  std::size_t images_ = 0;
  std::vector<layer> layers_;
  std::vector<image_step> steps_;
  std::vector<image_window> windows_;
  std::vector<warp> warps_;
  std::vector<image_size> sizes_;
  std::vector<image_box> boxes_;
  std::vector<image_paint> paints_;
  std::vector<image_rectangle> rectangles_;
  std::vector<image_hue> hues_;
  std::vector<std::uint8_t> flags_;  // of upside_down
};

}  // namespace rolewise
