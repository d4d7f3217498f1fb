// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `resize_table`: sources and weights of the new pixels along one axis of a resize.

#include <rolewise/agent/detail/kernels/kernel_set.hpp>
#include <rolewise/agent/detail/opaque.hpp>
#include <rolewise/agent/resampling.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::detail::kernels {

/// Returns the filter weight at `distance` from the center of a pixel, in pixels of the coarser
/// image.
[[nodiscard]] inline double resize_weight(resampling by, double distance)
{
  const double x = distance < 0.0 ? -distance : distance;
  if (by == resampling::bilinear) return x < 1.0 ? 1.0 - x : 0.0;
  if (x < 1.0) return opaque(opaque((opaque(1.5 * x) - 2.5) * x) * x) + 1.0;
  if (x < 2.0) return (opaque((opaque(opaque(x - 5.0) * x) + 8.0) * x) - 4.0) * -0.5;
  return 0.0;
}

/// The sources and weights of each new pixel along one axis: its first old pixel, the number of
/// old pixels, and their weights. Memory is reused from image to image.
class resize_table {
 public:
  /// @param from, to  the range of the axis to resize; the axis has `in` old pixels, the range
  ///        gets `out`
  void make(float from, float to, std::int64_t in, std::int64_t out, resampling by)
  {
    const auto size = static_cast<std::size_t>(out);
    first_.resize(size);
    count_.assign(size, 1);
    begin_ = static_cast<std::int32_t>(in);
    end_ = most_ = 0;
    if (by == resampling::nearest)
      make_nearest(from, to, in);
    else
      make_weights(from, to, in, by);
    for (std::size_t x = 0; x < size; ++x) {
      begin_ = std::min(begin_, first_[x]);
      end_ = std::max(end_, first_[x] + count_[x]);
      most_ = std::max(most_, count_[x]);
    }
  }

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(first_.size()); }
  /// Old pixels that are read: `begin() .. end() - 1`.
  [[nodiscard]] std::int32_t begin() const noexcept { return begin_; }
  [[nodiscard]] std::int32_t end() const noexcept { return end_; }
  [[nodiscard]] const std::int32_t* first() const noexcept { return first_.data(); }
  [[nodiscard]] const std::int32_t* count() const noexcept { return count_.data(); }
  /// The weights of new pixel x begin at `x * stride()`; zeros follow the last one.
  [[nodiscard]] const std::int32_t* weights() const noexcept { return weights_.data(); }
  [[nodiscard]] std::int32_t stride() const noexcept { return stride_; }

  [[nodiscard]] resize_columns columns() const
  {
    return {first_.data(),
            weights_.data(),
            stride_,
            most_,
            static_cast<std::int32_t>(first_.size()),
            begin_,
            end_};
  }

 private:
  void make_nearest(float from, float to, std::int64_t in)
  {
    stride_ = 1;
    weights_.assign(first_.size(), 1 << weight_bits);
    const double step = static_cast<double>(to - from) / static_cast<double>(first_.size());
    double at = static_cast<double>(from) + opaque(step * 0.5);
    for (auto& pixel : first_) {
      pixel = static_cast<std::int32_t>(
          std::clamp(static_cast<std::int64_t>(at), std::int64_t{0}, in - 1));
      at = opaque(at + step);
    }
  }

  void make_weights(float from, float to, std::int64_t in, resampling by)
  {
    const double scale = static_cast<double>(to - from) / static_cast<double>(first_.size());
    const double stretch = std::max(scale, 1.0), inverse = 1.0 / stretch;
    const double reach = opaque((by == resampling::bilinear ? 1.0 : 2.0) * stretch);
    stride_ = 2 * static_cast<std::int32_t>(std::ceil(reach)) + 1;
    weights_.assign(first_.size() * static_cast<std::size_t>(stride_), 0);
    exact_.resize(static_cast<std::size_t>(stride_));
    for (std::size_t x = 0; x < first_.size(); ++x) {
      const double middle =
          static_cast<double>(from) + opaque((static_cast<double>(x) + 0.5) * scale);
      const auto low = std::clamp(static_cast<std::int64_t>(opaque(middle - reach) + 0.5),
                                  std::int64_t{0}, in - 1);
      const auto high =
          std::clamp(static_cast<std::int64_t>(opaque(middle + reach) + 0.5), low, in);
      first_[x] = static_cast<std::int32_t>(low);
      count_[x] = static_cast<std::int32_t>(
          std::min<std::int64_t>(high - low, static_cast<std::int64_t>(stride_)));
      make_pixel(middle, inverse, by, x);
    }
  }

  void make_pixel(double middle, double inverse, resampling by, std::size_t x)
  {
    auto& count = count_[x];
    double sum = 0.0;
    for (std::int32_t i = 0; i < count; ++i) {
      const double distance =
          opaque((opaque(static_cast<double>(first_[x] + i) - middle) + 0.5) * inverse);
      const double weight = resize_weight(by, distance);
      exact_[static_cast<std::size_t>(i)] = weight;
      sum = opaque(sum + weight);
    }
    auto* const weights = weights_.data() + x * static_cast<std::size_t>(stride_);
    for (std::int32_t i = 0; i < count; ++i) {
      sum = opaque(sum);  // prevents a shared reciprocal: each weight is a true division
      const double weight = sum != 0.0 ? opaque(exact_[static_cast<std::size_t>(i)] / sum) : 0.0;
      weights[i] = static_cast<std::int32_t>((weight < 0.0 ? -0.5 : 0.5) +
                                             weight * static_cast<double>(1 << weight_bits));
    }
    while (count > 1 && weights[count - 1] == 0) --count;
  }

  std::vector<std::int32_t> first_, count_, weights_;
  std::vector<double> exact_;  // the weights of one pixel
  std::int32_t begin_ = 0, end_ = 0, stride_ = 0, most_ = 0;
};

/// Working memory of a resize.
struct resize_room {
  resize_table columns, rows;
  std::vector<std::uint8_t> between, strip;
};

}  // namespace rolewise::detail::kernels
