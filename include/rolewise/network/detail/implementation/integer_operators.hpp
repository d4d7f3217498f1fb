// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/integer_operators.hpp>.

#include <rolewise/network/detail/integer_operators.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor integer_operators::pack_convolution(const torch::Tensor& w,
                                                                  std::int64_t stride,
                                                                  std::int64_t padding,
                                                                  at::IntArrayRef sizes) const
{
  return call(pack_convolution_, w, at::ones(1, torch::kFloat), 1.0, std::int64_t{0}, pair(stride),
              pair(padding), pair(1), std::int64_t{1}, sizes.vec());
}

ROLEWISE_INLINE torch::Tensor integer_operators::convolution(const byte_product& p,
                                                             std::int64_t stride,
                                                             std::int64_t padding,
                                                             const byte_output& to) const
{
  const auto type = to.scale ? torch::kByte : torch::kFloat;
  if (to.accumulator.defined())
    return call(convolution_and_sum_, p.x, 1.0, p.zero, p.weight, p.scale, zeros_beside(p.scale),
                to.accumulator, bias_of(to), pair(stride), pair(padding), pair(1), std::int64_t{1},
                to.scale.value_or(1.0), to.zero, static_cast<std::int64_t>(type),
                to.accumulator_scale, to.accumulator_zero, std::string{"sum"}, 1.0,
                std::string{to.rectify ? "relu" : "none"}, no_scalars(), std::string{});
  return call(convolution_, p.x, 1.0, p.zero, p.weight, p.scale, zeros_beside(p.scale), bias_of(to),
              pair(stride), pair(padding), pair(1), std::int64_t{1}, to.scale.value_or(1.0),
              to.zero, static_cast<std::int64_t>(type), std::string{to.rectify ? "relu" : "none"},
              no_scalars(), std::string{});
}

ROLEWISE_INLINE torch::Tensor integer_operators::linear(const byte_product& p) const
{
  return call(linear_, p.x, 1.0, p.zero, p.weight, p.scale, zeros_beside(p.scale), c10::IValue{},
              1.0, std::int64_t{0}, static_cast<std::int64_t>(torch::kFloat), std::string{"none"},
              no_scalars(), std::string{});
}

ROLEWISE_INLINE integer_operators::integer_operators()
{
  pack_convolution_ = find("onednn::qconv_prepack", "",
                           "Tensor, Tensor, float, int, int[], int[], int[], int, int[]?");
  convolution_ = find("onednn::qconv2d_pointwise", "",
                      "Tensor, float, int, Tensor, Tensor, Tensor, Tensor?, int[], int[], int[], "
                      "int, float, int, ScalarType?, str, Scalar?[], str?");
  convolution_and_sum_ =
      find("onednn::qconv2d_pointwise", "binary",
           "Tensor, float, int, Tensor, Tensor, Tensor, Tensor, Tensor?, int[], int[], int[], "
           "int, float, int, ScalarType?, float, int, str, Scalar?, str?, Scalar?[], str?");
  pack_linear_ = find("onednn::qlinear_prepack", "", "Tensor, int[]?");
  linear_ = find("onednn::qlinear_pointwise", "",
                 "Tensor, float, int, Tensor, Tensor, Tensor, Tensor?, float, int, ScalarType?, "
                 "str, Scalar?[], str");
}

ROLEWISE_INLINE integer_operators::handle integer_operators::find(const char* operation,
                                                                  const char* overload,
                                                                  std::string_view wanted)
{
  const auto full = [&] { return std::string{operation} + (*overload ? "." : "") + overload; };
  auto found = c10::Dispatcher::singleton().findSchema({operation, overload});
  if (!found) {
    note("LibTorch has no operator " + full());
    return std::nullopt;
  }
  std::string types;
  for (const auto& argument : found->schema().arguments()) {
    if (!types.empty()) types += ", ";
    types += argument.real_type()->str();
  }
  if (types != wanted || found->schema().returns().size() != 1) {
    note(full() + " takes (" + types + "), not (" + std::string{wanted} + ")");
    return std::nullopt;
  }
  return found;
}

}  // namespace rolewise::detail
