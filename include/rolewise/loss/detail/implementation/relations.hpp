// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/detail/relations.hpp>.

#include <rolewise/loss/detail/relations.hpp>

#include <rolewise/core/autograd_function.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/cdist.h>
#include <ATen/ops/smooth_l1_loss.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor distance_relations(const feature_rows& distances)
{
  const auto relative = [&](const torch::Tensor& d) {
    const auto counted = mean_of_pairs(d.detach().gt(0).to(d.scalar_type()), distances);
    const auto none = counted.eq(0);
    const auto mean = mean_of_pairs(d, distances) / counted.masked_fill(none, 1.0);
    return d / mean.masked_fill(none, 1.0);
  };
  return mean_of_pairs(at::smooth_l1_loss(relative(distances.student), relative(distances.teacher),
                                          at::Reduction::None),
                       distances);
}

/// Autograd function of the student's distances: the cosines of the angles follow from them by the
/// law of cosines. The gradient is computed with the value, a block of anchors at a time, so that
/// none of the [N, N, N] cosines has to be kept for the backward pass.
struct angle_function : torch::autograd::Function<angle_function> {
  /// Distances as shares of the largest one, their squares, and their inverses: 0 where a distance
  /// is 0 or below the rounding of the largest one.
  struct lengths {
    torch::Tensor largest, share, square, inverse;

    explicit lengths(const torch::Tensor& d)
        : largest{d.max()},
          share{d / largest.masked_fill(largest.eq(0), 1.0)},
          square{share.square()},
          inverse{share.reciprocal().masked_fill_(share.le(rounding_of(d)), 0.0)}
    {}

    [[nodiscard]] static double rounding_of(const torch::Tensor& d)
    {
      return d.scalar_type() == torch::kDouble ? std::numeric_limits<double>::epsilon()
                                               : double{std::numeric_limits<float>::epsilon()};
    }

    /// The products of the inverse lengths of the two sides of each angle, `[B, N, N]`.
    [[nodiscard]] torch::Tensor sides(std::int64_t first, std::int64_t count) const
    {
      const auto u = inverse.narrow(0, first, count);
      return u.unsqueeze(2) * u.unsqueeze(1);
    }

    /// The cosines at a block of anchors, `[B, N, N]`; 0 where a side has no length.
    [[nodiscard]] torch::Tensor cosines(const torch::Tensor& sides, std::int64_t first,
                                        std::int64_t count) const
    {
      const auto q = square.narrow(0, first, count);
      return (q.unsqueeze(2) + q.unsqueeze(1)).sub_(square).mul_(sides).mul_(0.5);
    }
  };

  /// Gradients of the sum of losses with respect to squares and, halved, to the logarithms of
  /// inverses, `[N, N]`.
  struct gradients {
    torch::Tensor by_square, by_inverse;

    void add(const torch::Tensor& slope, const torch::Tensor& sides, const torch::Tensor& cosines,
             std::int64_t first)
    {
      const auto count = slope.size(0);
      const auto of_sides = slope * sides;
      by_square.narrow(0, first, count).add_(of_sides.sum(2));
      by_square.sub_(of_sides.sum(0), 0.5);
      by_inverse.narrow(0, first, count).add_((slope * cosines).sum(2));
    }

    /// The gradient with respect to the distances of which `of` was made.
    [[nodiscard]] torch::Tensor of_distances(const lengths& of) const
    {
      const auto by_share = (by_square * of.share - by_inverse * of.inverse) * 2.0;
      return by_share / of.largest.masked_fill(of.largest.eq(0), 1.0);
    }
  };

  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& d,
                               const feature_rows& distances, bool wants_gradient)
  {
    const auto n = d.size(0);
    const std::int64_t elements = d.is_cpu() ? 1 << 17 : 1 << 23;  // the first fit into a cache
    const auto block = std::clamp<std::int64_t>(elements / (n * n), 1, n);
    const lengths student{d}, teacher{distances.teacher};
    auto total = at::zeros({}, d.options());
    gradients found{at::zeros_like(d), at::zeros_like(d)};
    for (std::int64_t first = 0; first < n; first += block) {
      const auto count = std::min(block, n - first);
      const auto sides = student.sides(first, count);
      const auto cosines = student.cosines(sides, first, count);
      const auto apart = cosines - teacher.cosines(teacher.sides(first, count), first, count);
      auto slope = apart.clamp(-1.0, 1.0);
      auto values = (apart - slope / 2).mul_(slope);
      if (const auto& w = distances.weights; w.defined()) {
        const auto by = w.narrow(0, first, count).view({-1, 1, 1}) * w.view({1, -1, 1}) * w;
        values.mul_(by);
        slope.mul_(by);
      }
      total.add_(values.sum());
      if (wants_gradient) found.add(slope, sides, cosines, first);
    }
    const auto triples = distances.count.defined()
                             ? distances.count.clamp_min(1.0).pow(3.0)
                             : at::full({}, std::pow(static_cast<double>(n), 3.0), d.options());
    if (wants_gradient) context->save_for_backward({found.of_distances(student) / triples});
    return total / triples;
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

ROLEWISE_INLINE torch::Tensor angle_relations(const feature_rows& distances)
{
  const bool wants_gradient = torch::GradMode::is_enabled() && distances.student.requires_grad();
  return angle_function::apply(distances.student, distances, wants_gradient);
}

ROLEWISE_INLINE torch::Tensor relations_by_tensors(const feature_rows& rows, double distance_weight,
                                                   double angle_weight)
{
  auto distances = rows;
  for (auto* x : {&distances.teacher, &distances.student}) {
    constexpr std::int64_t by_differences = 2;  // by products, those of close rows would be noise
    *x = at::cdist(*x, *x, 2.0, by_differences);
  }
  if (angle_weight == 0.0) return distance_relations(distances) * distance_weight;
  if (distance_weight == 0.0) return angle_relations(distances) * angle_weight;
  return distance_relations(distances) * distance_weight +
         angle_relations(distances) * angle_weight;
}

}  // namespace rolewise::detail
