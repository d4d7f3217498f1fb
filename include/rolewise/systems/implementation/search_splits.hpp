// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/systems/search_splits.hpp>.

#include <rolewise/systems/search_splits.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::systems::detail {

ROLEWISE_INLINE std::vector<std::int64_t> sorted_ids(const dataset& of)
{
  const auto ids = of.ids.contiguous();
  const auto* const begin = ids.const_data_ptr<std::int64_t>();
  std::vector<std::int64_t> sorted(begin, begin + ids.numel());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

ROLEWISE_INLINE dataset without(const dataset& whole, const dataset& part)
{
  const auto taken = sorted_ids(part);
  const auto ids = whole.ids.contiguous();
  std::vector<std::int64_t> places;
  for (std::int64_t n = 0; n < whole.size(); ++n)
    if (!std::binary_search(taken.begin(), taken.end(), ids.const_data_ptr<std::int64_t>()[n]))
      places.push_back(n);
  return subset(whole, at::tensor(places, torch::kLong));
}

ROLEWISE_INLINE void require_apart(std::string_view who, const search_splits& data)
{
  if (data.search.size() < 1 || data.validation.size() < 1 || data.all.size() < 1)
    throw_invalid_argument(who, "want examples to search with, to validate with and in all, got ",
                           data.search.size(), ", ", data.validation.size(), " and ",
                           data.all.size());
  const auto learned = sorted_ids(data.search);
  for (const auto id : sorted_ids(data.validation))
    if (std::binary_search(learned.begin(), learned.end(), id))
      throw_invalid_argument(who, "id ", id, " is in the search part and in the validation part");
}

ROLEWISE_INLINE search_run_options evaluated_by(search_run_options options,
                                                const dataset& validation,
                                                std::initializer_list<std::uint64_t> sums)
{
  checksum all;
  all.add(options.conditions);
  all.add(validation.fingerprint());
  for (const auto sum : sums) all.add(sum);
  options.conditions = all.value();
  return options;
}

}  // namespace rolewise::systems::detail

namespace rolewise::systems {

ROLEWISE_INLINE search_splits split_for_search(const dataset& whole, std::int64_t search,
                                               std::int64_t validation, seed key)
{
  auto learned = stratified_subset(whole, search, key.split(purpose{"search"}));
  auto validation_set = stratified_subset(detail::without(whole, learned), validation,
                                          key.split(purpose{"validation"}));
  return {std::move(learned), std::move(validation_set), whole};
}

}  // namespace rolewise::systems
