// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `tally`: a goodness-of-fit test for random draws.

#include <cmath>
#include <cstdint>
#include <map>
#include <string>

namespace rolewise::tests {

/// Expected probabilities and observed counts of the outcomes of draws.
class tally {
 public:
  void expect(const std::string& outcome, double probability) { expected_[outcome] += probability; }
  void count(const std::string& outcome)
  {
    ++found_[outcome];
    ++total_;
  }

  /// Whether all outcomes were expected and Pearson's chi-square is below its quantile of
  /// 1 - 1e-6 (Wilson and Hilferty's approximation). Deterministic for a fixed seed. Rare outcomes
  /// (fewer than 10 expected) count as one.
  [[nodiscard]] bool fits() const
  {
    double sum = 0.0, chi_square = 0.0, rare_expected = 0.0, rare_found = 0.0;
    int cells = 0;
    const auto add = [&](double expected, double found) {
      chi_square += (found - expected) * (found - expected) / expected;
      ++cells;
    };
    for (const auto& [outcome, found] : found_)
      if (expected_.count(outcome) == 0) return false;
    for (const auto& [outcome, probability] : expected_) {
      sum += probability;
      const double expected = probability * static_cast<double>(total_);
      const auto place = found_.find(outcome);
      const double found = place == found_.end() ? 0.0 : static_cast<double>(place->second);
      if (expected == 0.0 && found > 0.0) return false;
      if (expected >= 10.0) {
        add(expected, found);
      } else {
        rare_expected += expected;
        rare_found += found;
      }
    }
    if (rare_expected > 0.0) add(rare_expected, rare_found);
    if (std::abs(sum - 1.0) > 1e-9 || cells < 2) return false;
    const double freedom = cells - 1, part = 2.0 / (9.0 * freedom);
    return chi_square < freedom * std::pow(1.0 - part + 4.7534 * std::sqrt(part), 3.0);
  }

 private:
  std::map<std::string, double> expected_;
  std::map<std::string, std::int64_t> found_;
  std::int64_t total_ = 0;
};

}  // namespace rolewise::tests
