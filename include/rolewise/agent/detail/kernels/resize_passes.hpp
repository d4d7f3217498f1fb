// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// The resize passes of `kernel_set`.
///
/// Included after `passes.hpp`, once for each instruction set; empty on its own.

#ifdef ROLEWISE_KERNEL_PASSES

inline constexpr int strip_height = 16;
typedef std::uint8_t strip_bytes __attribute__((vector_size(strip_height)));

/// Transposes 16 x 16 bytes.
[[gnu::always_inline]] inline void transpose(strip_bytes* rows)
{
  strip_bytes turned[strip_height];
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 8; ++i) {
      turned[2 * i] = __builtin_shufflevector(rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4,
                                              20, 5, 21, 6, 22, 7, 23);
      turned[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26, 11,
                                                  27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    for (int i = 0; i < 8; ++i) {
      rows[2 * i] = __builtin_shufflevector(turned[i], turned[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4,
                                            20, 5, 21, 6, 22, 7, 23);
      rows[2 * i + 1] = __builtin_shufflevector(turned[i], turned[i + 8], 8, 24, 9, 25, 10, 26, 11,
                                                27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
  }
}

/// Stores a weighted sum, which already includes one half, as bytes.
[[gnu::always_inline]] inline void store_mean(std::uint8_t* out, ints sum)
{
  sum >>= weight_bits;
  sum = sum > 0 ? sum : ints{};
  sum = sum > 255 ? ints{} + 255 : sum;
  store_bytes(out, sum);
}

/// Stores the weighted mean of `count` vectors, `step` bytes apart.
[[gnu::always_inline]] inline void store_weighed(const std::uint8_t* in, std::int64_t step,
                                                 const std::int32_t* weights, std::int32_t count,
                                                 std::uint8_t* out)
{
  ints sum = ints{} + (1 << (weight_bits - 1));
  for (std::int32_t i = 0; i < count; ++i) sum += widened(in + i * step) * weights[i];
  store_mean(out, sum);
}

inline void weigh_rows(const std::uint8_t* in, std::int64_t stride, const std::int32_t* weights,
                       std::int32_t count, std::uint8_t* out, std::int64_t length)
{
  if (count == 1 && weights[0] == 1 << weight_bits) {
    __builtin_memcpy(out, in, static_cast<std::size_t>(length));
  } else if (count == 2) {
    for (std::int64_t x = 0; x < length; x += lanes)
      store_weighed(in + x, stride, weights, 2, out + x);
  } else {
    for (std::int64_t x = 0; x < length; x += lanes)
      store_weighed(in + x, stride, weights, count, out + x);
  }
}

template<int Count>
[[gnu::always_inline]] inline void weigh_strip(const resize_columns& by, const std::uint8_t* turned,
                                               std::uint8_t* out)
{
  const auto count = Count > 0 ? Count : by.most;
  for (std::int32_t x = 0; x < by.width; ++x)
    for (int part = 0; part < strip_height; part += lanes)
      store_weighed(turned + strip_height * std::int64_t{by.first[x] - by.begin} + part,
                    strip_height, by.weights + std::int64_t{x} * by.stride, count,
                    out + strip_height * std::int64_t{x} + part);
}

inline void weigh_columns_by_strips(const resize_columns& by, const std::uint8_t* in,
                                    std::int64_t in_stride, std::int64_t rows, std::uint8_t* out,
                                    std::int64_t out_stride, std::uint8_t* room)
{
  if (by.most == 1) {  // each new column copies one old column
    for (std::int64_t y = 0; y < rows; ++y, in += in_stride, out += out_stride)
      for (std::int32_t x = 0; x < by.width; ++x) out[x] = in[by.first[x] - by.begin];
    return;
  }
  // Vectors run along rows, so 16 rows at a time are transposed, weighted and transposed back.
  auto* const turned = room;
  auto* const weighed = room + by.columns_turned() * strip_height;
  strip_bytes block[strip_height];
  for (std::int64_t y = 0; y < rows; y += strip_height) {
    const auto left = rows - y < strip_height ? rows - y : std::int64_t{strip_height};
    for (std::int64_t x = 0; x < by.end - by.begin; x += strip_height) {
      for (std::int64_t i = 0; i < strip_height; ++i)
        __builtin_memcpy(&block[i], in + (y + (i < left ? i : left - 1)) * in_stride + x,
                         strip_height);
      transpose(block);
      __builtin_memcpy(turned + strip_height * x, block, sizeof block);
    }
    if (by.most == 2)
      weigh_strip<2>(by, turned, weighed);
    else if (by.most == 3)
      weigh_strip<3>(by, turned, weighed);
    else if (by.most == 4)
      weigh_strip<4>(by, turned, weighed);
    else
      weigh_strip<0>(by, turned, weighed);
    for (std::int64_t x = 0; x < by.width; x += strip_height) {
      __builtin_memcpy(block, weighed + strip_height * x, sizeof block);
      transpose(block);
      auto* const to = out + y * out_stride + x;
      if (by.width - x >= strip_height)
        for (std::int64_t i = 0; i < left; ++i)
          __builtin_memcpy(to + i * out_stride, &block[i], strip_height);
      else
        for (std::int64_t i = 0; i < left; ++i)
          __builtin_memcpy(to + i * out_stride, &block[i], static_cast<std::size_t>(by.width - x));
    }
  }
}

#endif
