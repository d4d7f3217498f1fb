// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `image_folder` data set: images in one folder per class.

#include <rolewise/data/dataset.hpp>
#include <rolewise/data/detail/joined.hpp>
#include <rolewise/data/detail/picture_folders.hpp>
#include <rolewise/data/detail/read_picture.hpp>

#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/from_blob.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
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
[[nodiscard]] inline torch::Tensor fitted(decoded_image picture, const std::string& path,
                                          image_folder_options& options)
{
  if (options.height == 0) options.height = picture.height;
  if (options.width == 0) options.width = picture.width;
  const auto image = at::from_blob(picture.pixels.data(),
                                   {picture.height, picture.width, options.channels}, torch::kByte)
                         .permute({2, 0, 1});
  if (picture.height == options.height && picture.width == options.width)
    return image.clone(torch::MemoryFormat::Contiguous);
  if (!options.resize)
    throw_runtime_error(path, "an image of ", picture.height, " x ", picture.width,
                        " pixels, want ", options.height, " x ", options.width,
                        " (set resize to fit it)");
  return at::_upsample_bilinear2d_aa(image.unsqueeze(0).to(torch::kFloat),
                                     {options.height, options.width}, false)
      .squeeze(0)
      .round_()
      .clamp_(0, 255)
      .to(torch::kByte)
      .contiguous();
}

/// Reads an image; empty if it cannot be read.
/// @param unreadable then receives `<path>: <reason>`
[[nodiscard]] inline std::optional<decoded_image> picture_if_readable(
    const std::string& path, std::int64_t channels, std::vector<std::string>& unreadable)
{
  try {
    return read_picture(path, channels);
  } catch (const std::runtime_error& error) {
    std::string_view words{error.what()};
    constexpr std::string_view head{"rolewise: "};
    if (words.starts_with(head)) words.remove_prefix(head.size());
    unreadable.emplace_back(words);
    return std::nullopt;
  }
}

/// Reads the images that can be read, with their labels.
/// @param notes receives notes about images that were read but may be damaged
[[nodiscard]] inline dataset read_pictures(const std::vector<labeled_picture>& pictures,
                                           image_folder_options& options,
                                           std::vector<std::string>& unreadable,
                                           std::vector<std::string>& notes)
{
  std::vector<torch::Tensor> images;
  std::vector<std::int64_t> labels;
  for (const auto& [path, label] : pictures)
    if (auto picture = picture_if_readable(path, options.channels, unreadable)) {
      if (!picture->doubts.empty())
        notes.push_back(path + " is read and may be damaged: " + picture->doubts);
      images.push_back(fitted(std::move(*picture), path, options));
      labels.push_back(label);
    }
  dataset result;
  if (!images.empty()) result.inputs = at::stack(images);
  result.labels = at::tensor(labels, torch::kLong);
  return result;
}

/// Throws for images that cannot be read.
/// @throws std::runtime_error that names them all
[[noreturn]] inline void refuse_unreadable(const std::string& folder,
                                           const std::vector<std::string>& unreadable)
{
  std::string all;
  for (const auto& words : unreadable) all += "\n  " + words;
  throw_runtime_error(folder, "cannot read ", unreadable.size(),
                      " of the pictures (unreadable_pictures::skip leaves them out):", all);
}

/// Requires that enough images could be read.
/// @throws std::runtime_error if a training class, or the test set, has no image left
inline void require_remaining(const std::string& folder, const std::vector<std::string>& classes,
                              const dataset& train, const dataset& test)
{
  const auto counts = train.labels.bincount({}, static_cast<std::int64_t>(classes.size()));
  const auto* const count = counts.const_data_ptr<std::int64_t>();
  for (std::size_t c = 0; c < classes.size(); ++c)
    if (count[c] == 0)
      throw_runtime_error(folder + "/train/" + classes[c], "has no picture that can be read");
  if (test.size() == 0) throw_runtime_error(folder + "/test", "has no picture that can be read");
}

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
[[nodiscard]] inline dataset_splits image_folder(const std::string& folder,
                                                 image_folder_options options = {})
{
  if (options.channels != 1 && options.channels != 3)
    throw_invalid_argument("image_folder", "want 1 or 3 channels, got ", options.channels);
  if (options.height < 0 || options.width < 0)
    throw_invalid_argument("image_folder", "want a height and a width of at least 0, got ",
                           options.height, " x ", options.width);
  if (options.width > 0 && static_cast<std::uint64_t>(options.height) >
                               detail::pixel_limit / static_cast<std::uint64_t>(options.width))
    throw_invalid_argument("image_folder", "want images of at most ", detail::pixel_limit,
                           " pixels, got ", options.height, " x ", options.width);
  for (const auto* part : {"", "/train", "/test"}) detail::require_folder(folder + part);
  const auto classes = detail::names_in(folder + "/train", true);
  if (classes.size() < 2)
    throw_runtime_error(folder + "/train", "has ", classes.size(),
                        " folders of classes, want at least 2");

  std::vector<std::string> notes, unreadable;
  const auto to_learn =
      detail::pictures_of_part(folder + "/train", classes, true, options.nested, notes);
  const auto to_test =
      detail::pictures_of_part(folder + "/test", classes, false, options.nested, notes);
  auto train = detail::read_pictures(to_learn, options, unreadable, notes);
  auto test = detail::read_pictures(to_test, options, unreadable, notes);
  if (!unreadable.empty()) {
    if (options.unreadable == unreadable_pictures::throw_invalid_argument)
      detail::refuse_unreadable(folder, unreadable);
    detail::require_remaining(folder, classes, train, test);
    for (const auto& words : unreadable) notes.push_back("left out: " + words);
  }
  train.shape = test.shape = {options.channels, options.height, options.width,
                              static_cast<std::int64_t>(classes.size())};
  auto data =
      detail::joined(std::move(train), std::move(test), detail::name_of_folder(folder), classes);
  data.notes = std::move(notes);
  return data;
}

}  // namespace rolewise
