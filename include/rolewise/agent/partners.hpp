// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `partner_pool`: chooses the partner that each example is mixed with.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/keyed_permutation.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <tuple>
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
  partner_pool(const dataset& from)  // NOLINT: `.partners = data` is what one writes
  {
    const auto count = from.size();
    if (count < 2)
      throw_invalid_argument("partners", "want a data set of 2 examples or more, got ", count);
    if (!from.ids.defined() || from.ids.scalar_type() != torch::kLong || from.ids.dim() != 1 ||
        from.ids.size(0) != count)
      throw_invalid_argument("partners", "want ids of int64 [", count, "]");
    auto known = std::make_shared<pool>(pool{from, {}});
    known->places.reserve(static_cast<std::size_t>(count));
    const auto ids = from.ids.contiguous();
    for (std::int64_t place = 0; place < count; ++place)
      known->places.emplace_back(ids.const_data_ptr<std::int64_t>()[place], place);
    std::sort(known->places.begin(), known->places.end());
    const auto twice =
        std::adjacent_find(known->places.begin(), known->places.end(),
                           [](const auto& a, const auto& b) { return a.first == b.first; });
    if (twice != known->places.end())
      throw_invalid_argument("partners", "the data set has the id ", twice->first, " twice");
    pool_ = std::move(known);
  }

  [[nodiscard]] bool is_the_batch() const noexcept { return pool_ == nullptr; }
  /// Number of classes of the data set; 0 for the batch.
  [[nodiscard]] std::int64_t classes() const { return pool_ ? pool_->data.shape.classes : 0; }

  /// Returns the partners of a batch's examples, in the same order: images, labels, ids, and
  /// weights if the batch has some; examples of a data set without weights have the weight 1.
  /// @throws std::invalid_argument whose message begins with `who`, for an example that is not in
  ///         the data set, a batch of one without a data set, or images of different shapes
  [[nodiscard]] batch of(std::string_view who, const batch& examples, seed key,
                         std::int64_t epoch) const
  {
    const auto ids = examples.ids.cpu().contiguous();
    const auto* const id = ids.const_data_ptr<std::int64_t>();
    const auto count = examples.size();
    std::vector<std::int64_t> places(static_cast<std::size_t>(count));
    if (pool_)
      next_in_data(who, key.split(static_cast<std::uint64_t>(epoch)), id, places);
    else
      next_in_batch(who, key, epoch, id, places);
    const auto index = at::tensor(places, torch::kLong);
    const auto take = [&](const torch::Tensor& from) {
      return from.index_select(0, index.to(from.device()));
    };
    const auto& whole = pool_ ? pool_->data.inputs : examples.inputs;
    if (whole.sizes().slice(1) != examples.inputs.sizes().slice(1))
      throw_invalid_argument(who, "images are ", examples.inputs.sizes().slice(1),
                             ", their partners ", whole.sizes().slice(1));
    batch partners{take(whole).to(examples.inputs.device()),
                   take(pool_ ? pool_->data.labels : examples.labels).to(examples.labels.device()),
                   take(pool_ ? pool_->data.ids : ids), examples.normalization};
    if (const auto& weights = examples.weights; weights.defined()) {
      const auto& of_data = pool_ ? pool_->data.weights : weights;
      partners.weights =
          of_data.defined() ? take(of_data).to(weights.device()) : at::ones_like(weights);
    }
    partners.ignore_index = examples.ignore_index;
    return partners;
  }

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
                    std::vector<std::int64_t>& places) const
  {
    const keyed_permutation circle{key, pool_->data.size()};
    for (auto& place : places) {
      const std::pair<std::int64_t, std::int64_t> least{*id, 0};
      const auto own = std::lower_bound(pool_->places.begin(), pool_->places.end(), least);
      if (own == pool_->places.end() || own->first != *id)
        throw_invalid_argument(who, "example ", *id, " is not in the data set of the partners");
      place = circle.next(own->second);
      ++id;
    }
  }

  static void next_in_batch(std::string_view who, seed key, std::int64_t epoch,
                            const std::int64_t* id, std::vector<std::int64_t>& places)
  {
    if (places.size() == 1)
      throw_invalid_argument(
          who, "a batch of one example has no partner in it; set .partners to the data set");
    using numbered = std::tuple<std::uint32_t, std::int64_t, std::int64_t>;
    std::vector<numbered> circle;
    circle.reserve(places.size());
    for (std::size_t n = 0; n < places.size(); ++n)
      circle.emplace_back(draws{key, epoch, id[n]}.bits(0), id[n], static_cast<std::int64_t>(n));
    std::sort(circle.begin(), circle.end());
    for (std::size_t n = 0; n < circle.size(); ++n)
      places[static_cast<std::size_t>(std::get<2>(circle[n]))] =
          std::get<2>(circle[n + 1 == circle.size() ? 0 : n + 1]);
  }

  std::shared_ptr<const pool> pool_;
};

}  // namespace rolewise
