// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Top-1 agreement of two teachers.

#include <rolewise/core/device_of.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/teacher/teacher.hpp>

#include <cstdint>

namespace rolewise::measurement {

/// Fraction of examples for which both teachers have the same top-1 class, 0 .. 1.
///
/// @param batches a range of `batch`
/// @throws std::invalid_argument if there are no examples
template<Teacher A, Teacher B, typename Batches>
[[nodiscard]] double agreement(const A& one, const B& other, Batches&& batches)
{
  std::int64_t alike = 0, all = 0;
  for (const batch& examples : batches) {
    const auto a = one.forward(detail::on_device_of(one, examples)).logits.argmax(1);
    const auto b = other.forward(detail::on_device_of(other, examples)).logits.argmax(1);
    alike += a.eq(b.to(a.device())).sum().template item<std::int64_t>();
    all += examples.size();
  }
  if (all == 0) throw_invalid_argument("agreement", "want examples, got none");
  return static_cast<double>(alike) / static_cast<double>(all);
}

}  // namespace rolewise::measurement
