// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Flow of the solution procedure: products of the maps of consecutive stages.

#include <rolewise/loss/detail/feature_maps.hpp>
#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <string_view>

namespace rolewise {

namespace detail {

/// The FSP matrices of two stages of one network: mean products of their channels over positions,
/// in at least single precision.
/// @return `[N, C of from, C of to]`
[[nodiscard]] ROLEWISE_INLINE torch::Tensor flow_matrices(const torch::Tensor& from,
                                                          const torch::Tensor& to);

/// @throws std::invalid_argument unless both are maps of equally many channels
ROLEWISE_INLINE void require_equal_channels(const torch::Tensor& teacher,
                                            const torch::Tensor& student, std::string_view caller,
                                            tap_id tapped_at);

}  // namespace detail

/// FSP: mean squared distance of the FSP matrices of consecutive stages, summed over them.
///
///     G[n,a,b] = mean_i f[n,a,i] g[n,b,i],  f and g being the maps of two stages, i = 1 .. H*W
///     loss = sum_pairs mean_{n,a,b} (G_s - G_t)^2
///
/// Teacher and student must have equally many channels at each stage; their maps may differ in
/// size. Within a network, the larger map of a pair is averaged to the size of the smaller one.
/// Usual: weight 1, in a run of its own that trains the student before `cross_entropy` does. The
/// loss grows with the fourth power of the maps: where those of the teacher are large, it diverges
/// at learning rates that suit `cross_entropy`.
///
///     flow_of_solution_procedure<tap::stage<0>, tap::stage<1>, tap::stage<2>, tap::stage<3>>{}
///
/// @tparam Stages the taps of both networks, two or more maps `[N, C, H, W]`, in order
/// @par Gradients
/// To the student's features; none to the teacher's. The same with the stages in reversed order.
/// @par Source
/// Yim, Joo, Bae, Kim: A Gift from Knowledge Distillation: Fast Optimization, Network Minimization
/// and Transfer Learning, CVPR 2017, section 3; means and averaged maps as in the code of Tian,
/// Krishnan, Isola: Contrastive Representation Distillation, 2019, arXiv:1910.10699
/// (HobbitLong/RepDistiller, distiller_zoo/FSP.py).
/// @par Departs
/// The paper adds the squares over the elements of a matrix and reduces maps by maximum pooling.
/// The weight 50 of the code's command line multiplies nothing there: its first run takes the loss
/// as it is, the second is without.
template<tap_id... Stages>
struct flow_of_solution_procedure {
  static_assert(sizeof...(Stages) > 1, "flow_of_solution_procedure wants at least two stages");

  static constexpr std::string_view name = "flow-of-solution-procedure";
  static constexpr taps teacher_taps{Stages...};
  static constexpr taps student_taps{Stages...};
  static constexpr bool has_state = false;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  /// For 16-bit features, computed in single precision. With weights, the mean over examples is
  /// weighted; weights of pixels or tokens count as their mean over the example.
  /// @return `[]`, in the dtype and on the device of the student's first tap
  /// @throws std::invalid_argument unless the features are `[N, C, H, W]`, floating point, alike
  ///         in N, C, dtype and device
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    constexpr std::array stages{Stages...};
    for (const auto at : stages)
      detail::require_equal_channels(pair.teacher.features[at], pair.student.features[at], name,
                                     at);
    torch::Tensor total;
    for (std::size_t i = 1; i < stages.size(); ++i) {
      const auto matrices = [&](const outputs& of) {
        return detail::flow_matrices(of.features[stages[i - 1]], of.features[stages[i]]);
      };
      const auto apart = matrices(pair.student) - matrices(pair.teacher).detach();
      const auto value = detail::mean_of_examples(apart.square().flatten(1).mean(1), targets, name);
      total = total.defined() ? total + value : value;
    }
    return total.to(detail::type_of_first<Stages...>(pair.student));
  }
};

static_assert(DistillationLoss<flow_of_solution_procedure<tap::stage<1>, tap::stage<2>>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/flow_of_solution_procedure.hpp>
#endif
