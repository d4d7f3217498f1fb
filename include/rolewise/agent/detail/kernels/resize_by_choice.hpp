// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// The horizontal resize pass of `kernel_set`, for an instruction set with byte permutations.
///
/// Included after `resize_passes.hpp` where `chosen` is defined; empty on its own.

#ifdef ROLEWISE_KERNEL_PASSES

/// Whether the old columns of every `lanes` new ones fit into a vector.
[[nodiscard]] inline bool are_near(const resize_columns& by)
{
  for (std::int32_t x = 0; x < by.width; x += lanes) {
    const auto last = (by.width < x + lanes ? by.width : x + lanes) - 1;
    if (by.first[last] + by.most - by.first[x] > width) return false;
  }
  return true;
}

/// Writes, for every `lanes` new columns, which byte of a vector becomes the lowest of each lane,
/// and `most` vectors of weights.
inline void write_choices(const resize_columns& by, std::uint8_t* choices, std::int32_t* weights)
{
  for (std::int32_t x = 0; x < by.width; x += lanes, choices += width, weights += by.most * lanes) {
    __builtin_memset(choices, width, width);  // selects the second vector, which is 0
    for (std::int32_t lane = 0; lane < lanes; ++lane) {
      const bool is_there = x + lane < by.width;
      if (is_there) choices[4 * lane] = static_cast<std::uint8_t>(by.first[x + lane] - by.first[x]);
      for (std::int32_t i = 0; i < by.most; ++i)
        weights[i * lanes + lane] =
            is_there ? by.weights[std::int64_t{x + lane} * by.stride + i] : 0;
    }
  }
}

template<int Count>
[[gnu::always_inline]] inline void weigh_chosen(const resize_columns& by, const std::uint8_t* in,
                                                const std::uint8_t* choices,
                                                const std::int32_t* weights, std::uint8_t* out)
{
  const auto count = Count > 0 ? Count : by.most;
  for (std::int32_t x = 0; x < by.width; x += lanes, choices += width, weights += count * lanes) {
    bytes window, choice;
    __builtin_memcpy(&window, in + (by.first[x] - by.begin), width);
    __builtin_memcpy(&choice, choices, width);
    ints sum = ints{} + (1 << (weight_bits - 1));
    for (std::int32_t i = 0; i < count; ++i) {
      ints weight;
      __builtin_memcpy(&weight, weights + i * lanes, width);
      sum += reinterpret_cast<ints>(chosen(window, bytes{}, choice)) * weight;
      choice += std::uint8_t{1};
    }
    store_mean(out + x, sum);
  }
}

template<int Count>
inline void weigh_rows_chosen(const resize_columns& by, const std::uint8_t* in,
                              std::int64_t in_stride, std::int64_t rows, std::uint8_t* out,
                              std::int64_t out_stride, std::uint8_t* room)
{
  auto* const weights =
      reinterpret_cast<std::int32_t*>(room + (by.width + lanes - 1) / lanes * width);
  write_choices(by, room, weights);
  for (std::int64_t y = 0; y < rows; ++y, in += in_stride, out += out_stride)
    weigh_chosen<Count>(by, in, room, weights, out);
}

inline void weigh_columns(const resize_columns& by, const std::uint8_t* in, std::int64_t in_stride,
                          std::int64_t rows, std::uint8_t* out, std::int64_t out_stride,
                          std::uint8_t* room)
{
  if (!are_near(by))
    weigh_columns_by_strips(by, in, in_stride, rows, out, out_stride, room);
  else if (by.most == 2)
    weigh_rows_chosen<2>(by, in, in_stride, rows, out, out_stride, room);
  else if (by.most == 4)
    weigh_rows_chosen<4>(by, in, in_stride, rows, out, out_stride, room);
  else
    weigh_rows_chosen<0>(by, in, in_stride, rows, out, out_stride, room);
}

#endif
