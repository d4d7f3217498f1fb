// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Batch norm and ReLU from uint8 to uint8, by lookup tables.

#include <rolewise/network/byte_grid.hpp>
#include <rolewise/network/detail/folded.hpp>
#include <rolewise/support/parallel_for.hpp>

#include <ATen/Parallel.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/take.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace rolewise::detail {

/// relu(factor x + shift) per channel, from one uint8 grid to another. A byte has 256 values, so
/// each channel is a lookup table; the output is the nearest code of the unrounded result,
/// everywhere the same.
class byte_normalization {
 public:
  byte_normalization(const folded_normalization& trained, const byte_grid& in, const byte_grid& out)
      : name_{trained.name},
        factor_{trained.factor.detach().to(torch::kFloat).clone()},
        shift_{trained.shift.detach().to(torch::kFloat).clone()},
        in_{in},
        out_{out}
  {}

  /// @param x `[N, C, H, W]`
  [[nodiscard]] byte_map operator()(const byte_map& x) const
  {
    const auto tables = this->tables();
    return {x.codes.device().is_cpu() && x.codes.is_contiguous(torch::MemoryFormat::ChannelsLast)
                ? by_rows(x.codes, tables)
                : by_index(x.codes, tables),
            out_};
  }

  [[nodiscard]] const std::string& name() const { return name_; }

  /// The result in floating point, not quantized.
  [[nodiscard]] torch::Tensor values(const byte_map& x) const
  {
    return at::addcmul(shift_.view({-1, 1, 1}), x.values(), factor_.view({-1, 1, 1})).relu_();
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("factor", factor_);
    archive.parameter("shift", shift_);
    archive.part("in", in_);
    archive.part("out", out_);
  }

 private:
  /// The lookup tables: codes, `[C, 256]`.
  [[nodiscard]] torch::Tensor tables() const
  {
    const auto all = at::arange(256, factor_.options()).sub_(in_.zero).mul_(in_.scale);
    return byte_map::of(at::addcmul(shift_.unsqueeze(1), factor_.unsqueeze(1), all).relu_(), out_)
        .codes.contiguous();
  }

  [[nodiscard]] static torch::Tensor by_index(const torch::Tensor& codes,
                                              const torch::Tensor& tables)
  {
    const auto channels = at::arange(tables.size(0), codes.options().dtype(torch::kLong));
    return at::take(tables, codes.to(torch::kLong) + (channels * 256).view({-1, 1, 1}));
  }

  [[nodiscard]] static torch::Tensor by_rows(const torch::Tensor& codes,
                                             const torch::Tensor& tables)
  {
    auto result = at::empty_like(codes);
    const std::int64_t channels = codes.size(1), examples = codes.size(0);
    const auto size = codes.numel() / std::max<std::int64_t>(examples, 1);
    const auto* const from = codes.const_data_ptr<std::uint8_t>();
    const auto* const table = tables.const_data_ptr<std::uint8_t>();
    auto* const to = result.mutable_data_ptr<std::uint8_t>();
    // Below this size the work is done before another thread has started.
    const int threads = codes.numel() < std::int64_t{1} << 16 ? 1 : at::get_num_threads();
    parallel_for(examples, threads, [&](std::int64_t example) {
      const auto begin = example * size, end = begin + size;
      for (auto pixel = begin; pixel < end; pixel += channels)
        for (std::int64_t c = 0; c < channels; ++c)
          to[pixel + c] = table[256 * c + from[pixel + c]];
    });
    return result;
  }

  std::string name_;
  torch::Tensor factor_, shift_;
  byte_grid in_, out_;
};

}  // namespace rolewise::detail
