// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/image_folder.hpp>.

#include <rolewise/data/image_folder.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/from_blob.h>

#include <stdexcept>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor fitted(decoded_image picture, const std::string& path,
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

ROLEWISE_INLINE std::optional<decoded_image> picture_if_readable(
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

ROLEWISE_INLINE dataset read_pictures(const std::vector<labeled_picture>& pictures,
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

ROLEWISE_INLINE void refuse_unreadable(const std::string& folder,
                                       const std::vector<std::string>& unreadable)
{
  std::string all;
  for (const auto& words : unreadable) all += "\n  " + words;
  throw_runtime_error(folder, "cannot read ", unreadable.size(),
                      " of the pictures (unreadable_pictures::skip leaves them out):", all);
}

ROLEWISE_INLINE void require_remaining(const std::string& folder,
                                       const std::vector<std::string>& classes,
                                       const dataset& train, const dataset& test)
{
  const auto counts = train.labels.bincount({}, static_cast<std::int64_t>(classes.size()));
  const auto* const count = counts.const_data_ptr<std::int64_t>();
  for (std::size_t c = 0; c < classes.size(); ++c)
    if (count[c] == 0)
      throw_runtime_error(folder + "/train/" + classes[c], "has no picture that can be read");
  if (test.size() == 0) throw_runtime_error(folder + "/test", "has no picture that can be read");
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE dataset_splits image_folder(const std::string& folder, image_folder_options options)
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
