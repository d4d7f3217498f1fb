// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Agents that show another example of the same class, for teachers that never see the data.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/data/composed_digits.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

/// Shows, in place of each example, one of a bank with the same label, drawn anew in each epoch.
/// The view has the size and the normalization of the bank, and labels, ids and weights of the
/// batch; it does not depend on the inputs of the batch.
///
///     example_of_class{composed_digits({.classes = 10}).train}
///
/// Two examples of a class may draw the same one of the bank: of M, with probability 1 / M. Copies
/// share the bank.
///
/// @par Determinism
/// The drawn example is a function of (seed, epoch, id, label).
class example_of_class {
 public:
  static constexpr std::string_view name = "example-of-class";
  static constexpr bool has_state = false;

  /// @throws std::invalid_argument for an empty bank, and unless its labels are `[N]` int64,
  ///         0 .. classes - 1
  explicit example_of_class(const dataset& bank);

  /// @throws std::invalid_argument unless labels are `[N]` int64 and each a class of which the
  ///         bank has an example, and ids `[N]` int64
  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("bank", known_->bank.fingerprint());
  }

 private:
  struct places {
    dataset bank;
    std::vector<std::vector<std::int64_t>> of_class;
  };
  std::shared_ptr<const places> known_;
};

/// Shows, in place of each example, a new image of `composed_digits` with the same label: another
/// one for each example and epoch. The view has labels, ids and weights of the batch; it does not
/// depend on the inputs of the batch.
///
/// @par Determinism
/// An image is a function of (seed, epoch, id, label).
struct digits_of_class {
  static constexpr std::string_view name = "digits-of-class";
  static constexpr bool has_state = false;

  composed_digit_options options{};  ///< classes, height and width are read; draws are the key's
  rolewise::normalization normalization{};  ///< that of the data the teacher was trained on

  /// @throws std::invalid_argument unless labels are `[N]` int64, 0 .. classes - 1, and ids `[N]`
  ///         int64, and as `composed_digit_images`
  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;
};

static_assert(AugmentationAgent<example_of_class>);
static_assert(AugmentationAgent<digits_of_class>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/views_of_class.hpp>
#endif
