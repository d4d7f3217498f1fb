// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/detail/picture_folders.hpp>.

#include <rolewise/data/detail/picture_folders.hpp>

#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>

#include <algorithm>
#include <array>
#include <system_error>

namespace rolewise::detail {

ROLEWISE_INLINE std::string name_of_folder(const std::string& folder)
{
  const auto last_part = [](std::filesystem::path path) {
    if (!path.has_filename()) path = path.parent_path();  // it ended in a slash
    return path.filename().string();
  };
  const auto name = last_part(std::filesystem::path{folder}.lexically_normal());
  if (name != "." && name != ".." && !name.empty()) return name;
  std::error_code unknown;
  const auto whole = std::filesystem::canonical(folder, unknown);
  const auto found = unknown ? name : last_part(whole);
  return found.empty() ? "/" : found;
}

ROLEWISE_INLINE std::vector<std::string> names_in(const std::string& folder, bool want_folders)
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
  if (error) throw_runtime_error(folder, "cannot be listed: ", error.message());
  std::sort(names.begin(), names.end());
  return names;
}

ROLEWISE_INLINE bool ends_on(const std::string& name, std::span<const std::string_view> endings)
{
  const auto dot = name.rfind('.');
  if (dot == std::string::npos) return false;
  auto ending = name.substr(dot);
  for (auto& c : ending)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return std::ranges::find(endings, ending) != endings.end();
}

ROLEWISE_INLINE bool is_picture_name(const std::string& name)
{
  static constexpr std::array<std::string_view, 3> endings{".png", ".jpg", ".jpeg"};
  return ends_on(name, endings);
}

ROLEWISE_INLINE bool is_other_picture_name(const std::string& name)
{
  static constexpr std::array<std::string_view, 14> endings{
      ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm",  ".pgm",
      ".pnm", ".jpe", ".jfif", ".jp2", ".heic", ".avif", ".tga"};
  return ends_on(name, endings);
}

ROLEWISE_INLINE void add_pictures(const std::string& folder, const std::string& from,
                                  std::vector<std::filesystem::path>& above, found_pictures& found)
{
  std::error_code unknown;
  const auto here = std::filesystem::canonical(folder, unknown);
  if (std::ranges::find(above, here) != above.end()) return;
  for (const auto& name : names_in(folder, false)) {
    if (is_picture_name(name)) found.read.push_back(from + name);
    if (is_other_picture_name(name)) found.others.push_back(from + name);
  }
  above.push_back(here);
  for (const auto& name : names_in(folder, true))
    add_pictures(folder + "/" + name, from + name + "/", above, found);
  above.pop_back();
}

ROLEWISE_INLINE found_pictures pictures_below(const std::string& folder)
{
  found_pictures found;
  std::vector<std::filesystem::path> above;
  add_pictures(folder, "", above, found);
  std::sort(found.read.begin(), found.read.end());
  std::sort(found.others.begin(), found.others.end());
  return found;
}

ROLEWISE_INLINE void refuse_nested(const std::string& folder,
                                   const std::vector<labeled_picture>& pictures,
                                   const std::vector<std::string>& classes)
{
  std::vector<std::string> inner;
  for (const auto& [path, label] : pictures) {
    auto place = folder_of(path);
    if (place != folder + "/" + classes[static_cast<std::size_t>(label)])
      inner.push_back(std::move(place));
  }
  if (inner.empty()) return;
  const auto count = inner.size();
  std::sort(inner.begin(), inner.end());
  inner.erase(std::unique(inner.begin(), inner.end()), inner.end());
  std::string all;
  for (const auto& name : inner) all += "\n  " + name;
  throw_runtime_error(
      folder, "has ", count,
      " pictures in folders within those of classes (.nested = true reads them):", all);
}

ROLEWISE_INLINE void add_notes(const std::string& folder, const std::vector<std::string>& others,
                               std::vector<std::string>& notes)
{
  if (!others.empty())
    notes.push_back(folder + ": pictures of other formats than PNG and JPEG are not read: " +
                    std::to_string(others.size()) + ", such as " + others.front());
  auto beside = names_in(folder, false);
  std::erase_if(beside, [](const std::string& name) {
    return !is_picture_name(name) && !is_other_picture_name(name);
  });
  if (!beside.empty())
    notes.push_back(folder + ": pictures outside the folders of classes are not read: " +
                    std::to_string(beside.size()) + ", such as " + folder + "/" + beside.front());
}

ROLEWISE_INLINE std::vector<labeled_picture> pictures_of_part(
    const std::string& folder, const std::vector<std::string>& classes, bool every_class,
    bool nested, std::vector<std::string>& notes)
{
  for (const auto& name : names_in(folder, true))
    if (!std::binary_search(classes.begin(), classes.end(), name))
      throw_runtime_error(folder + "/" + name, "is no class to learn from");
  std::vector<labeled_picture> pictures;
  std::vector<std::string> others;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const auto place = folder + "/" + classes[c];
    if (!std::filesystem::is_directory(place)) continue;
    const auto found = pictures_below(place);
    if (every_class && found.read.empty())
      throw_runtime_error(place, "has no pictures (.png, .jpg, .jpeg)");
    for (const auto& name : found.read)
      pictures.push_back({place + "/" + name, static_cast<std::int64_t>(c)});
    for (const auto& name : found.others) others.push_back(place + "/" + name);
  }
  if (!nested) refuse_nested(folder, pictures, classes);
  if (pictures.empty())
    throw_runtime_error(folder, "has no pictures (.png, .jpg, .jpeg) in folders of classes");
  add_notes(folder, others, notes);
  return pictures;
}

}  // namespace rolewise::detail
