// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Readers of the binary formats of CIFAR-10 and CIFAR-100.

#include <rolewise/data/dataset.hpp>
#include <rolewise/data/detail/file_bytes.hpp>
#include <rolewise/data/detail/joined.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// Which of the two labels of a CIFAR-100 record is used.
enum class cifar100_labels { fine, coarse };

/// Options of `cifar10` and `cifar100`.
struct cifar_options {
  cifar100_labels labels = cifar100_labels::fine;  ///< of CIFAR-100
  bool incomplete = false;  ///< accept missing batches or records of CIFAR-10
};

namespace detail {

inline constexpr std::array<const char*, 5> cifar10_batches{"data_batch_1.bin", "data_batch_2.bin",
                                                            "data_batch_3.bin", "data_batch_4.bin",
                                                            "data_batch_5.bin"};

/// One label byte of a record.
struct cifar_label {
  std::size_t offset;    ///< within the record
  std::int64_t classes;  ///< its values are below this
};

/// Reads records of `labels.size()` label bytes and 3 x 32 x 32 pixels each; keeps label
/// `chosen`.
[[nodiscard]] inline dataset read_cifar(const std::string& path,
                                        const std::vector<cifar_label>& labels, std::size_t chosen)
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

/// Describes missing batches, those before the last one that exists, and missing records, in
/// batches before the last one that are shorter than others. A set with a batch of 10000 records
/// is the published one: it has five of those. Other sets in this format may have any number of
/// batches.
/// @param records of each batch, 0 where it does not exist
/// @return a description, or empty
[[nodiscard]] inline std::string missing_from_cifar10(const std::array<std::int64_t, 5>& records)
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

/// Adds a note if a set under a published name has another number of examples than was published.
/// @param of_batches text about batches, with a comma at its end, or empty
inline void note_size(dataset_splits& data, const std::string& folder, std::int64_t published,
                      const std::string& of_batches)
{
  if (data.train.size() != published || data.test.size() != 10000)
    data.notes.push_back(folder + ": has " + of_batches + std::to_string(data.train.size()) +
                         " training and " + std::to_string(data.test.size()) +
                         " test examples, where " + data.train.name + " has " +
                         std::to_string(published) + " and 10000");
}

/// Returns the class names in the folder; empty if there is no such file.
[[nodiscard]] inline std::vector<std::string> cifar_names(const std::string& folder,
                                                          const std::string& name)
{
  const auto path = find_file(folder, name);
  if (!path) return {};
  auto names = read_lines(*path);
  if (names.size() < 2 || names.size() > 256)
    throw_runtime_error(*path, "has ", names.size(), " names of classes, want 2 to 256");
  return names;
}

}  // namespace detail

/// Reads CIFAR-10 in its binary version: `data_batch_1.bin` to `data_batch_5.bin` and
/// `test_batch.bin`, each as it is or with `.gz`; class names from `batches.meta.txt` if it
/// exists. Smaller sets in this format may have fewer batches, from the first one on, of which
/// the last may be shorter; `dataset_splits::notes` states how many of the published examples
/// there are.
///
/// Ids number the examples of train, then those of test; `normalization` is computed from train.
/// @par Source
/// Krizhevsky: Learning multiple layers of features from tiny images, 2009.
/// @throws std::runtime_error that names the file, and the byte for a truncated record or a label
///         out of range; for missing batches or records, unless `options.incomplete`
[[nodiscard]] inline dataset_splits cifar10(const std::string& folder,
                                            const cifar_options& options = {})
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

/// Reads CIFAR-100 in its binary version: `train.bin` and `test.bin`, each as it is or with
/// `.gz`; class names from `fine_label_names.txt` and `coarse_label_names.txt` if they exist.
/// Other sets may use this format: there are as many classes as names (100 and 20 without names),
/// and if the names are not those of CIFAR-100, the set is named `CIFAR-100 format`.
///
/// A record has a coarse label and a fine one; one of them is used, both are checked. Ids and
/// `normalization` as in `cifar10`; `dataset_splits::notes` reports another number of examples than
/// published.
/// @par Source
/// As `cifar10`.
/// @throws std::runtime_error as `cifar10`
[[nodiscard]] inline dataset_splits cifar100(const std::string& folder,
                                             const cifar_options& options = {})
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

/// As above, with the choice of labels alone.
[[nodiscard]] inline dataset_splits cifar100(const std::string& folder, cifar100_labels labels)
{
  return cifar100(folder, cifar_options{.labels = labels});
}

}  // namespace rolewise
