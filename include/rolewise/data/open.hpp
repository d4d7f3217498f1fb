// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `open_dataset` function: reads a data set folder in any supported format.

#include <rolewise/data/cifar.hpp>
#include <rolewise/data/idx.hpp>
#include <rolewise/data/image_folder.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

/// Options of `open_dataset`, passed on to the reader of the format.
struct open_options {
  image_folder_options pictures{};  ///< of image folders
  idx_options idx{};                ///< of IDX files
  cifar_options cifar{};            ///< of CIFAR-10 and CIFAR-100
  bool relabel = false;             ///< `relabeled`, whatever the format
};

namespace detail {

/// Detects Fashion-MNIST: files, sizes and labels are those of MNIST, but the order of the labels
/// differs (by checksum).
[[nodiscard]] ROLEWISE_INLINE bool is_fashion_mnist(const dataset& train);

/// `idx_dataset`, with the name and the class names of Fashion-MNIST if it is that and the
/// options set no others.
[[nodiscard]] ROLEWISE_INLINE dataset_splits idx_or_fashion_mnist(const std::string& folder,
                                                                  const idx_options& options);

}  // namespace detail

/// Reads the data set in a folder; the format is detected from the files in it:
///
///   - `train-images-idx3-ubyte`: `idx_dataset`, with Fashion-MNIST's names if its labels are those
///   - one of `data_batch_1.bin` to `data_batch_5.bin`: `cifar10`
///   - `train.bin`: `cifar100`
///   - folders `train` and `test`: `image_folder`
///
/// (files also with `.gz`).
/// @throws std::runtime_error for a missing folder, for a folder that holds none or several of
///         these, and as the reader that is chosen
/// @throws std::invalid_argument as the reader that is chosen
[[nodiscard]] ROLEWISE_INLINE dataset_splits open_dataset(const std::string& folder,
                                                          const open_options& options = {});

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/implementation/open.hpp>
#endif
