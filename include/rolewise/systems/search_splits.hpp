// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Data splits of a search: which examples train and which evaluate, fixed before it begins.

#include <rolewise/core/checksum.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/settings.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/data/splits.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/search_run_options.hpp>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::systems {

/// The data splits of a search with one stage or several.
struct search_splits {
  dataset search;      ///< trains all networks of the search, including its teacher
  dataset validation;  ///< evaluates all trials alike; shares no id with `search`
  dataset all;         ///< trains the networks after the search; contains the others
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

/// The examples of a data set whose ids another one does not have, in their order.
[[nodiscard]] inline dataset without(const dataset& whole, const dataset& part)
{
  const auto taken = sorted_ids(part);
  const auto ids = whole.ids.contiguous();
  std::vector<std::int64_t> places;
  for (std::int64_t n = 0; n < whole.size(); ++n)
    if (!std::binary_search(taken.begin(), taken.end(), ids.const_data_ptr<std::int64_t>()[n]))
      places.push_back(n);
  return subset(whole, at::tensor(places, torch::kLong));
}

/// @throws std::invalid_argument if a part is empty, or `search` and `validation` share an id
inline void require_apart(std::string_view who, const search_splits& data)
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

/// Checksum of all settings of a part.
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

/// The options of a search whose trials are evaluated on these examples, with their checksum and
/// others added to the conditions.
[[nodiscard]] inline search_run_options evaluated_by(search_run_options options,
                                                     const dataset& validation,
                                                     std::initializer_list<std::uint64_t> sums = {})
{
  checksum all;
  all.add(options.conditions);
  all.add(validation.fingerprint());
  for (const auto sum : sums) all.add(sum);
  options.conditions = all.value();
  return options;
}

}  // namespace detail

/// Splits a data set, which becomes `all`, into two stratified parts that share no example. The
/// split depends on the arguments alone, so the networks of every stage keep away from the same
/// examples.
/// @param search number of examples to search with
/// @param validation number of examples to validate with, taken from the rest;
///        `validation_examples` computes how many are cheap
/// @par Determinism
/// As `stratified_subset`. A larger search part holds each smaller one; so does a larger
/// validation part beside the same search part.
/// @throws std::invalid_argument as `stratified_subset`, for either part
[[nodiscard]] inline search_splits split_for_search(const dataset& whole, std::int64_t search,
                                                    std::int64_t validation, seed key)
{
  auto learned = stratified_subset(whole, search, key.split(purpose{"search"}));
  auto validation_set = stratified_subset(detail::without(whole, learned), validation,
                                          key.split(purpose{"validation"}));
  return {std::move(learned), std::move(validation_set), whole};
}

}  // namespace rolewise::systems
