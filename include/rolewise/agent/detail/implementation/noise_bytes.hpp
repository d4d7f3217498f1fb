// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/detail/noise_bytes.hpp>.

#include <rolewise/agent/detail/noise_bytes.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE std::array<torch::Tensor, 2> wide_product(const torch::Tensor& words,
                                                          std::int64_t by)
{
  // Multiplies 16 bits at a time, so that nothing reaches 2^63.
  const auto low = words.bitwise_and(0xFFFF) * by;
  const auto high = words.bitwise_right_shift(16) * by + low.bitwise_right_shift(16);
  return {high.bitwise_right_shift(16),
          high.bitwise_and(0xFFFF).bitwise_left_shift(16).bitwise_or(low.bitwise_and(0xFFFF))};
}

ROLEWISE_INLINE torch::Tensor noise_bytes(const image_paint& paint, const torch::Tensor& ids,
                                          std::int64_t count)
{
  constexpr std::int64_t mask = 0xFFFFFFFF;
  const auto blocks = (count + 15) / 16;
  const auto shape = std::array<std::int64_t, 2>{ids.size(0), blocks};
  const auto id = ids.unsqueeze(1);
  std::array<torch::Tensor, 4> word{
      at::arange(blocks, ids.options()).unsqueeze(0).expand(shape),
      at::full({1, 1}, paint.epoch & mask, ids.options()).expand(shape),
      id.bitwise_and(mask).expand(shape),
      id.bitwise_right_shift(32).bitwise_and(mask).expand(shape)};
  auto first = static_cast<std::int64_t>(paint.key.value & 0xFFFFFFFF);
  auto second = static_cast<std::int64_t>(paint.key.value >> 32);
  for (int round = 0; round < 10; ++round) {
    const auto a = wide_product(word[0], 0xD2511F53), b = wide_product(word[2], 0xCD9E8D57);
    word = {b[0].bitwise_xor(word[1]).bitwise_xor(first), b[1],
            a[0].bitwise_xor(word[3]).bitwise_xor(second), a[1]};
    first = (first + 0x9E3779B9) & mask;
    second = (second + 0xBB67AE85) & mask;
  }
  const auto words = at::stack({word[0], word[1], word[2], word[3]}, 2).unsqueeze(3);
  const auto shift = at::arange(4, ids.options()) * 8;
  return words.bitwise_right_shift(shift)
      .bitwise_and(255)
      .to(torch::kByte)
      .reshape({ids.size(0), 16 * blocks})
      .narrow(1, 0, count);
}

}  // namespace rolewise::detail
