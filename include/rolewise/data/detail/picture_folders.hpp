// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Listing of image folders: names, classes, images at any depth.

#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Returns the last part of a folder's path, for reports, however the path is written: `photos/`
/// and `./photos/.` give `photos`; a path that ends in `.` or `..` is resolved.
[[nodiscard]] ROLEWISE_INLINE std::string name_of_folder(const std::string& folder);

/// Names of the files or of the folders in a folder, sorted by byte, without hidden ones.
[[nodiscard]] ROLEWISE_INLINE std::vector<std::string> names_in(const std::string& folder,
                                                                bool want_folders);

[[nodiscard]] ROLEWISE_INLINE bool ends_on(const std::string& name,
                                           std::span<const std::string_view> endings);

[[nodiscard]] ROLEWISE_INLINE bool is_picture_name(const std::string& name);

/// Whether a name has the extension of an image format that is not supported.
[[nodiscard]] ROLEWISE_INLINE bool is_other_picture_name(const std::string& name);

/// Images in a folder and its subfolders.
struct found_pictures {
  std::vector<std::string> read;    ///< paths relative to the folder, sorted by byte
  std::vector<std::string> others;  ///< likewise, of unsupported formats
};

/// Adds the images in `folder` and its subfolders; `from` is its path relative to the first
/// folder (empty or with a slash at its end).
/// @param above the parent folders down to this one: a link to one of them is not followed
ROLEWISE_INLINE void add_pictures(const std::string& folder, const std::string& from,
                                  std::vector<std::filesystem::path>& above, found_pictures& found);

[[nodiscard]] ROLEWISE_INLINE found_pictures pictures_below(const std::string& folder);

/// The path of an image and the index of its class.
struct labeled_picture {
  std::string path;
  std::int64_t label;
};

/// Requires that all images lie directly in their class folders.
/// @throws std::runtime_error that names the subfolders with images, if any
ROLEWISE_INLINE void refuse_nested(const std::string& folder,
                                   const std::vector<labeled_picture>& pictures,
                                   const std::vector<std::string>& classes);

/// Notes what a user may take for examples but is not read: images of other formats and images
/// outside the class folders.
ROLEWISE_INLINE void add_notes(const std::string& folder, const std::vector<std::string>& others,
                               std::vector<std::string>& notes);

/// Returns all images of a part, `train` or `test`, by class and name.
/// @param every_class whether each class must have an image; otherwise one image in all is enough
/// @param nested whether images may lie in subfolders of class folders
/// @param notes receives notes about images that are not read
[[nodiscard]] ROLEWISE_INLINE std::vector<labeled_picture> pictures_of_part(
    const std::string& folder, const std::vector<std::string>& classes, bool every_class,
    bool nested, std::vector<std::string>& notes);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/detail/implementation/picture_folders.hpp>
#endif
