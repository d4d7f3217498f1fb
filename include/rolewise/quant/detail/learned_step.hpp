// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Learned steps and offsets: what LSQ and LSQ+ share.

#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/detail/straight_through.hpp>
#include <rolewise/quant/detail/through_tanh.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace torch::autograd {
struct AutogradContext;
}

namespace rolewise {

/// The range of codes of b bits.
enum class code_signs {
  unsigned_codes,  ///< 0 .. 2^b - 1
  signed_codes,    ///< -2^(b-1) .. 2^(b-1) - 1
  narrow_codes     ///< -(2^(b-1) - 1) .. 2^(b-1) - 1
};

/// The definition of N in the gradient scale of a learned step, 1 / sqrt(N Q_P).
enum class step_gradient_count {
  numel,    ///< elements of the tensor, over all examples of the batch
  features  ///< elements per example
};

namespace detail {

/// Lower bound of steps: a step that training has moved below is set to it.
inline constexpr double least_step = 1e-8;

/// The code range of LSQ for a bit width.
struct step_codes {
  std::int64_t lowest = 0;
  std::int64_t highest = 1;

  [[nodiscard]] static step_codes of(code_signs signs, bit_width bits);
  /// Q_P, or 1 where no code is above 0: one bit with signs.
  [[nodiscard]] std::int64_t most() const { return std::max<std::int64_t>(highest, 1); }
};

/// The gradient scale 1 / sqrt(N Q_P) for activations.
[[nodiscard]] ROLEWISE_INLINE double step_gradient_scale(at::IntArrayRef sizes,
                                                         step_gradient_count counted,
                                                         const step_codes& codes);

/// The constants of quantization with a learned step.
struct step_rule {
  std::string_view who;
  step_codes codes{};
  std::int64_t zero_point = 0;
  double gradient_scale = 1.0;
  nonfinite_policy nonfinite = nonfinite_policy::nan;

  [[nodiscard]] affine_code_map map(const torch::Tensor& step, const torch::Tensor& offset) const;
  void save(torch::autograd::AutogradContext& context) const;
  /// @param name must outlive the rule
  [[nodiscard]] static step_rule of(torch::autograd::AutogradContext& context,
                                    const std::string& name);
};

[[nodiscard]] inline torch::Tensor scaled_for(const torch::Tensor& range, const torch::Tensor& sum,
                                              double scale)
{
  return (sum * scale).to(range.device(), range.scalar_type());
}

/// The sum of g sign(w) over the elements that share a step, in the shape of the steps.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor sum_by_sign(const torch::Tensor& g,
                                                        const torch::Tensor& w,
                                                        const torch::Tensor& step);

/// Writes the codes of x for a step, and optionally an offset, to `levels`; returns the gradient
/// proxy of the values.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor gradient_proxy_by_learned_step(
    const torch::Tensor& x, const torch::Tensor& step, const std::optional<torch::Tensor>& offset,
    const step_rule& rule, torch::Tensor* levels);

/// The same for one-bit weights: codes are signs, their magnitude is the step.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor gradient_proxy_of_signs(const torch::Tensor& w,
                                                                    const torch::Tensor& step,
                                                                    const step_rule& rule,
                                                                    torch::Tensor* levels);

/// A learned tensor of a quantizer, initialized from the first usable input, and whether it has
/// been initialized.
class learned_range {
 public:
  explicit learned_range(double value = 1.0)
      : tensor_{at::full({}, value, torch::kFloat).set_requires_grad(true)}
  {}

  [[nodiscard]] const torch::Tensor& tensor() const { return tensor_; }
  [[nodiscard]] bool is_started() const { return started_; }

  /// Leaves the tensor undefined until it gets a shape, so that one of any shape can be restored.
  void wait_for_shape() { tensor_ = torch::Tensor{}; }
  /// Sets the shape, with all values 1, if it has not started.
  void shape(at::IntArrayRef sizes, torch::Device device);
  /// Writes the memory outside autograd: a range changes only between uses of it.
  void assign(const torch::Tensor& value) { tensor_.variable_data().copy_(value); }
  void multiply(double by) { tensor_.variable_data().mul_(by); }
  void keep_above(double least) { tensor_.variable_data().clamp_min_(least); }
  void start(const torch::Tensor& value);
  /// Keeps the value that the tensor has, as if it had been initialized with it.
  void start_as_it_is() { started_ = tensor_.defined(); }

  template<typename Archive>
  void visit_state(Archive& archive, std::string_view name, std::string_view flag)
  {
    archive.range(name, tensor_);
    archive.value(flag, started_);
  }

 private:
  torch::Tensor tensor_;
  bool started_ = false;
};

/// Whether initial values are usable; all-zero, empty or non-finite ones wait for the next input.
[[nodiscard]] ROLEWISE_INLINE bool can_start(const torch::Tensor& start);

/// Replaces unusable initial values by 1.
[[nodiscard]] inline torch::Tensor usable(const torch::Tensor& start)
{
  return at::where(start.gt(0).logical_and(start.isfinite()), start, at::ones_like(start));
}

/// Q_P of the previous bit width over Q_P of the new one: the factor that keeps s Q_P.
[[nodiscard]] ROLEWISE_INLINE double step_ratio(code_signs signs, std::int64_t from, bit_width to);

/// The update of a learned step before quantization in training: initializes it, or rescales it
/// after a change of bit width.
template<typename Start>
void observe_step(learned_range& step, std::int64_t& last, code_signs signs, bit_width bits,
                  const Start& start)
{
  if (bits.is_full()) return;
  const torch::NoGradGuard without_graph;
  if (!step.is_started()) {
    if (const auto value = start(); can_start(value)) step.start(usable(value));
  } else if (last != 0 && last != bits.value()) {
    step.multiply(step_ratio(signs, last, bits));
  }
  last = bits.value();
  step.keep_above(least_step);
}

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/detail/implementation/learned_step.hpp>
#endif
