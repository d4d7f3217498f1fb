// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// LibTorch's oneDNN int8 operators, looked up by name.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/core/dispatch/Dispatcher.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
  [[nodiscard]] static const integer_operators& found()
  {
    static const integer_operators all;
    return all;
  }

  /// Why the operators cannot be called; empty if they can.
  [[nodiscard]] const std::string& problem() const { return problem_; }

  /// @param w int8 `[O, I, K, K]`
  /// @param sizes expected sizes of the inputs; others work too
  [[nodiscard]] torch::Tensor pack_convolution(const torch::Tensor& w, std::int64_t stride,
                                               std::int64_t padding, at::IntArrayRef sizes) const
  {
    return call(pack_convolution_, w, at::ones(1, torch::kFloat), 1.0, std::int64_t{0},
                pair(stride), pair(padding), pair(1), std::int64_t{1}, sizes.vec());
  }

  [[nodiscard]] torch::Tensor convolution(const byte_product& p, std::int64_t stride,
                                          std::int64_t padding, const byte_output& to = {}) const
  {
    const auto type = to.scale ? torch::kByte : torch::kFloat;
    if (to.accumulator.defined())
      return call(convolution_and_sum_, p.x, 1.0, p.zero, p.weight, p.scale, zeros_beside(p.scale),
                  to.accumulator, bias_of(to), pair(stride), pair(padding), pair(1),
                  std::int64_t{1}, to.scale.value_or(1.0), to.zero, static_cast<std::int64_t>(type),
                  to.accumulator_scale, to.accumulator_zero, std::string{"sum"}, 1.0,
                  std::string{to.rectify ? "relu" : "none"}, no_scalars(), std::string{});
    return call(convolution_, p.x, 1.0, p.zero, p.weight, p.scale, zeros_beside(p.scale),
                bias_of(to), pair(stride), pair(padding), pair(1), std::int64_t{1},
                to.scale.value_or(1.0), to.zero, static_cast<std::int64_t>(type),
                std::string{to.rectify ? "relu" : "none"}, no_scalars(), std::string{});
  }

  /// @param w int8 `[O, D]`
  [[nodiscard]] torch::Tensor pack_linear(const torch::Tensor& w, at::IntArrayRef sizes) const
  {
    return call(pack_linear_, w, sizes.vec());
  }

  /// @return float `[N, O]`
  [[nodiscard]] torch::Tensor linear(const byte_product& p) const
  {
    return call(linear_, p.x, 1.0, p.zero, p.weight, p.scale, zeros_beside(p.scale), c10::IValue{},
                1.0, std::int64_t{0}, static_cast<std::int64_t>(torch::kFloat), std::string{"none"},
                no_scalars(), std::string{});
  }

 private:
  using handle = std::optional<c10::OperatorHandle>;

  integer_operators()
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

  /// Looks up an operator. Argument types are compared before any call, as boxed arguments of
  /// other types would be misread.
  [[nodiscard]] handle find(const char* operation, const char* overload, std::string_view wanted)
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

  void note(const std::string& text)
  {
    if (problem_.empty()) problem_ = text;
  }

  template<typename... Arguments>
  [[nodiscard]] static torch::Tensor call(const handle& operation, Arguments&&... arguments)
  {
    if (!operation) throw_runtime_error("integer operators", "one of them is missing");
    std::vector<c10::IValue> stack;
    stack.reserve(sizeof...(arguments));
    (stack.emplace_back(std::forward<Arguments>(arguments)), ...);
    operation->callBoxed(stack);
    return std::move(stack.front()).toTensor();
  }

  [[nodiscard]] static std::vector<std::int64_t> pair(std::int64_t both) { return {both, both}; }

  [[nodiscard]] static torch::Tensor zeros_beside(const torch::Tensor& scale)
  {
    return at::zeros(scale.sizes(), torch::kLong);
  }

  [[nodiscard]] static c10::IValue bias_of(const byte_output& to)
  {
    return to.bias.defined() ? c10::IValue{to.bias} : c10::IValue{};
  }

  [[nodiscard]] static c10::IValue no_scalars() { return c10::List<std::optional<at::Scalar>>{}; }

  std::string problem_;
  handle pack_convolution_, convolution_, convolution_and_sum_, pack_linear_, linear_;
};

}  // namespace rolewise::detail
