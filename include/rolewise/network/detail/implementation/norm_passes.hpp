// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/norm_passes.hpp>.

#include <rolewise/network/detail/norm_passes.hpp>

#include <rolewise/network/detail/kernels/variants.hpp>
#include <rolewise/support/parallel_for.hpp>

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

namespace rolewise::detail {

/// Partition of the rows of feature maps into pieces. Their bounds do not depend on the number of
/// threads, and so neither do sums that are added piece by piece.
struct pieces_of_rows {
  std::int64_t channels, rows;

  explicit pieces_of_rows(const torch::Tensor& x) : channels{x.size(1)}, rows{x.numel() / channels}
  {}

  [[nodiscard]] std::int64_t longest() const
  {
    return std::max<std::int64_t>((std::int64_t{1} << 15) / channels, 1);
  }
  [[nodiscard]] std::int64_t count() const { return (rows + longest() - 1) / longest(); }

  /// Calls `work(piece, first element, rows)` for each piece.
  template<typename Work>
  void each(const Work& work) const
  {
    constexpr std::int64_t worth_a_thread = std::int64_t{1} << 17;
    const int threads = rows * channels < worth_a_thread ? 1 : at::get_num_threads();
    parallel_for(count(), threads, [&](std::int64_t piece) {
      const auto first = piece * longest();
      work(static_cast<std::size_t>(piece), static_cast<std::size_t>(first * channels),
           static_cast<std::size_t>(std::min(longest(), rows - first)));
    });
  }
};

/// Per-channel sums of several kinds, accumulated piece by piece.
class sums_of_pieces {
 public:
  sums_of_pieces(const pieces_of_rows& all, std::size_t kinds)
      : channels_{static_cast<std::size_t>(all.channels)},
        kinds_{kinds},
        numbers_(static_cast<std::size_t>(all.count()) * kinds * channels_)
  {}

  [[nodiscard]] double* of(std::size_t piece, std::size_t kind)
  {
    return numbers_.data() + (piece * kinds_ + kind) * channels_;
  }
  [[nodiscard]] std::vector<double> total(std::size_t kind) const;

 private:
  std::size_t channels_, kinds_;
  std::vector<double> numbers_;
};

ROLEWISE_INLINE bool fits_norm_passes(const torch::Tensor& x)
{
  constexpr auto together = static_cast<std::int64_t>(norm_kernels::channels_together);
  return x.device().is_cpu() && x.dim() == 4 && x.scalar_type() == torch::kFloat &&
         x.layout() == torch::kStrided && x.numel() > 0 && x.size(1) % together == 0 &&
         x.is_contiguous(torch::MemoryFormat::ChannelsLast) && !x.is_neg();
}

ROLEWISE_INLINE std::vector<double> sums_of_pieces::total(std::size_t kind) const
{
  std::vector<double> sums(channels_);
  for (std::size_t from = kind * channels_; from < numbers_.size(); from += kinds_ * channels_)
    for (std::size_t c = 0; c < channels_; ++c) sums[c] += numbers_[from + c];
  return sums;
}

ROLEWISE_INLINE channel_moments moments_of(const torch::Tensor& x)
{
  const pieces_of_rows all{x};
  const auto channels = static_cast<std::size_t>(all.channels);
  const auto& passes = norm_kernels::best();
  const auto* const from = x.const_data_ptr<float>();
  // Deviations from the mean of some rows, against cancellation.
  const auto some = static_cast<std::size_t>(std::min<std::int64_t>(all.rows, 64));
  std::vector<float> guess(channels);
  std::vector<double> sums(channels), squares(channels);
  passes.moments({.x = from, .rows = some, .channels = channels, .mean = guess.data()},
                 {.plain = sums.data(), .centered = squares.data()});
  for (std::size_t c = 0; c < channels; ++c)
    guess[c] = static_cast<float>(sums[c] / static_cast<double>(some));

  sums_of_pieces found{all, 2};
  all.each([&](std::size_t piece, std::size_t first, std::size_t rows) {
    passes.moments({.x = from + first, .rows = rows, .channels = channels, .mean = guess.data()},
                   {.plain = found.of(piece, 0), .centered = found.of(piece, 1)});
  });
  channel_moments result{found.total(0), found.total(1)};
  const auto count = static_cast<double>(all.rows);
  for (std::size_t c = 0; c < channels; ++c) {
    const double apart = result.mean[c] / count;
    result.mean[c] = static_cast<double>(guess[c]) + apart;
    result.variance[c] = std::max(result.variance[c] / count - apart * apart, 0.0);
  }
  return result;
}

ROLEWISE_INLINE norm_lines::norm_lines(const channel_moments& of, const torch::Tensor& weight,
                                       const torch::Tensor& bias, double epsilon)
{
  const auto* const w = weight.const_data_ptr<float>();
  const auto* const b = bias.const_data_ptr<float>();
  for (std::size_t c = 0; c < of.mean.size(); ++c) {
    mean.push_back(static_cast<float>(of.mean[c]));
    deviation_inverse.push_back(static_cast<float>(1.0 / std::sqrt(of.variance[c] + epsilon)));
    factor.push_back(w[c] * deviation_inverse[c]);
    shift.push_back(b[c] - mean[c] * factor[c]);
  }
}

ROLEWISE_INLINE norm_kernels::addend from_number(norm_kernels::addend all, std::size_t first)
{
  if (all.numbers != nullptr) all.numbers += first;
  if (all.bytes != nullptr) all.bytes += first;
  return all;
}

ROLEWISE_INLINE torch::Tensor normalize(torch::Tensor x, const norm_lines& by,
                                        const norm_kernels::addend& beside, bool is_rectified)
{
  const float least = is_rectified ? 0.0F : -std::numeric_limits<float>::infinity();
  const bool is_alone = x.use_count() == 1 && x.storage().use_count() == 1;
  auto y = is_alone ? x : at::empty_like(x, x.options().requires_grad(false));
  const auto* const from = x.const_data_ptr<float>();
  auto* const to = y.mutable_data_ptr<float>();
  pieces_of_rows{x}.each([&](std::size_t, std::size_t first, std::size_t rows) {
    norm_kernels::best().values(by.rows(from + first, rows, from_number(beside, first)), least,
                                to + first);
  });
  return y;
}

ROLEWISE_INLINE normalized_codes normalize_to_codes(const torch::Tensor& x, const norm_lines& by,
                                                    const norm_kernels::addend& beside,
                                                    const quant_kernels::code_map& map,
                                                    torch::ScalarType type)
{
  normalized_codes result{at::empty_like(x, x.options().dtype(type).requires_grad(false))};
  const pieces_of_rows all{x};
  std::vector<std::uint32_t> largest(static_cast<std::size_t>(all.count()));
  const auto* const from = x.const_data_ptr<float>();
  auto* const to = static_cast<std::uint8_t*>(result.codes.mutable_data_ptr());
  all.each([&](std::size_t piece, std::size_t first, std::size_t rows) {
    largest[piece] = norm_kernels::best().codes(
        by.rows(from + first, rows, from_number(beside, first)), map, to + first);
  });
  result.largest_bits = *std::ranges::max_element(largest);
  return result;
}

ROLEWISE_INLINE norm_gradients norm_backward(const torch::Tensor& gradient, const torch::Tensor& x,
                                             const norm_lines& by,
                                             const norm_kernels::addend& beside,
                                             const norm_backward_rule& way,
                                             const torch::Tensor& passed, const torch::Tensor& to_x)
{
  const pieces_of_rows all{x};
  const auto& passes = norm_kernels::best();
  const auto* const from = x.const_data_ptr<float>();
  const auto* g = gradient.const_data_ptr<float>();
  auto* const kept = passed.defined() ? passed.mutable_data_ptr<float>() : nullptr;
  sums_of_pieces sums{all, way.of_codes ? std::size_t{3} : std::size_t{2}};
  all.each([&](std::size_t piece, std::size_t first, std::size_t rows) {
    norm_kernels::channel_sums to{.plain = sums.of(piece, 0), .centered = sums.of(piece, 1)};
    if (way.of_codes) to.of_error = sums.of(piece, 2);
    passes.sums(by.rows(from + first, rows, from_number(beside, first)),
                {g + first, way.low, way.high, kept == nullptr ? nullptr : kept + first,
                 way.of_codes, way.map},
                to);
  });

  norm_gradients result{to_x, sums.total(1), sums.total(0)};
  const auto count = static_cast<double>(all.rows);
  std::vector<float> slope, level;
  for (std::size_t c = 0; c < by.mean.size(); ++c) {
    const double inverse = by.deviation_inverse[c], factor = by.factor[c];
    slope.push_back(static_cast<float>(-factor * inverse * inverse * result.of_factor[c] / count));
    level.push_back(static_cast<float>(-factor * result.of_shift[c] / count));
    result.of_factor[c] *= inverse;
  }
  if (way.of_codes)
    for (const double each : sums.total(2)) result.of_error += each;

  // A gradient that is masked already is not masked again.
  const bool once_more = kept == nullptr;
  const norm_backward_rule open;
  const auto& ask = once_more ? way : open;
  if (!once_more) g = kept;
  auto* const out = to_x.mutable_data_ptr<float>();
  all.each([&](std::size_t, std::size_t first, std::size_t rows) {
    passes.back(by.rows(from + first, rows,
                        once_more ? from_number(beside, first) : norm_kernels::addend{}),
                {g + first, ask.low, ask.high, nullptr, false, ask.map}, slope.data(), level.data(),
                out + first);
  });
  return result;
}

}  // namespace rolewise::detail
