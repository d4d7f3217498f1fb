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
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
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
  explicit class_groups(dataset data, const class_group_options& options = {})
      : data_{std::move(data)}, options_{options}
  {
    require_sound();
    const auto labels = data_.labels.contiguous();
    const auto* const label = labels.const_data_ptr<std::int64_t>();
    places_.resize(static_cast<std::size_t>(data_.shape.classes));
    for (std::int64_t n = 0; n < data_.size(); ++n) {
      if (label[n] < 0 || label[n] >= data_.shape.classes)
        throw_invalid_argument("class_groups", "label ", label[n], " of example ", n,
                               " is not among ", data_.shape.classes, " classes",
                               detail::relabeling_advice(labels, data_.shape.classes));
      places_[static_cast<std::size_t>(label[n])].push_back(n);
    }
    for (std::size_t c = 0; c < places_.size(); ++c) {
      const auto count = static_cast<std::int64_t>(places_[c].size());
      if (count == 0)
        throw_invalid_argument("class_groups", "class ", c, " has no examples",
                               detail::relabeling_advice(labels, data_.shape.classes));
      if (!options_.replacement && count < options_.examples_per_class)
        throw_invalid_argument("class_groups", "class ", c, " has ", count,
                               " examples, want at least ", options_.examples_per_class,
                               " for a group of them; or set .replacement");
    }
  }

  [[nodiscard]] std::int64_t size() const { return data_.size(); }
  [[nodiscard]] std::string name() const { return data_.name; }
  [[nodiscard]] sample_shape shape() const { return data_.shape; }
  [[nodiscard]] std::uint64_t fingerprint() const
  {
    checksum sum;
    sum.add(std::string_view{"class_groups"});
    sum.add(data_.fingerprint());
    sum.add(static_cast<std::uint64_t>(options_.examples_per_class));
    sum.add(std::uint64_t{options_.replacement});
    return sum.value();
  }
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
  [[nodiscard]] gathered_batches epoch(const batch_options& options) const
  {
    const auto of_a_batch = static_cast<std::size_t>(classes_of_a_batch(options));
    const auto batches_of_a_round = static_cast<std::int64_t>(places_.size() / of_a_batch);
    const auto count = batch_count(options);
    std::vector<std::int64_t> order, given(places_.size(), 0);
    std::vector<std::vector<std::int64_t>> dealt(places_.size());
    std::vector<std::int64_t> classes;
    order.reserve(static_cast<std::size_t>(count * options.size));
    for (std::int64_t step = 0; step < count; ++step) {
      const auto turn = static_cast<std::size_t>(step % batches_of_a_round);
      if (turn == 0) classes = classes_in_round(options, step / batches_of_a_round);
      for (std::size_t i = turn * of_a_batch; i < (turn + 1) * of_a_batch; ++i) {
        const auto label = static_cast<std::size_t>(classes[i]);
        add_group(label, options, given[label]++, dealt[label], order);
      }
    }
    return {data_.examples(), std::move(order), options.size};
  }

 private:
  void require_sound() const
  {
    if (options_.examples_per_class < 1)
      throw_invalid_argument("class_groups", "want at least 1 example per class, got ",
                             options_.examples_per_class);
    if (data_.size() == 0) throw_invalid_argument("class_groups", "the data set is empty");
    for (const auto* part : {&data_.labels, &data_.ids})
      if (!part->defined() || part->dim() != 1 || part->scalar_type() != torch::kLong ||
          part->size(0) != data_.size() || !part->is_cpu())
        throw_invalid_argument("class_groups", "want one int64 label and one int64 id for each of ",
                               data_.size(), " examples");
  }

  [[nodiscard]] std::int64_t classes_of_a_batch(const batch_options& options) const
  {
    const auto per_class = options_.examples_per_class;
    const auto classes = static_cast<std::int64_t>(places_.size());
    if (options.size < 1 || options.size % per_class != 0 || options.size / per_class > classes)
      throw_invalid_argument("class_groups", "want batches of ", per_class, " examples of 1 to ",
                             classes, " classes, got a size of ", options.size);
    return options.size / per_class;
  }

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
                                                           std::int64_t round) const
  {
    std::vector<std::int64_t> classes(places_.size());
    std::iota(classes.begin(), classes.end(), std::int64_t{0});
    if (options.shuffle)
      shuffle(classes, options.seed.split(purpose{"order of classes"}), options.epoch, round,
              [](std::int64_t label) { return label; });
    return classes;
  }

  /// The places of a class in the order of one pass over them.
  [[nodiscard]] std::vector<std::int64_t> places_in_pass(std::size_t of,
                                                         const batch_options& options,
                                                         std::int64_t pass) const
  {
    auto places = places_[of];
    const auto id = data_.ids.accessor<std::int64_t, 1>();
    if (options.shuffle)
      shuffle(places, options.seed.split(purpose{"order in classes"}), options.epoch, pass,
              [&](std::int64_t place) { return id[place]; });
    return places;
  }

  /// Adds the places of one group.
  /// @param number of the group within its class and epoch
  /// @param dealt the order of the current pass over the class
  void add_group(std::size_t of, const batch_options& options, std::int64_t number,
                 std::vector<std::int64_t>& dealt, std::vector<std::int64_t>& order) const
  {
    const auto per_class = options_.examples_per_class;
    const auto count = static_cast<std::int64_t>(places_[of].size());
    if (options_.replacement) {
      const draws random{options.seed.split(purpose{"examples of classes"}), options.epoch,
                         static_cast<std::int64_t>(of)};
      for (auto i = number * per_class; i < (number + 1) * per_class; ++i)
        order.push_back(places_[of][static_cast<std::size_t>(
            options.shuffle ? random.below(static_cast<std::uint64_t>(i), count) : i % count)]);
      return;
    }
    const auto groups_of_a_pass = count / per_class;
    const auto begin = number % groups_of_a_pass * per_class;
    if (begin == 0) dealt = places_in_pass(of, options, number / groups_of_a_pass);
    order.insert(order.end(), dealt.begin() + begin, dealt.begin() + begin + per_class);
  }

  dataset data_;
  class_group_options options_;
  std::vector<std::vector<std::int64_t>> places_;  // of each class, in the order of the data set
};

static_assert(BatchSource<class_groups>);

}  // namespace rolewise
