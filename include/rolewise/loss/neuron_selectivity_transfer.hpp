// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Neuron selectivity transfer: the distribution of the channels of chosen stages.

#include <rolewise/loss/detail/feature_maps.hpp>
#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise {

namespace detail {

/// The squared discrepancy of the channels of two maps of one size, `[N, C, H, W]` with C of each
/// its own.
/// @return `[N]`
[[nodiscard]] ROLEWISE_INLINE torch::Tensor selectivity_discrepancy(const torch::Tensor& teacher,
                                                                    const torch::Tensor& student);

}  // namespace detail

/// NST: squared maximum mean discrepancy of the channels of teacher and student, summed over
/// stages, with the polynomial kernel of degree 2.
///
///     u[c] = f[n,c,:] / |f[n,c,:]|,  the map of a channel as a vector of H*W numbers
///     k(u, v) = (u . v)^2
///     loss = sum_stages mean_n (mean k(u_t, u_t') + mean k(u_s, u_s') - 2 mean k(u_s, u_t))
///
/// with means over all pairs of channels. The number of channels of teacher and student may differ.
/// Where their maps differ in size, the larger one is averaged to the size of the smaller one.
/// Usual: all stages but the stem, weight 50 beside `cross_entropy` with weight 1.
///
///     neuron_selectivity_transfer<tap::stage<1>, tap::stage<2>, tap::stage<3>>{}
///
/// @tparam Stages the taps of both networks, maps `[N, C, H, W]`
/// @par Gradients
/// To the student's features; none to the teacher's. Invariant to the scale of a channel's map and
/// to the order of the channels. A channel of 0 counts as the vector 0 and has no gradient.
/// @par Source
/// Huang, Wang: Like What You Like: Knowledge Distill via Neuron Selectivity Transfer, 2017,
/// arXiv:1707.01219, section 4; weight as in the code of Tian, Krishnan, Isola: Contrastive
/// Representation Distillation, 2019, arXiv:1910.10699 (HobbitLong/RepDistiller).
template<tap_id... Stages>
struct neuron_selectivity_transfer {
  static_assert(sizeof...(Stages) > 0, "neuron_selectivity_transfer wants at least one tap");

  static constexpr std::string_view name = "neuron-selectivity-transfer";
  static constexpr taps teacher_taps{Stages...};
  static constexpr taps student_taps{Stages...};
  static constexpr bool has_state = false;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  /// For 16-bit features, computed in single precision. With weights, the mean over examples is
  /// weighted; weights of pixels or tokens count as their mean over the example.
  /// @return `[]`, in the dtype and on the device of the student's first tap
  /// @throws std::invalid_argument unless the features are `[N, C, H, W]`, floating point, alike
  ///         in N, dtype and device
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    return detail::sum_over_taps<Stages...>(
        pair, [&](tap_id at, const torch::Tensor& t, const torch::Tensor& s) {
          detail::require_maps(t, s, name, at);
          const auto [teacher, student] = detail::of_one_size(t.detach(), s);
          return detail::mean_of_examples(detail::selectivity_discrepancy(teacher, student),
                                          targets, name);
        });
  }
};

static_assert(DistillationLoss<neuron_selectivity_transfer<tap::stage<1>>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/neuron_selectivity_transfer.hpp>
#endif
