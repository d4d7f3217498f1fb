// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/relational_kd.hpp>.

#include <rolewise/loss/relational_kd.hpp>

#include <rolewise/core/autograd.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/bmm.h>
#include <ATen/ops/cdist.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/smooth_l1_loss.h>

#include <algorithm>
#include <cstdint>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor distance_relations(const feature_rows& rows)
{
  const auto relative = [&](const torch::Tensor& x) {
    constexpr std::int64_t by_differences = 2;
    const auto d = at::cdist(x, x, 2.0, by_differences);
    const auto counted = mean_of_pairs(d.detach().gt(0).to(d.scalar_type()), rows);
    const auto none = counted.eq(0);
    return d / (mean_of_pairs(d, rows) / counted.masked_fill(none, 1.0)).masked_fill(none, 1.0);
  };
  return mean_of_pairs(
      at::smooth_l1_loss(relative(rows.student), relative(rows.teacher), at::Reduction::None),
      rows);
}

/// Autograd function of the student's rows. The gradient is computed with the value, block by
/// block, so that none of the [N, N, N] cosines has to be kept for the backward pass.
struct angle_function : torch::autograd::Function<angle_function> {
  /// Unit vectors from the anchors to all examples, `[B, N, D]`, and their lengths before,
  /// `[B, N, 1]`; both 0 where the two coincide.
  struct edges {
    torch::Tensor unit, length;
  };

  [[nodiscard]] static edges edges_of(const torch::Tensor& x, std::int64_t first,
                                      std::int64_t count)
  {
    auto unit = x.unsqueeze(0) - x.narrow(0, first, count).unsqueeze(1);
    auto length = at::linalg_vector_norm(unit, 2, -1, true);
    unit.div_(length.masked_fill(length.eq(0), 1.0));
    return {std::move(unit), std::move(length)};
  }

  [[nodiscard]] static torch::Tensor cosines(const edges& of)
  {
    return at::bmm(of.unit, of.unit.transpose(1, 2));
  }

  /// Adds what a block of anchors contributes to the gradient of the rows.
  /// @param slope of the sum of losses with respect to the cosines, symmetric in the last two axes
  static void add_gradient(const torch::Tensor& gradient, const torch::Tensor& slope,
                           const edges& of, std::int64_t first)
  {
    auto by_unit = at::bmm(slope, of.unit).mul_(2.0);
    by_unit.addcmul_(of.unit, (of.unit * by_unit).sum(-1, true), -1);
    const auto none = of.length.eq(0);
    by_unit.div_(of.length.masked_fill(none, 1.0)).masked_fill_(none, 0.0);
    gradient.add_(by_unit.sum(0));
    gradient.narrow(0, first, by_unit.size(0)).sub_(by_unit.sum(1));
  }

  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& student, const feature_rows& rows,
                               bool wants_gradient)
  {
    constexpr std::int64_t block_elements = 1 << 21;
    const auto n = student.size(0);
    const auto widest = std::max({n, student.size(1), rows.teacher.size(1)});
    const auto block = std::clamp<std::int64_t>(block_elements / (n * widest), 1, n);
    auto total = at::zeros({}, student.options());
    const auto gradient = wants_gradient ? at::zeros_like(student) : torch::Tensor{};
    for (std::int64_t first = 0; first < n; first += block) {
      const auto count = std::min(block, n - first);
      const auto of_student = edges_of(student, first, count);
      const auto apart = cosines(of_student) - cosines(edges_of(rows.teacher, first, count));
      auto slope = apart.clamp(-1.0, 1.0);
      if (const auto& w = rows.weights; w.defined()) {
        const auto by = w.narrow(0, first, count).view({-1, 1, 1}) * w.view({1, -1, 1}) * w;
        total.add_(((apart - slope / 2) * slope * by).sum());
        slope.mul_(by);
      } else {
        total.add_(((apart - slope / 2) * slope).sum());
      }
      if (wants_gradient) add_gradient(gradient, slope, of_student, first);
    }
    const auto by = rows.count.defined()
                        ? rows.count.clamp_min(1.0).pow(-3.0)
                        : at::full({}, 1.0, student.options()) / static_cast<double>(n) /
                              static_cast<double>(n) / static_cast<double>(n);
    if (wants_gradient) context->save_for_backward({gradient.mul_(by)});
    return total * by;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list upstream)
  {
    if (torch::GradMode::is_enabled())
      throw_invalid_argument("relational-kd", "has no second derivatives of its angles: a graph ",
                             "of the backward pass was wanted");
    return {context->get_saved_variables()[0] * upstream[0], {}, {}};
  }
};

ROLEWISE_INLINE torch::Tensor angle_relations(const feature_rows& rows)
{
  const bool wants_gradient = torch::GradMode::is_enabled() && rows.student.requires_grad();
  return angle_function::apply(rows.student, rows, wants_gradient);
}

}  // namespace rolewise::detail
