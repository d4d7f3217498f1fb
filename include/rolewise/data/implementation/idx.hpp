// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/idx.hpp>.

#include <rolewise/data/idx.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cstring>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor idx_array::values() const
{
  auto result = at::empty(sizes, torch::kByte);
  if (result.numel() > 0)
    std::memcpy(result.mutable_data_ptr(), file.bytes.data() + first,
                static_cast<std::size_t>(result.numel()));
  return result;
}

ROLEWISE_INLINE idx_array read_idx_array(const std::string& path, std::uint64_t limit)
{
  idx_array result{read_file(path, limit), {}, 0};
  const auto& bytes = result.file.bytes;
  if (bytes.size() < 4)
    fail_at(result.file, bytes.size(), "ends here, want an IDX header of 4 bytes");
  if (bytes[0] != 0 || bytes[1] != 0)
    fail_at(result.file, 0, "no IDX file: begins with ", int{bytes[0]}, " ", int{bytes[1]},
            ", want 0 0");
  if (bytes[2] != 8)
    fail_at(result.file, 2, "IDX type ", int{bytes[2]}, ", want 8 (unsigned bytes)");
  const auto dimensions = std::size_t{bytes[3]};
  if (dimensions < 1 || dimensions > 4)
    fail_at(result.file, 3, "IDX array of ", dimensions, " dimensions, want 1 to 4");
  result.first = 4 + 4 * dimensions;
  if (bytes.size() < result.first)
    fail_at(result.file, bytes.size(), "ends here, want an IDX header of ", result.first, " bytes");
  std::uint64_t product = 1;
  std::uint64_t extent = 1;  // as `product`, without the sizes of 0, so that the others are checked
  for (std::size_t at = 4; at < result.first; at += 4) {
    const auto size = std::uint64_t{bytes[at]} << 24 | std::uint64_t{bytes[at + 1]} << 16 |
                      std::uint64_t{bytes[at + 2]} << 8 | std::uint64_t{bytes[at + 3]};
    if (size != 0 && extent > limit / size)
      fail_at(result.file, at, "size ", size, " makes the IDX array larger than the limit of ",
              limit, " bytes");
    product *= size;
    if (size != 0) extent *= size;
    result.sizes.push_back(static_cast<std::int64_t>(size));
  }
  const auto end = result.first + product;
  if (bytes.size() < end)
    fail_at(result.file, bytes.size(), "truncated: ends here, the sizes ", result.sizes, " want ",
            end, " bytes");
  if (bytes.size() > end)
    fail_at(result.file, end, "oversized: the sizes ", result.sizes, " end here, ",
            bytes.size() - end, " bytes follow");
  return result;
}

ROLEWISE_INLINE dataset read_idx_part(const std::string& folder, const std::string& part,
                                      std::int64_t& classes)
{
  const auto images =
      read_idx_array(wanted_file(folder, part + "-images-idx3-ubyte"), file_size_limit);
  const auto labels =
      read_idx_array(wanted_file(folder, part + "-labels-idx1-ubyte"), file_size_limit);
  if (images.sizes.size() != 3)
    fail_at(images.file, 3, "want images in 3 dimensions, got ", images.sizes.size());
  if (labels.sizes.size() != 1)
    fail_at(labels.file, 3, "want labels in 1 dimension, got ", labels.sizes.size());
  if (images.sizes[0] != labels.sizes[0])
    fail_at(labels.file, 4, labels.sizes[0], " labels for the ", images.sizes[0], " images of ",
            images.file.path);
  for (std::size_t axis = 0; axis < 3; ++axis)
    if (images.sizes[axis] == 0) fail_at(images.file, 4 + 4 * axis, "has no pixels: size 0");

  const auto* const label = labels.file.bytes.data() + labels.first;
  if (classes == 0) classes = 1 + std::int64_t{*std::max_element(label, label + labels.sizes[0])};
  dataset result;
  result.inputs = images.values().unsqueeze(1);
  result.labels = labels.values().to(torch::kLong);
  for (std::int64_t n = 0; n < labels.sizes[0]; ++n)
    if (label[n] >= classes)
      fail_at(labels.file, labels.first + static_cast<std::size_t>(n), "label ", int{label[n]},
              ", want 0 to ", classes - 1,
              labels_in(result.labels).numel() == classes
                  ? relabeling_advice(result.labels, classes)
                  : "");
  result.shape = {1, images.sizes[1], images.sizes[2], classes};
  return result;
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE dataset_splits idx_dataset(const std::string& folder, const idx_options& options)
{
  if (options.classes < 0 || options.classes > 256)
    throw_invalid_argument("idx_dataset", "want 0 to 256 classes, got ", options.classes);
  auto classes = options.relabel ? std::int64_t{256} : options.classes;
  auto train = detail::read_idx_part(folder, "train", classes);
  const auto names = static_cast<std::int64_t>(options.class_names.size());
  if (!options.relabel && names != 0 && names != classes)
    throw_invalid_argument("idx_dataset", names, " class names for ", classes, " classes");
  auto test = detail::read_idx_part(folder, "t10k", classes);
  for (const auto axis : {2, 3})
    if (train.inputs.size(axis) != test.inputs.size(axis))
      throw_runtime_error(folder, "images to learn from are ", train.inputs.sizes(),
                          ", images to test with are ", test.inputs.sizes());
  auto data = detail::joined(std::move(train), std::move(test), options.name, options.class_names);
  if (!options.relabel) return data;
  data = relabeled(std::move(data));
  if (options.classes != 0 && data.shape.classes != options.classes)
    throw_runtime_error(folder, "has ", data.shape.classes,
                        " different labels to learn from, want ", options.classes);
  return data;
}

}  // namespace rolewise

namespace rolewise::detail {

ROLEWISE_INLINE std::vector<std::string> fashion_mnist_names()
{
  return {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
          "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE dataset_splits fashion_mnist(const std::string& folder)
{
  return idx_dataset(
      folder,
      {.classes = 10, .class_names = detail::fashion_mnist_names(), .name = "Fashion-MNIST"});
}

}  // namespace rolewise
