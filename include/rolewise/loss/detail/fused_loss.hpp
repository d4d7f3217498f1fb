// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `fused_loss`: a loss whose value and gradient kernels compute in a few passes over memory.
///
/// Only function bodies include it.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <ATen/core/ivalue.h>

#include <vector>

namespace rolewise::detail {

/// The work of one evaluation of a loss on float32 in the memory of the CPU, and what its backward
/// pass needs besides the inputs.
///
/// The inputs have the shapes that the loss was made for; the teacher's may be undefined.
class fused_loss : public torch::CustomClassHolder {
 public:
  /// Called once, first.
  [[nodiscard]] virtual double forward(const torch::Tensor& student,
                                       const torch::Tensor& teacher) = 0;

  /// Writes `upstream` times the gradient to the student's input.
  /// @param to the shape of the student's input, contiguous, with any values
  virtual void backward(const torch::Tensor& student, const torch::Tensor& teacher, double upstream,
                        const torch::Tensor& to) const = 0;

  /// Labels and weights that `backward` and `by_tensors` read, so that LibTorch finds changes in
  /// place between the passes.
  [[nodiscard]] virtual std::vector<torch::Tensor> other_inputs() const { return {}; }

  /// The reference: the same value by plain tensor operations, for derivatives of the gradient.
  [[nodiscard]] virtual torch::Tensor by_tensors(const torch::Tensor& student,
                                                 const torch::Tensor& teacher) const = 0;
};

/// Whether kernels can read the memory of a tensor: contiguous float32 on the CPU.
[[nodiscard]] ROLEWISE_INLINE bool fits_kernels(const torch::Tensor& x);

/// A number in single precision, `[]`; beyond its range infinite.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor single(double value, const torch::Tensor& like);

/// The loss of the inputs, `[]`, with a gradient to the student's. A second derivative is that of
/// the reference.
/// @param teacher detached, or undefined; may be an inference tensor
[[nodiscard]] ROLEWISE_INLINE torch::Tensor value_of(c10::intrusive_ptr<fused_loss> loss,
                                                     const torch::Tensor& student,
                                                     const torch::Tensor& teacher);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/detail/implementation/fused_loss.hpp>
#endif
