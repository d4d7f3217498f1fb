// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/core/checksum.hpp>.

#include <rolewise/core/checksum.hpp>

#include <array>

namespace rolewise {

ROLEWISE_INLINE void checksum::add(const void* bytes, std::size_t count) noexcept
{
  add(std::uint64_t{count});
  const auto* at = static_cast<const unsigned char*>(bytes);
  if (count >= 4 * sizeof(std::uint64_t)) {
    std::array<std::uint64_t, 4> lane{sum_, sum_ + 1, sum_ + 2, sum_ + 3};
    for (; count >= 4 * sizeof(std::uint64_t); count -= 4 * sizeof(std::uint64_t))
      for (auto& each : lane) {
        each = stirred(each, word_at(at, sizeof(std::uint64_t)));
        at += sizeof(std::uint64_t);
      }
    for (const auto each : lane) add(each);
  }
  while (count > 0) {
    const auto size = count < sizeof(std::uint64_t) ? count : sizeof(std::uint64_t);
    add(word_at(at, size));
    at += size;
    count -= size;
  }
}

ROLEWISE_INLINE void checksum::add(const torch::Tensor& t)
{
  if (!t.defined()) return add(std::string_view{"undefined"});
  add(std::string_view{c10::toString(t.scalar_type())});
  add(static_cast<std::uint64_t>(t.dim()));
  for (const auto size : t.sizes()) add(static_cast<std::uint64_t>(size));
  const auto flat = t.detach().cpu().contiguous();
  if (flat.numel() > 0) add(flat.const_data_ptr(), flat.nbytes());
}

}  // namespace rolewise
