// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A locale with the number format of Germany or Spain, whether the system has one or not.

#include <locale>
#include <string>

namespace rolewise::testing {

/// Groups of three digits separated by points, and a decimal comma: 1.234,5.
struct grouping : std::numpunct<char> {
 protected:
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

/// Sets the global locale for its lifetime.
class grouping_locale {
 public:
  grouping_locale() : before_{std::locale::global({std::locale::classic(), new grouping})} {}
  grouping_locale(const grouping_locale&) = delete;
  grouping_locale& operator=(const grouping_locale&) = delete;
  ~grouping_locale() { std::locale::global(before_); }

 private:
  std::locale before_;
};

}  // namespace rolewise::testing
