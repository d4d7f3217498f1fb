// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/detail/fused_loss.hpp>.

#include <rolewise/loss/detail/fused_loss.hpp>

#include <rolewise/core/autograd.hpp>
#include <rolewise/core/autograd_function.hpp>

#include <optional>
#include <utility>

namespace rolewise::detail {

ROLEWISE_INLINE bool fits_kernels(const torch::Tensor& x)
{
  return x.is_cpu() && x.scalar_type() == torch::kFloat && x.layout() == torch::kStrided &&
         x.has_storage() && x.is_contiguous() && !x.is_neg();
}

ROLEWISE_INLINE torch::Tensor single(double value, const torch::Tensor& like)
{
  return at::full({}, static_cast<float>(value), like.options().requires_grad(false));
}

/// Autograd function of `value_of`.
struct fused_loss_function : torch::autograd::Function<fused_loss_function> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& student,
                               const std::optional<torch::Tensor>& of_teacher,
                               c10::intrusive_ptr<fused_loss> loss)
  {
    const auto teacher = of_teacher.value_or(torch::Tensor{});
    const double value = loss->forward(student, teacher);
    torch::autograd::variable_list saved{student, teacher};
    for (auto& each : loss->other_inputs()) saved.push_back(std::move(each));
    if (teacher.defined() && teacher.is_inference()) context->saved_data["teacher"] = teacher;
    for (auto& each : saved)
      if (each.defined() && each.is_inference()) each.reset();  // has no version to check
    context->save_for_backward(std::move(saved));
    context->saved_data["loss"] = c10::IValue::make_capsule(std::move(loss));
    return single(value, student);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list upstream)
  {
    const auto saved = context->get_saved_variables();
    const auto held = context->saved_data["loss"].toCapsule();
    const auto& loss = static_cast<const fused_loss&>(*held);
    const auto& student = saved[0];
    const auto unversioned = context->saved_data.find("teacher");
    const auto teacher =
        unversioned == context->saved_data.end() ? saved[1] : unversioned->second.toTensor();
    if (torch::GradMode::is_enabled()) {
      const auto value = loss.by_tensors(student, teacher);
      auto found = torch::autograd::grad({value}, {student}, {upstream[0]}, true, true);
      return {found[0], {}, {}};
    }
    auto to = at::empty_like(student, student.options().requires_grad(false));
    loss.backward(student, teacher, upstream[0].item<double>(), to);
    return {to, {}, {}};
  }
};

ROLEWISE_INLINE torch::Tensor value_of(c10::intrusive_ptr<fused_loss> loss,
                                       const torch::Tensor& student, const torch::Tensor& teacher)
{
  using optional_tensor = std::optional<torch::Tensor>;
  return fused_loss_function::apply(
      student, teacher.defined() ? optional_tensor{teacher} : std::nullopt, std::move(loss));
}

}  // namespace rolewise::detail
