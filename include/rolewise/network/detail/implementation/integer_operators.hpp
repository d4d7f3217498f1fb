// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/integer_operators.hpp>.

#include <rolewise/network/detail/integer_operators.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/core/dispatch/Dispatcher.h>

#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::detail {

using integer_operator = std::optional<c10::OperatorHandle>;

struct integer_operators::handles {
  integer_operator pack_convolution, convolution, convolution_and_sum, pack_linear, linear;
};

/// Looks up an operator. Argument types are compared before any call, as boxed arguments of other
/// types would be misread.
/// @param problem receives why there is none, unless it holds another reason
[[nodiscard]] ROLEWISE_INLINE integer_operator find_integer_operator(const char* operation,
                                                                     const char* overload,
                                                                     std::string_view wanted,
                                                                     std::string& problem)
{
  const auto note = [&](const std::string& text) {
    if (problem.empty()) problem = text;
  };
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

template<typename... Arguments>
[[nodiscard]] torch::Tensor call_integer_operator(const integer_operator& operation,
                                                  Arguments&&... arguments)
{
  if (!operation) throw_runtime_error("integer operators", "one of them is missing");
  std::vector<c10::IValue> stack;
  stack.reserve(sizeof...(arguments));
  (stack.emplace_back(std::forward<Arguments>(arguments)), ...);
  operation->callBoxed(stack);
  return std::move(stack.front()).toTensor();
}

[[nodiscard]] inline std::vector<std::int64_t> both_sides(std::int64_t each)
{
  return {each, each};
}

[[nodiscard]] inline torch::Tensor zeros_beside(const torch::Tensor& scale)
{
  return at::zeros(scale.sizes(), torch::kLong);
}

[[nodiscard]] inline c10::IValue bias_of(const byte_output& to)
{
  return to.bias.defined() ? c10::IValue{to.bias} : c10::IValue{};
}

[[nodiscard]] inline c10::IValue no_scalars() { return c10::List<std::optional<at::Scalar>>{}; }

ROLEWISE_INLINE const integer_operators& integer_operators::found()
{
  static const integer_operators all;
  return all;
}

ROLEWISE_INLINE torch::Tensor integer_operators::pack_convolution(const torch::Tensor& w,
                                                                  std::int64_t stride,
                                                                  std::int64_t padding,
                                                                  std::int64_t groups,
                                                                  at::IntArrayRef sizes) const
{
  return call_integer_operator(handles_->pack_convolution, w, at::ones(1, torch::kFloat), 1.0,
                               std::int64_t{0}, both_sides(stride), both_sides(padding),
                               both_sides(1), groups, sizes.vec());
}

ROLEWISE_INLINE torch::Tensor integer_operators::convolution(const byte_product& p,
                                                             std::int64_t stride,
                                                             std::int64_t padding,
                                                             std::int64_t groups,
                                                             const byte_output& to) const
{
  const auto type = to.scale ? torch::kByte : torch::kFloat;
  if (to.accumulator.defined())
    return call_integer_operator(
        handles_->convolution_and_sum, p.x, 1.0, p.zero, p.weight, p.scale, zeros_beside(p.scale),
        to.accumulator, bias_of(to), both_sides(stride), both_sides(padding), both_sides(1), groups,
        to.scale.value_or(1.0), to.zero, static_cast<std::int64_t>(type), to.accumulator_scale,
        to.accumulator_zero, std::string{"sum"}, 1.0, std::string{to.rectify ? "relu" : "none"},
        no_scalars(), std::string{});
  return call_integer_operator(
      handles_->convolution, p.x, 1.0, p.zero, p.weight, p.scale, zeros_beside(p.scale),
      bias_of(to), both_sides(stride), both_sides(padding), both_sides(1), groups,
      to.scale.value_or(1.0), to.zero, static_cast<std::int64_t>(type),
      std::string{to.rectify ? "relu" : "none"}, no_scalars(), std::string{});
}

ROLEWISE_INLINE torch::Tensor integer_operators::pack_linear(const torch::Tensor& w,
                                                             at::IntArrayRef sizes) const
{
  return call_integer_operator(handles_->pack_linear, w, sizes.vec());
}

ROLEWISE_INLINE torch::Tensor integer_operators::linear(const byte_product& p) const
{
  return call_integer_operator(handles_->linear, p.x, 1.0, p.zero, p.weight, p.scale,
                               zeros_beside(p.scale), c10::IValue{}, 1.0, std::int64_t{0},
                               static_cast<std::int64_t>(torch::kFloat), std::string{"none"},
                               no_scalars(), std::string{});
}

ROLEWISE_INLINE integer_operators::integer_operators()
{
  const auto find = [this](const char* operation, const char* overload, std::string_view wanted) {
    return find_integer_operator(operation, overload, wanted, problem_);
  };
  auto all = std::make_shared<handles>();
  all->pack_convolution = find("onednn::qconv_prepack", "",
                               "Tensor, Tensor, float, int, int[], int[], int[], int, int[]?");
  all->convolution =
      find("onednn::qconv2d_pointwise", "",
           "Tensor, float, int, Tensor, Tensor, Tensor, Tensor?, int[], int[], int[], "
           "int, float, int, ScalarType?, str, Scalar?[], str?");
  all->convolution_and_sum =
      find("onednn::qconv2d_pointwise", "binary",
           "Tensor, float, int, Tensor, Tensor, Tensor, Tensor, Tensor?, int[], int[], int[], "
           "int, float, int, ScalarType?, float, int, str, Scalar?, str?, Scalar?[], str?");
  all->pack_linear = find("onednn::qlinear_prepack", "", "Tensor, int[]?");
  all->linear =
      find("onednn::qlinear_pointwise", "",
           "Tensor, float, int, Tensor, Tensor, Tensor, Tensor?, float, int, ScalarType?, "
           "str, Scalar?[], str");
  handles_ = std::move(all);
}

}  // namespace rolewise::detail
