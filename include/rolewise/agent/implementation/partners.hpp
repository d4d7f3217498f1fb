// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/partners.hpp>.

#include <rolewise/agent/partners.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>
#include <tuple>

namespace rolewise {

ROLEWISE_INLINE partner_pool::partner_pool(const dataset& from)
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

ROLEWISE_INLINE batch partner_pool::of(std::string_view who, const batch& examples, seed key,
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

ROLEWISE_INLINE void partner_pool::next_in_data(std::string_view who, seed key,
                                                const std::int64_t* id,
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

ROLEWISE_INLINE void partner_pool::next_in_batch(std::string_view who, seed key, std::int64_t epoch,
                                                 const std::int64_t* id,
                                                 std::vector<std::int64_t>& places)
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

}  // namespace rolewise
