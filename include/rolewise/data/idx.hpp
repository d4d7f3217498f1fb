// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Reader of the IDX format of MNIST and related data sets.

#include <rolewise/data/dataset.hpp>
#include <rolewise/data/detail/file_bytes.hpp>
#include <rolewise/data/detail/joined.hpp>
#include <rolewise/data/relabeled.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

namespace detail {

struct idx_array {
  file_contents file;
  std::vector<std::int64_t> sizes;
  std::size_t first = 0;  ///< offset of the first value

  [[nodiscard]] torch::Tensor values() const;
};

[[nodiscard]] ROLEWISE_INLINE idx_array read_idx_array(const std::string& path,
                                                       std::uint64_t limit);

}  // namespace detail

/// Reads an IDX file of unsigned bytes, gzip-compressed or not.
/// @return uint8 tensor of the 1 to 4 sizes that the file states
/// @throws std::runtime_error that names file and byte for another magic or type, for a file
///         shorter or longer than its sizes say, for sizes beyond `limit` and for corrupt gzip
[[nodiscard]] inline torch::Tensor read_idx(const std::string& path,
                                            std::uint64_t limit = file_size_limit)
{
  return detail::read_idx_array(path, limit).values();
}

/// Options of `idx_dataset`: what IDX files do not store.
struct idx_options {
  std::int64_t classes = 0;                ///< 0: one more than the largest training label
  std::vector<std::string> class_names{};  ///< `classes` names, or none
  std::string name = "IDX";                ///< for reports
  /// Maps the labels that occur to 0 .. K - 1, by `relabeled`: for labels that begin at 1 or
  /// have gaps. `classes` is then K (0: any number), `class_names` as for `relabeled`.
  bool relabel = false;
};

namespace detail {

/// Reads one part of a data set.
/// @param classes if 0, set to one more than the largest label
/// @throws std::runtime_error that names file and byte
[[nodiscard]] ROLEWISE_INLINE dataset read_idx_part(const std::string& folder,
                                                    const std::string& part, std::int64_t& classes);

}  // namespace detail

/// Reads the data set in a folder with the four files of MNIST:
/// `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`,
/// `t10k-labels-idx1-ubyte`, each as it is or with `.gz`.
///
/// Ids number the examples of train, then those of test; `normalization` is computed from train.
/// @throws std::runtime_error as `read_idx`, and for a missing file, images and labels that do
///         not agree, a label out of range (file and byte), train and test images of different
///         sizes, and another number of classes than `classes` after `relabel`
/// @throws std::invalid_argument for options out of range, and as `relabeled`
[[nodiscard]] ROLEWISE_INLINE dataset_splits idx_dataset(const std::string& folder,
                                                         const idx_options& options = {});

namespace detail {

[[nodiscard]] ROLEWISE_INLINE std::vector<std::string> fashion_mnist_names();

}  // namespace detail

/// Reads Fashion-MNIST: 28 x 28 gray images of ten kinds of clothing.
/// @par Source
/// Xiao, Rasul, Vollgraf: Fashion-MNIST: a novel image dataset for benchmarking machine learning
/// algorithms, 2017, arXiv 1708.07747.
/// @throws std::runtime_error as `idx_dataset`
[[nodiscard]] ROLEWISE_INLINE dataset_splits fashion_mnist(const std::string& folder);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/implementation/idx.hpp>
#endif
