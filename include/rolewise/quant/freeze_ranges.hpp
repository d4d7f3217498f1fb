// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Observed ranges that stay as they are.

#include <rolewise/core/state.hpp>

#include <concepts>
#include <string_view>

namespace rolewise {

namespace detail {

/// Sets every `range_is_frozen` that a part shows.
class range_freezer {
 public:
  explicit range_freezer(bool frozen) : frozen_{frozen} {}

  void parameter(std::string_view, torch::Tensor&) {}
  void range(std::string_view, torch::Tensor&) {}
  void buffer(std::string_view, torch::Tensor&) {}
  template<PlainState T>
  void value(std::string_view name, T& value)
  {
    if constexpr (std::same_as<T, bool>)
      if (name == "range_is_frozen") value = frozen_;
  }
  template<typename Part>
  void part(std::string_view, Part& inner)
  {
    inner.visit_state(*this);
  }

 private:
  bool frozen_;
};

}  // namespace detail

/// Makes every quantizer in a part (a layer, a network, a student) keep the range that it observed,
/// or observe again: those that show `archive.value("range_is_frozen", ...)`. Learned ranges are
/// not touched.
template<state_must::be_shown P>
void freeze_ranges(P& part, bool frozen = true)
{
  detail::range_freezer freezer{frozen};
  part.visit_state(freezer);
}

}  // namespace rolewise
