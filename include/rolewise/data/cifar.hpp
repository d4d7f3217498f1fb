// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The binary formats of CIFAR-10 and CIFAR-100.

#include <rolewise/data/dataset.hpp>
#include <rolewise/data/detail/file_bytes.hpp>
#include <rolewise/data/detail/joined.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// Which of the two labels of a CIFAR-100 record is learned.
enum class cifar100_labels { fine, coarse };

namespace detail {

inline constexpr std::array<const char*, 5> cifar10_batches{"data_batch_1.bin", "data_batch_2.bin",
                                                            "data_batch_3.bin", "data_batch_4.bin",
                                                            "data_batch_5.bin"};

/// One label byte of a record.
struct cifar_label {
  std::size_t offset;    ///< within the record
  std::int64_t classes;  ///< its values are below
};

/// Records of `labels.size()` label bytes and 3 x 32 x 32 pixels each; label `chosen` is kept.
[[nodiscard]] inline dataset read_cifar(const std::vector<std::string>& paths,
                                        const std::vector<cifar_label>& labels, std::size_t chosen)
{
  constexpr std::size_t pixels = 3 * 32 * 32;
  const auto record = labels.size() + pixels;
  std::vector<torch::Tensor> images, kept;
  for (const auto& path : paths) {
    const auto file = read_file(path);
    const auto count = file.bytes.size() / record;
    if (file.bytes.empty()) fail_at(file, 0, "is empty, want records of ", record, " bytes");
    if (file.bytes.size() % record != 0)
      fail_at(file, count * record, "a record begins here with ", file.bytes.size() % record,
              " bytes, want ", record);
    auto x = torch::empty({static_cast<std::int64_t>(count), 3, 32, 32}, torch::kByte);
    auto y = torch::empty({static_cast<std::int64_t>(count)}, torch::kLong);
    auto* const to = x.mutable_data_ptr<std::uint8_t>();
    for (std::size_t n = 0; n < count; ++n) {
      const auto* const from = file.bytes.data() + n * record;
      for (const auto& label : labels)
        if (from[label.offset] >= label.classes)
          fail_at(file, n * record + label.offset, "label ", int{from[label.offset]},
                  ", want 0 to ", label.classes - 1);
      y.mutable_data_ptr<std::int64_t>()[n] = from[labels[chosen].offset];
      std::memcpy(to + n * pixels, from + labels.size(), pixels);
    }
    images.push_back(x);
    kept.push_back(y);
  }
  dataset result;
  result.images = torch::cat(images);
  result.labels = torch::cat(kept);
  result.shape = {3, 32, 32, labels[chosen].classes};
  return result;
}

/// The names of classes if the folder has them.
[[nodiscard]] inline std::vector<std::string> cifar_names(const std::string& folder,
                                                          const std::string& name)
{
  const auto path = find_file(folder, name);
  if (!path) return {};
  auto names = read_lines(*path);
  if (names.size() < 2 || names.size() > 256)
    fail(*path, "has ", names.size(), " names of classes, want 2 to 256");
  return names;
}

}  // namespace detail

/// CIFAR-10 in its binary version: `data_batch_1.bin` to `data_batch_5.bin` (those that are there,
/// at least one) and `test_batch.bin`, each as it is or with `.gz`; names from
/// `batches.meta.txt` where that is.
///
/// Ids count through train, then test; `scaling` is measured on train.
/// @par Source
/// Krizhevsky: Learning multiple layers of features from tiny images, 2009.
/// @throws std::runtime_error that names the file, and the byte for a record cut short or a label
///         out of range
[[nodiscard]] inline dataset_splits cifar10(const std::string& folder)
{
  detail::require_folder(folder);
  std::vector<std::string> paths;
  for (const auto* name : detail::cifar10_batches)
    if (auto path = detail::find_file(folder, name)) paths.push_back(*path);
  if (paths.empty())
    fail(folder, "has none of data_batch_1.bin to data_batch_5.bin, with or without .gz");
  const std::vector<detail::cifar_label> labels{{0, 10}};
  auto train = detail::read_cifar(paths, labels, 0);
  auto test = detail::read_cifar({detail::wanted_file(folder, "test_batch.bin")}, labels, 0);
  const auto names = detail::cifar_names(folder, "batches.meta.txt");
  if (!names.empty() && names.size() != 10)
    fail(folder, "batches.meta.txt has ", names.size(), " names, want 10");
  return detail::joined(std::move(train), std::move(test), "CIFAR-10", names);
}

/// CIFAR-100 in its binary version: `train.bin` and `test.bin`, each as it is or with `.gz`; names
/// from `fine_label_names.txt` and `coarse_label_names.txt` where those are. Other sets come in
/// this format too: there are as many classes as names (100 and 20 without names), and where the
/// names are not CIFAR-100's, the set is called `CIFAR-100 format`.
///
/// A record has a coarse label and a fine one; one of them is learned, both are checked. Ids and
/// `scaling` as in `cifar10`.
/// @par Source
/// As `cifar10`.
/// @throws std::runtime_error as `cifar10`
[[nodiscard]] inline dataset_splits cifar100(const std::string& folder,
                                             cifar100_labels which = cifar100_labels::fine)
{
  detail::require_folder(folder);
  const auto coarse = detail::cifar_names(folder, "coarse_label_names.txt");
  const auto fine = detail::cifar_names(folder, "fine_label_names.txt");
  const auto count = [](const std::vector<std::string>& names, std::int64_t otherwise) {
    return names.empty() ? otherwise : static_cast<std::int64_t>(names.size());
  };
  const std::vector<detail::cifar_label> labels{{0, count(coarse, 20)}, {1, count(fine, 100)}};
  const bool is_fine = which == cifar100_labels::fine;
  auto train = detail::read_cifar({detail::wanted_file(folder, "train.bin")}, labels, is_fine);
  auto test = detail::read_cifar({detail::wanted_file(folder, "test.bin")}, labels, is_fine);
  const bool is_other = (!fine.empty() && fine.front() != "apple") ||
                        (!coarse.empty() && coarse.front() != "aquatic_mammals");
  return detail::joined(std::move(train), std::move(test),
                        is_other ? "CIFAR-100 format" : "CIFAR-100", is_fine ? fine : coarse);
}

}  // namespace rolewise
