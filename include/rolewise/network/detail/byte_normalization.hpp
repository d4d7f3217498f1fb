// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Batch norm and ReLU from uint8 to uint8, by lookup tables.

#include <rolewise/network/byte_grid.hpp>
#include <rolewise/network/detail/folded.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/parallel_for.hpp>

#include <ATen/Parallel.h>
#include <ATen/ops/addcmul.h>

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
  [[nodiscard]] byte_map operator()(const byte_map& x) const;

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
  [[nodiscard]] torch::Tensor tables() const;

  [[nodiscard]] static torch::Tensor by_index(const torch::Tensor& codes,
                                              const torch::Tensor& tables);

  [[nodiscard]] static torch::Tensor by_rows(const torch::Tensor& codes,
                                             const torch::Tensor& tables);

  std::string name_;
  torch::Tensor factor_, shift_;
  byte_grid in_, out_;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/byte_normalization.hpp>
#endif
