// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// LibTorch's oneDNN int8 operators, looked up by name, and whether they are right.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace rolewise {

/// The result of the probe: which integer arithmetic this machine supports.
struct integer_support {
  bool available = false;
  std::string reason{};         ///< why it is not available; otherwise empty
  bool scales_exactly = false;  ///< scaling in the operator is bit-identical to scaling its sums
  std::string problem_of_groups{};  ///< why not convolutions with groups; otherwise empty
};

}  // namespace rolewise

namespace rolewise::detail {

/// Post-operations and output type of an int8 product.
///
///     f = sum * scale + bias [+ (accumulator - zero of it) * scale of it] [rectified]
///     stored: f as float, or round(f / scale of the output) + its zero, clipped to 0 .. 255
struct byte_output {
  torch::Tensor bias{};  ///< `[O]`, float
  bool rectify = false;
  std::optional<double> scale{};  ///< none: float output
  std::int64_t zero = 0;
  torch::Tensor accumulator{};  ///< uint8, a tensor to add, if defined; may be overwritten
  double accumulator_scale = 1.0;
  std::int64_t accumulator_zero = 0;
};

/// A product of uint8 with int8: `[O]` sums of (x - zero) * w, each times its scale.
struct byte_product {
  torch::Tensor x;        ///< uint8
  std::int64_t zero = 0;  ///< zero point: the code of 0, 0 .. 255; used for padding
  torch::Tensor weight;   ///< int8, packed
  torch::Tensor scale;    ///< float, `[1]` or `[O]`
};

/// The int8 operators of LibTorch's compiled graphs. They are registered with the dispatcher, but
/// have no C++ header and no stability guarantee, so they are called by name with boxed
/// arguments.
class integer_operators {
 public:
  /// The operators of this process; `problem` reports any that is missing or has another
  /// signature.
  [[nodiscard]] static const integer_operators& found();

  /// Why the operators cannot be called; empty if they can.
  [[nodiscard]] const std::string& problem() const { return problem_; }

  /// @param w int8 `[O, I / groups, K, K]`
  /// @param sizes expected sizes of the inputs; others work too
  [[nodiscard]] torch::Tensor pack_convolution(const torch::Tensor& w, std::int64_t stride,
                                               std::int64_t padding, std::int64_t groups,
                                               at::IntArrayRef sizes) const;

  [[nodiscard]] torch::Tensor convolution(const byte_product& p, std::int64_t stride,
                                          std::int64_t padding, std::int64_t groups,
                                          const byte_output& to = {}) const;

  /// @param w int8 `[O, D]`
  [[nodiscard]] torch::Tensor pack_linear(const torch::Tensor& w, at::IntArrayRef sizes) const;

  /// @return float `[N, O]`
  [[nodiscard]] torch::Tensor linear(const byte_product& p) const;

 private:
  struct handles;  ///< of the dispatcher, whose header is a large one

  integer_operators();

  std::string problem_;
  std::shared_ptr<const handles> handles_;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/integer_operators.hpp>
#endif
