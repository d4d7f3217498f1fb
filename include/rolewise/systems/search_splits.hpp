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
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>
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

[[nodiscard]] ROLEWISE_INLINE std::vector<std::int64_t> sorted_ids(const dataset& of);

/// The examples of a data set whose ids another one does not have, in their order.
[[nodiscard]] ROLEWISE_INLINE dataset without(const dataset& whole, const dataset& part);

/// @throws std::invalid_argument if a part is empty, or `search` and `validation` share an id
ROLEWISE_INLINE void require_apart(std::string_view who, const search_splits& data);

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
[[nodiscard]] ROLEWISE_INLINE search_run_options
evaluated_by(search_run_options options, const dataset& validation,
             std::initializer_list<std::uint64_t> sums = {});

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
[[nodiscard]] ROLEWISE_INLINE search_splits split_for_search(const dataset& whole,
                                                             std::int64_t search,
                                                             std::int64_t validation, seed key);

}  // namespace rolewise::systems

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/systems/implementation/search_splits.hpp>
#endif
