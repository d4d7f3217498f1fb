// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What is to be done to each image of a batch, decided before any of it is done.

#include <rolewise/agent/operation.hpp>
#include <rolewise/agent/warp.hpp>

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
/// its
///   end too, so agents whose part ends here do it to begin the next part without holes;
/// - `warps`: an affine map each; the identity where there is none.
///
/// A program is all that an agent decides, so it can be carried out image by image by kernels or
/// layer by layer by tensor operations, with the same bits.
class image_program {
 public:
  enum class kind : std::uint8_t { operations, windows, fill, warps };
  struct layer {
    kind does;
    grey_rounding rounding;  ///< of `operations`
    std::size_t first;       ///< place of the first image's step, window or warp
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

  /// Whether every image stays as it is.
  [[nodiscard]] bool changes_nothing() const
  {
    for (const auto& step : steps_)
      if (step.what != operation::identity) return false;
    for (const auto& map : warps_)
      if (!map.changes_nothing()) return false;
    return windows_.empty();
  }

 private:
  std::size_t images_ = 0;
  std::vector<layer> layers_;
  std::vector<image_step> steps_;
  std::vector<image_window> windows_;
  std::vector<warp> warps_;
};

}  // namespace rolewise
