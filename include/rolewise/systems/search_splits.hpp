// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Who may learn from what in a search, settled before it begins.

#include <rolewise/core/checksum.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/settings.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/data/splits.hpp>
#include <rolewise/train/arena_options.hpp>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

/// The examples of a search of one stage or of several.
struct search_splits {
  dataset search;      ///< what all networks of the search learn from, its teacher among them
  dataset validation;  ///< what trials are judged by: the same for all; no id of it is in `search`
  dataset all;         ///< what is learned from once the search is over; holds the others
};

namespace detail {

[[nodiscard]] inline std::vector<std::int64_t> sorted_ids(const dataset& of)
{
  const auto ids = of.ids.contiguous();
  const auto* const begin = ids.const_data_ptr<std::int64_t>();
  std::vector<std::int64_t> sorted(begin, begin + ids.numel());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

/// The examples whose ids another set does not have, in their order.
[[nodiscard]] inline dataset without(const dataset& whole, const dataset& part)
{
  const auto taken = sorted_ids(part);
  const auto ids = whole.ids.contiguous();
  std::vector<std::int64_t> places;
  for (std::int64_t n = 0; n < whole.size(); ++n)
    if (!std::binary_search(taken.begin(), taken.end(), ids.const_data_ptr<std::int64_t>()[n]))
      places.push_back(n);
  return subset(whole, torch::tensor(places, torch::kLong));
}

/// @throws std::invalid_argument if somebody would be judged by what it has learned from
inline void require_apart(std::string_view who, const search_splits& data)
{
  if (data.search.size() < 1 || data.validation.size() < 1 || data.all.size() < 1)
    refuse(who, "want examples to search with, to validate with and in all, got ",
           data.search.size(), ", ", data.validation.size(), " and ", data.all.size());
  const auto learned = sorted_ids(data.search);
  for (const auto id : sorted_ids(data.validation))
    if (std::binary_search(learned.begin(), learned.end(), id))
      refuse(who, "id ", id, " is in the search part and in the validation part");
}

/// The sum of all that was chosen of a part.
template<Described P>
[[nodiscard]] std::uint64_t settings_sum(const P& part)
{
  checksum sum;
  for (const auto& [name, value] : settings_of(part)) {
    sum.add(std::string_view{name});
    sum.add(std::string_view{value});
  }
  return sum.value();
}

/// The options of a search whose trials are judged by these examples, under what else is summed.
[[nodiscard]] inline arena_options judged_by(arena_options options, const dataset& judges,
                                             std::initializer_list<std::uint64_t> sums = {})
{
  checksum all;
  all.add(options.conditions);
  all.add(fingerprint(judges));
  for (const auto sum : sums) all.add(sum);
  options.conditions = all.value();
  return options;
}

}  // namespace detail

/// Two stratified parts that share no example, of a set that is `all`. Neither part depends on what
/// happens later, so the networks of every stage keep away from the same examples.
/// @param search examples to search with
/// @param validation examples to validate with, taken from the rest; `validation_examples` says how
///        many are cheap
/// @par Determinism
/// As `stratified_subset`; a larger part holds each smaller one.
/// @throws std::invalid_argument as `stratified_subset`, for either part
[[nodiscard]] inline search_splits split_for_search(const dataset& whole, std::int64_t search,
                                                    std::int64_t validation, seed key)
{
  auto learned = stratified_subset(whole, search, key.split(purpose{"search"}));
  auto judged = stratified_subset(detail::without(whole, learned), validation,
                                  key.split(purpose{"validation"}));
  return {std::move(learned), std::move(judged), whole};
}

}  // namespace rolewise
