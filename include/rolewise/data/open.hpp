// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A folder of data, whatever it holds.

#include <rolewise/data/cifar.hpp>
#include <rolewise/data/idx.hpp>
#include <rolewise/data/image_folder.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <zlib.h>

namespace rolewise {

namespace detail {

/// Fashion-MNIST and MNIST have the same files, sizes and labels; their labels' order tells them
/// apart.
[[nodiscard]] inline bool is_fashion_mnist(const dataset& train)
{
  if (train.size() != 60000 || train.shape != sample_shape{1, 28, 28, 10}) return false;
  const auto labels = train.labels.to(torch::kByte).contiguous();
  return ::crc32(0, labels.const_data_ptr<std::uint8_t>(), 60000) == 0x2ED6E46A;
}

}  // namespace detail

/// The data set in a folder, recognised by what is in it:
///
///   - `train-images-idx3-ubyte`: `idx_dataset`, with Fashion-MNIST's names if its labels are those
///   - `data_batch_1.bin`: `cifar10`
///   - `train.bin`: `cifar100`
///   - folders `train` and `test`: `image_folder`
///
/// (files also with `.gz`).
/// @throws std::runtime_error for a missing folder, for a folder that holds none or several of
///         these, and as the reader that is chosen
[[nodiscard]] inline dataset_splits open_dataset(const std::string& folder)
{
  detail::require_folder(folder);
  bool has_cifar10 = false;
  for (const auto* name : detail::cifar10_batches)
    has_cifar10 |= detail::find_file(folder, name).has_value();
  std::error_code unknown;
  const std::filesystem::path place{folder};
  struct kind {
    std::string_view name;
    bool is_there;
  };
  const std::vector<kind> kinds{
      {"train-images-idx3-ubyte (MNIST and relatives)",
       detail::find_file(folder, "train-images-idx3-ubyte").has_value()},
      {"data_batch_1.bin to data_batch_5.bin (CIFAR-10)", has_cifar10},
      {"train.bin (CIFAR-100)", detail::find_file(folder, "train.bin").has_value()},
      {"folders train and test (pictures in folders of classes)",
       std::filesystem::is_directory(place / "train", unknown) &&
           std::filesystem::is_directory(place / "test", unknown)},
  };
  std::string all, found;
  int count = 0;
  for (const auto& [name, is_there] : kinds) {
    all.append(all.empty() ? "" : "; ").append(name);
    if (is_there) found.append(count++ == 0 ? "" : "; ").append(name);
  }
  if (count == 0) fail(folder, "holds no data set; looked for, also with .gz: ", all);
  if (count > 1) fail(folder, "holds more than one data set: ", found);

  if (kinds[1].is_there) return cifar10(folder);
  if (kinds[2].is_there) return cifar100(folder);
  if (kinds[3].is_there) return image_folder(folder);
  auto data = idx_dataset(folder);
  if (detail::is_fashion_mnist(data.train))
    for (auto* part : {&data.train, &data.test}) {
      part->name = "Fashion-MNIST";
      part->class_names = detail::fashion_mnist_names();
    }
  return data;
}

}  // namespace rolewise
