// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The geometry of an image program, and the maps of a batch that move by it: kernels.

#include <rolewise/agent/detail/affine_map.hpp>
#include <rolewise/agent/detail/kernels/operate.hpp>
#include <rolewise/agent/detail/kernels/source_plane.hpp>
#include <rolewise/agent/image_program.hpp>
#include <rolewise/agent/label_maps.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace rolewise::detail {

/// Applies the geometry of a program to the plane of its image number `n`, which has been started:
/// what moves pixels moves sources, with the nearest pixel for any interpolation. Colors change no
/// source, and neither does what is painted over (`cutout`, rectangles): its labels stay. Every
/// position outside an image is a hole, also in a window.
ROLEWISE_INLINE void trace_program(kernels::source_plane& plane, const image_program& program,
                                   std::size_t n);

/// A tensor with values for each pixel, `[N, ..., H, W]`, and memory for its view; both undefined
/// if a batch has none.
struct moved_map {
  torch::Tensor from, to;
  std::uint64_t hole = 0;  ///< bits of the value in a hole

  void move(const kernels::source_plane& plane, std::int64_t n) const;

 private:
  template<typename T>
  void move_as(const kernels::source_plane& plane, std::int64_t n) const
  {
    const auto old_size = from.size(-2) * from.size(-1), size = to.size(-2) * to.size(-1);
    const auto planes = from.dim() == 4 ? from.size(1) : 1;
    const auto* in = static_cast<const T*>(from.const_data_ptr()) + n * planes * old_size;
    auto* out = static_cast<T*>(to.mutable_data_ptr()) + n * planes * size;
    for (std::int64_t plane_number = 0; plane_number < planes; ++plane_number) {
      plane.apply(in, static_cast<T>(hole), out);
      in += old_size;
      out += size;
    }
  }
};

/// The maps of a batch that move with its images.
struct moved_maps {
  moved_map labels, weights;

  [[nodiscard]] bool are_none() const { return !labels.from.defined(); }

  /// Moves those of image number `n` by entry `entry` of a program.
  void move(kernels::source_plane& plane, const image_program& program, std::size_t entry,
            std::int64_t n) const;

  /// Puts the moved maps into a view.
  void put_into(batch& view) const;
};

/// Returns the weights of a batch with label maps for each of their pixels, as its images have
/// holes: undefined where `ignore_index` marks these and there are no weights, or one for each
/// example.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor weights_of_pixels(const batch& examples);

/// Returns the maps of a batch that move with its images, to be filled in for each image.
/// @param labels_of called with the sizes and the dtype of the moved labels, gives memory for them
/// @pre `fits_kernels(examples)`
template<typename LabelsOf>
[[nodiscard]] moved_maps maps_of(const batch& examples, const image_size& size,
                                 LabelsOf&& labels_of)
{
  moved_maps maps;
  if (!has_label_maps(examples)) return maps;
  auto sizes = examples.labels.sizes().vec();
  sizes[sizes.size() - 2] = size.height;
  sizes[sizes.size() - 1] = size.width;
  const auto hole = examples.labels.is_floating_point() ? 0 : examples.ignore_index;
  maps.labels = {examples.labels.contiguous(), labels_of(sizes, examples.labels.scalar_type()),
                 static_cast<std::uint64_t>(hole)};
  if (const auto weights = weights_of_pixels(examples); weights.defined())
    maps.weights = {weights.contiguous(),
                    at::empty({weights.size(0), size.height, size.width}, weights.options()), 0};
  return maps;
}

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/detail/implementation/trace_program.hpp>
#endif
