// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/nearest_names.hpp>.

#include <rolewise/support/nearest_names.hpp>

#include <numeric>

namespace rolewise::support {

ROLEWISE_INLINE std::size_t edit_distance(std::string_view a, std::string_view b)
{
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (lower(a[i]) == lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row.back();
}

ROLEWISE_INLINE std::string nearest_names(std::string_view wanted,
                                          const std::vector<std::string>& known, std::size_t count)
{
  std::vector<std::pair<std::size_t, std::size_t>> order;  // distance, place
  for (const auto& each : known) order.emplace_back(edit_distance(wanted, each), order.size());
  std::sort(order.begin(), order.end());
  order.resize(std::min(count, order.size()));
  std::string words;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i > 0) words += i + 1 == order.size() ? " or " : ", ";
    words += known[order[i].second];
  }
  return words;
}

}  // namespace rolewise::support
