// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/open.hpp>.

#include <rolewise/data/open.hpp>
#include <rolewise/support/error.hpp>

#include <zlib.h>
#include <filesystem>
#include <system_error>

namespace rolewise::detail {

ROLEWISE_INLINE bool is_fashion_mnist(const dataset& train)
{
  if (train.size() != 60000 || train.shape != sample_shape{1, 28, 28, 10}) return false;
  const auto labels = train.labels.to(torch::kByte).contiguous();
  return ::crc32(0, labels.const_data_ptr<std::uint8_t>(), 60000) == 0x2ED6E46A;
}

ROLEWISE_INLINE dataset_splits idx_or_fashion_mnist(const std::string& folder,
                                                    const idx_options& options)
{
  auto data = idx_dataset(folder, options);
  if (is_fashion_mnist(data.train))
    for (auto* part : {&data.train, &data.test}) {
      if (options.name == idx_options{}.name) part->name = "Fashion-MNIST";
      if (options.class_names.empty()) part->class_names = fashion_mnist_names();
    }
  return data;
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE dataset_splits open_dataset(const std::string& folder, const open_options& options)
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
  if (count == 0)
    throw_runtime_error(folder, "holds no data set; looked for, also with .gz: ", all);
  if (count > 1) throw_runtime_error(folder, "holds more than one data set: ", found);

  if (kinds[0].is_there) {
    auto wanted = options.idx;
    wanted.relabel |= options.relabel;
    return detail::idx_or_fashion_mnist(folder, wanted);
  }
  auto data = kinds[1].is_there   ? cifar10(folder, options.cifar)
              : kinds[2].is_there ? cifar100(folder, options.cifar)
                                  : image_folder(folder, options.pictures);
  return options.relabel ? relabeled(std::move(data)) : data;
}

}  // namespace rolewise
