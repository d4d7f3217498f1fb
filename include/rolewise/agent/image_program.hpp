// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `image_program`: a plan of the operations on each image of a batch, complete before any of
/// them runs.

#include <rolewise/agent/image_layers.hpp>
#include <rolewise/agent/warp.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rolewise {

/// One operation on one image; parameters as in `operation_parameters`.
/// @pre `value` lies within +- 2^31
struct image_step {
  operation what = operation::identity;
  double value = 0.0;
  std::int64_t row = 0;
  std::int64_t column = 0;

  friend bool operator==(const image_step&, const image_step&) = default;
};

/// A crop window of the size of the image: the pixel (x, y) is taken from row `y + down` and
/// column `x + right`, or `W - 1 - x + right` if it is mirrored. Pixels from outside the image
/// get the mean color.
struct image_window {
  std::int64_t down = 0;
  std::int64_t right = 0;
  bool mirrored = false;

  friend bool operator==(const image_window&, const image_window&) = default;
};

/// A list of layers, applied in order. Each has one entry for each of N images:
///
/// - `operations`: an operation each; `identity` for none;
/// - `windows`: a window each;
/// - `fill`: holes are painted in the mean color of the data set and cease to be holes. A program
///   also fills at its end; an agent adds a fill at the end of its part so that the next part
///   begins without holes;
/// - `warps`: an affine map each; the identity for none;
/// - `resizes`: a box of each image is resized, all to one size; holes are filled before;
/// - `rectangles`: a rectangle of each image is painted over; holes are filled before;
/// - `hues`: a hue rotation each; holes stay. Gray images are unchanged;
/// - `upside_down`: a vertical flip of each image whose flag is not 0.
///
/// Label maps move by the same program: a pixel of the map comes from the nearest pixel of the
/// layer before, positions outside of it, also of windows, are holes and stay holes, and layers
/// that change or paint over colors, and the operation `cutout`, leave maps as they are.
///
/// A program holds every decision of an agent, so it can be executed image by image by kernels or
/// layer by layer by tensor operations, with bit-equal results.
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
    gray_rounding rounding;  ///< of `operations`
    std::size_t first;       ///< index of the first image's step, window, warp or the like
    std::size_t common = 0;  ///< index of what all images share in `resizes`, `rectangles`
  };

  image_program() = default;
  explicit image_program(std::size_t images) : images_{images} {}

  /// Clears the program for another number of images; keeps the memory.
  void restart(std::size_t images);

  /// Appends layers of operations, all `identity`, to be filled in before anything else is added.
  /// @return step s of image n at index `s * images() + n`
  std::span<image_step> add_operations(std::size_t layers = 1,
                                       gray_rounding rounding = gray_rounding::nearest);

  /// Appends a layer of windows, all unshifted, to be filled in before anything else is added.
  std::span<image_window> add_windows();

  void add_fill() { layers_.push_back({kind::fill, {}, 0}); }

  /// Inserts a layer of warps, all the identity, before layer number `place`, or at the end.
  /// @pre `place <= layers().size()`
  std::span<warp> insert_warps(std::size_t place);

  /// Appends a layer of resizes, all with empty boxes, to be filled in before anything else is
  /// added.
  /// @throws std::invalid_argument unless the new images have 1 .. 2^28 pixels
  std::span<image_box> add_resizes(const image_size& to);

  /// Appends a layer of rectangles, all empty, to be filled in before anything else is added.
  std::span<image_rectangle> add_rectangles(const image_paint& paint)
  {
    paints_.push_back(paint);
    return add(kind::rectangles, rectangles_, paints_.size() - 1);
  }

  /// Appends a layer of hue rotations, all off, to be filled in before anything else is added.
  std::span<image_hue> add_hues() { return add(kind::hues, hues_); }

  /// Appends a layer of vertical flips, all off, to be filled in before anything else is added.
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

  /// The target size of a layer. @pre `of.does == kind::resizes`
  [[nodiscard]] const image_size& size(const layer& of) const { return sizes_[of.common]; }
  /// The boxes of a layer, one for each image. @pre `of.does == kind::resizes`
  [[nodiscard]] std::span<const image_box> boxes(const layer& of) const
  {
    return std::span{boxes_}.subspan(of.first, images_);
  }
  /// The paint of a layer. @pre `of.does == kind::rectangles`
  [[nodiscard]] const image_paint& paint(const layer& of) const { return paints_[of.common]; }
  /// The rectangles of a layer, one for each image. @pre `of.does == kind::rectangles`
  [[nodiscard]] std::span<const image_rectangle> rectangles(const layer& of) const
  {
    return std::span{rectangles_}.subspan(of.first, images_);
  }
  /// The hue rotations of a layer, one for each image. @pre `of.does == kind::hues`
  [[nodiscard]] std::span<const image_hue> hues(const layer& of) const
  {
    return std::span{hues_}.subspan(of.first, images_);
  }
  /// The vertical flips of a layer, one for each image. @pre `of.does == kind::upside_down`
  [[nodiscard]] std::span<const std::uint8_t> upside_down(const layer& of) const
  {
    return std::span{flags_}.subspan(of.first, images_);
  }

  /// The size of the images after all layers so far; `otherwise` if none is a resize.
  [[nodiscard]] image_size size_after(const image_size& otherwise) const
  {
    return sizes_.empty() ? otherwise : sizes_.back();
  }

  /// Whether the program leaves every image unchanged; false if there is any layer of windows.
  [[nodiscard]] bool changes_nothing() const;

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

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/image_program.hpp>
#endif
