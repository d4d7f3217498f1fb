// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Pictures in folders that are named after their classes.

#include <rolewise/data/dataset.hpp>
#include <rolewise/data/detail/decode_jpeg.hpp>
#include <rolewise/data/detail/decode_png.hpp>
#include <rolewise/data/detail/file_bytes.hpp>
#include <rolewise/data/detail/joined.hpp>

#include <ATen/ops/_upsample_bilinear2d_aa.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rolewise {

/// How pictures become examples of one shape.
struct image_folder_options {
  std::int64_t height = 0;    ///< pixels; 0: that of the first picture
  std::int64_t width = 0;     ///< pixels; 0: that of the first picture
  std::int64_t channels = 3;  ///< 3 (red, green, blue) or 1 (grey)
  bool resize = false;        ///< fit pictures of another size (bilinear, smoothed when shrinking)
};

namespace detail {

/// Names within a folder, sorted by byte; hidden ones are left out.
[[nodiscard]] inline std::vector<std::string> names_in(const std::string& folder, bool want_folders)
{
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry{folder, error};
  for (; !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) {
    const auto name = entry->path().filename().string();
    std::error_code unknown;
    if (!name.starts_with('.') && entry->is_directory(unknown) == want_folders)
      names.push_back(name);
  }
  if (error) fail(folder, "cannot be listed: ", error.message());
  std::sort(names.begin(), names.end());
  return names;
}

[[nodiscard]] inline bool is_picture_name(const std::string& name)
{
  const auto dot = name.rfind('.');
  if (dot == std::string::npos) return false;
  auto ending = name.substr(dot);
  for (auto& c : ending)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

[[nodiscard]] inline decoded_image read_picture(const std::string& path, std::int64_t channels)
{
  const file_contents file{path, raw_bytes(path, file_size_limit), false};
  if (is_png(file)) return decode_png(file, channels);
  if (is_jpeg(file)) return decode_jpeg(file, channels);
  fail_at(file, 0, "is neither PNG nor JPEG");
}

/// `[C, H, W]`, uint8, in the wanted size.
[[nodiscard]] inline torch::Tensor read_example(const std::string& path,
                                                image_folder_options& options)
{
  auto picture = read_picture(path, options.channels);
  if (options.height == 0) options.height = picture.height;
  if (options.width == 0) options.width = picture.width;
  const auto image =
      torch::from_blob(picture.pixels.data(), {picture.height, picture.width, options.channels},
                       torch::kByte)
          .permute({2, 0, 1});
  if (picture.height == options.height && picture.width == options.width)
    return image.clone(torch::MemoryFormat::Contiguous);
  if (!options.resize)
    fail(path, "an image of ", picture.height, " x ", picture.width, " pixels, want ",
         options.height, " x ", options.width, " (set resize to fit it)");
  return at::_upsample_bilinear2d_aa(image.unsqueeze(0).to(torch::kFloat32),
                                     {options.height, options.width}, false)
      .squeeze(0)
      .round_()
      .clamp_(0, 255)
      .to(torch::kByte)
      .contiguous();
}

[[nodiscard]] inline dataset read_image_part(const std::string& folder,
                                             const std::vector<std::string>& classes, bool want_all,
                                             image_folder_options& options)
{
  for (const auto& name : names_in(folder, true))
    if (!std::binary_search(classes.begin(), classes.end(), name))
      fail(folder + "/" + name, "is no class to learn from");
  std::vector<torch::Tensor> images;
  std::vector<std::int64_t> labels;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const auto place = folder + "/" + classes[c];
    if (!want_all && !std::filesystem::is_directory(place)) continue;
    const auto before = images.size();
    for (const auto& name : names_in(place, false)) {
      if (!is_picture_name(name)) continue;
      images.push_back(read_example(place + "/" + name, options));
      labels.push_back(static_cast<std::int64_t>(c));
    }
    if (images.size() == before) fail(place, "has no pictures (.png, .jpg, .jpeg)");
  }
  if (images.empty()) fail(folder, "has no pictures (.png, .jpg, .jpeg) in folders of classes");
  dataset result;
  result.images = torch::stack(images);
  result.labels = torch::tensor(labels, torch::kLong);
  result.shape = {options.channels, options.height, options.width,
                  static_cast<std::int64_t>(classes.size())};
  return result;
}

}  // namespace detail

/// The pictures `train/CLASS/NAME` and `test/CLASS/NAME` of a folder, as examples of one shape.
///
/// A class is a folder in `train`; classes are numbered, and pictures ordered, by name (bytes).
/// Pictures end on .png, .jpg or .jpeg in any case; which format they are in, their content says.
/// Other files are not looked at. Colour becomes grey, and grey colour, where `channels` wants it;
/// PNG that is transparent is laid on black.
///
/// Ids count through train, then test; `scaling` is measured on train.
/// @throws std::runtime_error that names the file or folder: missing, without pictures, a class
///         only in `test`, a corrupt picture, one of another size unless `resize`
/// @throws std::invalid_argument for options out of range
[[nodiscard]] inline dataset_splits image_folder(const std::string& folder,
                                                 image_folder_options options = {})
{
  if (options.channels != 1 && options.channels != 3)
    refuse("image_folder", "want 1 or 3 channels, got ", options.channels);
  if (options.height < 0 || options.width < 0)
    refuse("image_folder", "want a height and a width of at least 0, got ", options.height, " x ",
           options.width);
  for (const auto* part : {"", "/train", "/test"}) detail::require_folder(folder + part);
  const auto classes = detail::names_in(folder + "/train", true);
  if (classes.size() < 2)
    fail(folder + "/train", "has ", classes.size(), " folders of classes, want at least 2");
  auto train = detail::read_image_part(folder + "/train", classes, true, options);
  auto test = detail::read_image_part(folder + "/test", classes, false, options);
  return detail::joined(std::move(train), std::move(test),
                        std::filesystem::path{folder}.lexically_normal().filename().string(),
                        classes);
}

}  // namespace rolewise
