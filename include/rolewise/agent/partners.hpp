// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `partner_pool`: chooses the partner that each example is mixed with.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/keyed_permutation.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

/// Source of the partners that examples are mixed with: a data set or, by default, the batch
/// itself.
///
/// From a data set, the partner of an example is a function of (seed, epoch, id): the next
/// example in a cyclic order of the whole data set, which is drawn for each epoch. Each example
/// is therefore the partner of exactly one other, none is its own, and a view can be recomputed
/// without its batch. Partners are the unmodified examples of the data set.
///
/// From the batch, the cyclic order is over the ids in the batch, whatever their order; a partner
/// is then as the preceding agents have changed it.
class partner_pool {
 public:
  partner_pool() = default;
  /// @throws std::invalid_argument for fewer than two examples, ids that do not fit the images,
  ///         or a duplicate id
  partner_pool(const dataset& from);  // NOLINT: `.partners = data` is what one writes

  [[nodiscard]] bool is_the_batch() const noexcept { return pool_ == nullptr; }
  /// Number of classes of the data set; 0 for the batch.
  [[nodiscard]] std::int64_t classes() const { return pool_ ? pool_->data.shape.classes : 0; }

  /// Returns the partners of a batch's examples, in the same order: images, labels, ids, and
  /// weights if the batch has some; examples of a data set without weights have the weight 1.
  /// @throws std::invalid_argument whose message begins with `who`, for an example that is not in
  ///         the data set, a batch of one without a data set, or images of different shapes
  [[nodiscard]] batch of(std::string_view who, const batch& examples, seed key,
                         std::int64_t epoch) const;

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("data", pool_ ? pool_->data.fingerprint() : std::uint64_t{0});
  }

 private:
  struct pool {
    dataset data;
    std::vector<std::pair<std::int64_t, std::int64_t>> places;  // (id, place), sorted
  };

  void next_in_data(std::string_view who, seed key, const std::int64_t* id,
                    std::vector<std::int64_t>& places) const;

  static void next_in_batch(std::string_view who, seed key, std::int64_t epoch,
                            const std::int64_t* id, std::vector<std::int64_t>& places);

  std::shared_ptr<const pool> pool_;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/partners.hpp>
#endif
