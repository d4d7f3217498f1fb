// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Readers of the binary formats of CIFAR-10 and CIFAR-100.

#include <rolewise/data/dataset.hpp>
#include <rolewise/data/detail/file_bytes.hpp>
#include <rolewise/data/detail/joined.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
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
[[nodiscard]] ROLEWISE_INLINE dataset read_cifar(const std::string& path,
                                                 const std::vector<cifar_label>& labels,
                                                 std::size_t chosen);

/// Describes missing batches, those before the last one that exists, and missing records, in
/// batches before the last one that are shorter than others. A set with a batch of 10000 records
/// is the published one: it has five of those. Other sets in this format may have any number of
/// batches.
/// @param records of each batch, 0 where it does not exist
/// @return a description, or empty
[[nodiscard]] ROLEWISE_INLINE std::string missing_from_cifar10(
    const std::array<std::int64_t, 5>& records);

/// Adds a note if a set under a published name has another number of examples than was published.
/// @param of_batches text about batches, with a comma at its end, or empty
ROLEWISE_INLINE void note_size(dataset_splits& data, const std::string& folder,
                               std::int64_t published, const std::string& of_batches);

/// Returns the class names in the folder; empty if there is no such file.
[[nodiscard]] ROLEWISE_INLINE std::vector<std::string> cifar_names(const std::string& folder,
                                                                   const std::string& name);

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
[[nodiscard]] ROLEWISE_INLINE dataset_splits cifar10(const std::string& folder,
                                                     const cifar_options& options = {});

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
[[nodiscard]] ROLEWISE_INLINE dataset_splits cifar100(const std::string& folder,
                                                      const cifar_options& options = {});

/// As above, with the choice of labels alone.
[[nodiscard]] inline dataset_splits cifar100(const std::string& folder, cifar100_labels labels)
{
  return cifar100(folder, cifar_options{.labels = labels});
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/implementation/cifar.hpp>
#endif
