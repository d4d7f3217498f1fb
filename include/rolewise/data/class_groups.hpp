// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `class_groups`: batches of P classes with K examples of each.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/batch_options.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/data/gathered_batches.hpp>
#include <rolewise/data/relabeled.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace rolewise {

/// Options of `class_groups`.
struct class_group_options {
  std::int64_t examples_per_class = 4;  ///< K, at least 1
  /// Draw the examples of a group independently, so that one may occur twice in a batch; needed
  /// for classes with fewer than K examples.
  bool replacement = false;
};

/// Batches of groups: P different classes with K examples of each, for losses that compare
/// examples of the same and of other classes. P is the size of a batch over K. The rows of a class
/// follow each other, so a batch is `[P, K, ...]` by a `view`.
///
///     fit(training, class_groups{data.train, {.examples_per_class = 4}}, {.batch_size = 64});
///
/// An epoch has N / (P K) batches, rounded down, all of them full. It goes in rounds through the
/// classes in an order of the round, P at a time; what is left of a round is left out. In turn,
/// each class gives the next K of its examples in an order of their own; when fewer than K are
/// left, it begins anew in another order. With as many examples in each class, and with numbers
/// that divide without remainder, an epoch has every example once. Without shuffling, classes and
/// examples come in the order of labels and of the data set.
///
/// @par Determinism
/// A function of the data and of the seed, the epoch and the size of a batch. The draws of an
/// example are keyed by its id, those of a class by its label.
/// @par Source
/// Hermans, Beyer, Leibe: In Defense of the Triplet Loss for Person Re-Identification, 2017, arXiv
/// 1703.07737, section 2.
/// @par Departs
/// The paper draws the classes of each batch and the examples of each class independently; here
/// both are dealt from shuffled orders, so that an epoch shows them about equally often.
class class_groups {
 public:
  /// @throws std::invalid_argument unless the data set has an int64 label in 0 .. classes - 1 and
  ///         an int64 id for each example, and every class has K examples; with replacement, one
  explicit class_groups(dataset data, const class_group_options& options = {});

  [[nodiscard]] std::int64_t size() const { return data_.size(); }
  [[nodiscard]] std::string name() const { return data_.name; }
  [[nodiscard]] sample_shape shape() const { return data_.shape; }
  [[nodiscard]] std::uint64_t fingerprint() const;
  /// All examples, in the order of the data set.
  [[nodiscard]] batch examples() const { return data_.examples(); }

  /// @throws std::invalid_argument unless the size of a batch is a multiple of K, of at most as
  ///         many classes as there are
  [[nodiscard]] std::int64_t batch_count(const batch_options& options) const
  {
    (void)classes_of_a_batch(options);
    return size() / options.size;
  }

  /// @throws std::invalid_argument as `batch_count`
  [[nodiscard]] gathered_batches epoch(const batch_options& options) const;

 private:
  void require_sound() const;

  [[nodiscard]] std::int64_t classes_of_a_batch(const batch_options& options) const;

  /// Sorts by draw `number` of each element's key, 64 bits, and by the keys where these are equal.
  template<typename KeyOf>
  static void shuffle(std::vector<std::int64_t>& elements, seed from, std::int64_t epoch,
                      std::int64_t number, const KeyOf& key_of)
  {
    std::vector<std::tuple<std::uint64_t, std::int64_t, std::int64_t>> tickets;
    tickets.reserve(elements.size());
    const auto at = static_cast<std::uint64_t>(2 * number);
    for (const auto each : elements) {
      const draws random{from, epoch, key_of(each)};
      const auto bits = std::uint64_t{random.bits(at)} << 32 | random.bits(at + 1);
      tickets.emplace_back(bits, key_of(each), each);
    }
    std::sort(tickets.begin(), tickets.end());
    for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = std::get<2>(tickets[i]);
  }

  [[nodiscard]] std::vector<std::int64_t> classes_in_round(const batch_options& options,
                                                           std::int64_t round) const;

  /// The places of a class in the order of one pass over them.
  [[nodiscard]] std::vector<std::int64_t> places_in_pass(std::size_t of,
                                                         const batch_options& options,
                                                         std::int64_t pass) const;

  /// Adds the places of one group.
  /// @param number of the group within its class and epoch
  /// @param dealt the order of the current pass over the class
  void add_group(std::size_t of, const batch_options& options, std::int64_t number,
                 std::vector<std::int64_t>& dealt, std::vector<std::int64_t>& order) const;

  dataset data_;
  class_group_options options_;
  std::vector<std::vector<std::int64_t>> places_;  // of each class, in the order of the data set
};

static_assert(BatchSource<class_groups>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/implementation/class_groups.hpp>
#endif
