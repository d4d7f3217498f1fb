// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/cifar.hpp>.

#include <rolewise/data/cifar.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cstring>

namespace rolewise::detail {

ROLEWISE_INLINE dataset read_cifar(const std::string& path, const std::vector<cifar_label>& labels,
                                   std::size_t chosen)
{
  constexpr std::size_t pixels = 3 * 32 * 32;
  const auto record = labels.size() + pixels;
  const auto file = read_file(path);
  const auto count = file.bytes.size() / record;
  if (file.bytes.empty()) fail_at(file, 0, "is empty, want records of ", record, " bytes");
  if (file.bytes.size() % record != 0)
    fail_at(file, count * record, "a record begins here with ", file.bytes.size() % record,
            " bytes, want ", record);
  dataset result;
  result.inputs = at::empty({static_cast<std::int64_t>(count), 3, 32, 32}, torch::kByte);
  result.labels = at::empty({static_cast<std::int64_t>(count)}, torch::kLong);
  result.shape = {3, 32, 32, labels[chosen].classes};
  auto* const to = result.inputs.mutable_data_ptr<std::uint8_t>();
  auto* const known = result.labels.mutable_data_ptr<std::int64_t>();
  for (std::size_t n = 0; n < count; ++n) {
    const auto* const from = file.bytes.data() + n * record;
    for (const auto& label : labels)
      if (from[label.offset] >= label.classes)
        fail_at(file, n * record + label.offset, "label ", int{from[label.offset]}, ", want 0 to ",
                label.classes - 1);
    known[n] = from[labels[chosen].offset];
    std::memcpy(to + n * pixels, from + labels.size(), pixels);
  }
  return result;
}

ROLEWISE_INLINE std::string missing_from_cifar10(const std::array<std::int64_t, 5>& records)
{
  constexpr std::int64_t published = 10000;
  const bool is_published = std::ranges::find(records, published) != records.end();
  const auto whole = is_published ? published : std::ranges::max(records);
  std::size_t last = 5;
  while (!is_published && records[last - 1] == 0) --last;
  std::string words;
  for (std::size_t i = 0; i < last; ++i) {
    const bool may_be_short = !is_published && i + 1 == last;
    if (records[i] >= whole || (may_be_short && records[i] > 0)) continue;
    words += (words.empty() ? "" : ", ") + std::string{cifar10_batches[i]};
    words += records[i] == 0 ? std::string{" is missing"}
                             : " has " + std::to_string(records[i]) + " of " +
                                   std::to_string(whole) + " records";
  }
  return words;
}

ROLEWISE_INLINE void note_size(dataset_splits& data, const std::string& folder,
                               std::int64_t published, const std::string& of_batches)
{
  if (data.train.size() != published || data.test.size() != 10000)
    data.notes.push_back(folder + ": has " + of_batches + std::to_string(data.train.size()) +
                         " training and " + std::to_string(data.test.size()) +
                         " test examples, where " + data.train.name + " has " +
                         std::to_string(published) + " and 10000");
}

ROLEWISE_INLINE std::vector<std::string> cifar_names(const std::string& folder,
                                                     const std::string& name)
{
  const auto path = find_file(folder, name);
  if (!path) return {};
  auto names = read_lines(*path);
  if (names.size() < 2 || names.size() > 256)
    throw_runtime_error(*path, "has ", names.size(), " names of classes, want 2 to 256");
  return names;
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE dataset_splits cifar10(const std::string& folder, const cifar_options& options)
{
  detail::require_folder(folder);
  const std::vector<detail::cifar_label> labels{{0, 10}};
  std::array<std::int64_t, 5> records{};
  std::vector<torch::Tensor> images, known;
  dataset train;
  for (std::size_t i = 0; i < records.size(); ++i)
    if (const auto path = detail::find_file(folder, detail::cifar10_batches[i])) {
      train = detail::read_cifar(*path, labels, 0);
      records[i] = train.size();
      images.push_back(train.inputs);
      known.push_back(train.labels);
    }
  if (images.empty())
    throw_runtime_error(folder,
                        "has none of data_batch_1.bin to data_batch_5.bin, with or without .gz");
  train.inputs = at::cat(images);
  train.labels = at::cat(known);
  const auto missing = detail::missing_from_cifar10(records);
  if (!missing.empty() && !options.incomplete)
    throw_runtime_error(folder, "is incomplete: found ", images.size(), " of 5 batches, ",
                        train.size(), " examples to learn from: ", missing,
                        " (cifar_options::incomplete takes them)");
  auto test = detail::read_cifar(detail::wanted_file(folder, "test_batch.bin"), labels, 0);
  const auto names = detail::cifar_names(folder, "batches.meta.txt");
  if (!names.empty() && names.size() != 10)
    throw_runtime_error(folder, "batches.meta.txt has ", names.size(), " names, want 10");
  auto data = detail::joined(std::move(train), std::move(test), "CIFAR-10", names);
  if (!missing.empty()) data.notes.push_back(folder + ": " + missing);
  detail::note_size(data, folder, 50000, std::to_string(images.size()) + " of 5 batches, ");
  return data;
}

ROLEWISE_INLINE dataset_splits cifar100(const std::string& folder, const cifar_options& options)
{
  detail::require_folder(folder);
  const auto coarse = detail::cifar_names(folder, "coarse_label_names.txt");
  const auto fine = detail::cifar_names(folder, "fine_label_names.txt");
  const auto count = [](const std::vector<std::string>& names, std::int64_t otherwise) {
    return names.empty() ? otherwise : static_cast<std::int64_t>(names.size());
  };
  const std::vector<detail::cifar_label> labels{{0, count(coarse, 20)}, {1, count(fine, 100)}};
  const bool is_fine = options.labels == cifar100_labels::fine;
  auto train = detail::read_cifar(detail::wanted_file(folder, "train.bin"), labels, is_fine);
  auto test = detail::read_cifar(detail::wanted_file(folder, "test.bin"), labels, is_fine);
  const bool is_other = (!fine.empty() && fine.front() != "apple") ||
                        (!coarse.empty() && coarse.front() != "aquatic_mammals");
  auto data = detail::joined(std::move(train), std::move(test),
                             is_other ? "CIFAR-100 format" : "CIFAR-100", is_fine ? fine : coarse);
  if (!is_other) detail::note_size(data, folder, 50000, "");
  return data;
}

}  // namespace rolewise
