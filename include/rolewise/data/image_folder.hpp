// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `image_folder` data set: images in one folder per class.

#include <rolewise/data/dataset.hpp>
#include <rolewise/data/detail/joined.hpp>
#include <rolewise/data/detail/picture_folders.hpp>
#include <rolewise/data/detail/read_picture.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

/// Handling of images that cannot be read: corrupt, truncated, of an unsupported format, not a
/// regular file, or without permission.
enum class unreadable_pictures {
  throw_invalid_argument,  ///< throw an error that names all of them
  skip                     ///< leave them out; `dataset_splits::notes` names each, with the reason
};

/// Options of `image_folder`.
struct image_folder_options {
  std::int64_t height = 0;    ///< pixels; 0: that of the first image
  std::int64_t width = 0;     ///< pixels; 0: that of the first image
  std::int64_t channels = 3;  ///< 3 (red, green, blue) or 1 (gray)
  bool resize = false;        ///< resize images of another size (bilinear, antialiased)
  unreadable_pictures unreadable = unreadable_pictures::throw_invalid_argument;
  bool nested = false;  ///< also read images in subfolders of class folders; else throw
};

namespace detail {

/// Returns an image as `[C, H, W]`, uint8, in the size of `options`; a size of 0 is set to that
/// of the image.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor fitted(decoded_image picture, const std::string& path,
                                                   image_folder_options& options);

/// Reads an image; empty if it cannot be read.
/// @param unreadable then receives `<path>: <reason>`
[[nodiscard]] ROLEWISE_INLINE std::optional<decoded_image> picture_if_readable(
    const std::string& path, std::int64_t channels, std::vector<std::string>& unreadable);

/// Reads the images that can be read, with their labels.
/// @param notes receives notes about images that were read but may be damaged
[[nodiscard]] ROLEWISE_INLINE dataset read_pictures(const std::vector<labeled_picture>& pictures,
                                                    image_folder_options& options,
                                                    std::vector<std::string>& unreadable,
                                                    std::vector<std::string>& notes);

/// Throws for images that cannot be read.
/// @throws std::runtime_error that names them all
[[noreturn]] ROLEWISE_INLINE void refuse_unreadable(const std::string& folder,
                                                    const std::vector<std::string>& unreadable);

/// Requires that enough images could be read.
/// @throws std::runtime_error if a training class, or the test set, has no image left
ROLEWISE_INLINE void require_remaining(const std::string& folder,
                                       const std::vector<std::string>& classes,
                                       const dataset& train, const dataset& test);

}  // namespace detail

/// Reads the images `train/CLASS/NAME` and `test/CLASS/NAME` of a folder, as examples of one
/// shape.
///
/// A class is a folder in `train`; classes are numbered, and images ordered, by name (bytes).
/// `test` need not have every class. Names of images end in .png, .jpg or .jpeg, in any case; the
/// content determines the format. Hidden files and folders are skipped, as are other files;
/// `dataset_splits::notes` mentions images among those.
///
/// Values are those that the files store, with 16 bits scaled to 8; gAMA and color profiles are
/// ignored. Color is converted to gray, or gray to color, as `channels` requires; gray is ITU-R
/// 601 luma, as in Pillow and `random_grayscale`. Transparent pixels are blended onto black. CMYK
/// in JPEG is Adobe's, inverted.
///
/// The name of the data set is the last part of the folder's path. Ids number the examples of
/// train, then those of test; `normalization` is computed from train.
/// @throws std::runtime_error that names the file or folder: missing, without images, a class
///         only in `test`, images in subfolders of class folders unless `nested`, images that
///         cannot be read (all of them) unless skipped, an image of another size unless `resize`
/// @throws std::invalid_argument for options out of range
[[nodiscard]] ROLEWISE_INLINE dataset_splits image_folder(const std::string& folder,
                                                          image_folder_options options = {});

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/implementation/image_folder.hpp>
#endif
