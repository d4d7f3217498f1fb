// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/sample_tuples.hpp>.

#include <rolewise/data/sample_tuples.hpp>

#include <rolewise/core/checksum.hpp>
#include <rolewise/core/keyed_permutation.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

ROLEWISE_INLINE sample_tuples::sample_tuples(dataset data, const tuple_options& options)
    : data_{std::move(data)}, options_{options}
{
  constexpr auto most = std::int64_t{1} << 20;  // the number of triples fits in 62 bits
  const auto n = data_.size();
  if (options.size != 2 && options.size != 3)
    throw_invalid_argument("sample_tuples", "want tuples of 2 or 3 examples, got ", options.size);
  if (options.pool < 1 || options.of_epoch < 0)
    throw_invalid_argument("sample_tuples", "want a pool of at least 1 tuple and an epoch of at ",
                           "least 0, got ", options.pool, " and ", options.of_epoch);
  if (n < options.size || n >= most)
    throw_invalid_argument("sample_tuples", "tuples of ", options.size, " want ", options.size,
                           " to ", most - 1, " examples, '", data_.name, "' has ", n);
  all_ = options.size == 2 ? n * (n - 1) : n * (n - 1) / 2 * (n - 2);
  pool_size_ = std::min(options.pool, all_);
}

ROLEWISE_INLINE std::uint64_t sample_tuples::fingerprint() const
{
  checksum sum;
  sum.add(std::string_view{"sample_tuples"});
  sum.add(data_.fingerprint());
  for (const auto number : {options_.size, options_.pool, options_.of_epoch})
    sum.add(static_cast<std::uint64_t>(number));
  sum.add(options_.seed.value);
  return sum.value();
}

ROLEWISE_INLINE gathered_batches sample_tuples::epoch(const batch_options& options) const
{
  const auto k = options_.size;
  if (options.size < 1 || options.size % k != 0)
    throw_invalid_argument("sample_tuples", "want batches of whole tuples of ", k,
                           " examples, got a size of ", options.size);
  std::vector<std::int64_t> order;
  order.reserve(static_cast<std::size_t>(size()));
  auto at = options.epoch * tuples_of_epoch();
  for (auto left = tuples_of_epoch(); left > 0;) {
    const auto pass = at / pool_size_, begin = at % pool_size_;
    const keyed_permutation shuffled{
        options.seed.split(purpose{"order of tuples"}).split(static_cast<std::uint64_t>(pass)),
        pool_size_};
    const auto count = std::min(left, pool_size_ - begin);
    for (auto i = begin; i < begin + count; ++i) {
      const auto places = tuple(options.shuffle ? shuffled(i) : i);
      order.insert(order.end(), places.begin(), places.begin() + k);
    }
    at += count;
    left -= count;
  }
  return {data_.examples(), std::move(order), options.size};
}

ROLEWISE_INLINE std::array<std::int64_t, 3> sample_tuples::tuple(std::int64_t number) const
{
  const auto n = data_.size();
  const auto code = keyed_permutation{options_.seed.split(purpose{"pool of tuples"}), all_}(number);
  if (options_.size == 2) {
    const auto first = code / (n - 1), other = code % (n - 1);
    return {first, other < first ? other : other + 1, 0};
  }
  // The pair below the diagonal, upper > lower, and one of what is left.
  const auto pair = code / (n - 2);
  auto upper =
      static_cast<std::int64_t>((1.0 + std::sqrt(1.0 + 8.0 * static_cast<double>(pair))) / 2.0);
  while (upper * (upper - 1) / 2 > pair) --upper;
  while (upper * (upper + 1) / 2 <= pair) ++upper;
  const auto lower = pair - upper * (upper - 1) / 2;
  auto single = code % (n - 2);
  if (single >= lower) ++single;
  if (single >= upper) ++single;
  return {lower, upper, single};
}

}  // namespace rolewise
