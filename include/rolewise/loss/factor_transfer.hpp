// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Factor transfer: factors of the teacher's map by a paraphraser, and of the student's by a
/// translator.

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/loss/detail/feature_maps.hpp>
#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/detail/learned_layers.hpp>
#include <rolewise/loss/detail/require_weight.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise {

namespace detail {

/// Three 3x3 convolutions, each with a bias and a leaky ReLU of slope 0.1 after it.
struct convolution_stack {
  enum class form { plain, transposed };

  std::array<owned_tensor, 3> weights{}, biases{};

  /// @param channels of the input and of the three outputs
  void configure(const std::array<std::int64_t, 4>& channels, form how, seed key,
                 std::string_view caller);

  /// @param norms null, or `[C]` scales and shifts of a batch norm before each activation
  [[nodiscard]] torch::Tensor operator()(torch::Tensor x, form how,
                                         const std::array<owned_tensor, 6>* norms = nullptr) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      archive.parameter(names[2 * i], *weights[i]);
      archive.parameter(names[2 * i + 1], *biases[i]);
    }
  }

  static constexpr std::array<std::string_view, 6> names{
      "first.weight", "first.bias", "second.weight", "second.bias", "third.weight", "third.bias"};
};

/// Mean absolute distance of the normalized maps of mean squared channels, for each example.
/// @return `[N]`
[[nodiscard]] ROLEWISE_INLINE torch::Tensor factor_distance(const torch::Tensor& teacher,
                                                            const torch::Tensor& student);

/// @return channels of a factor, at least 1
/// @throws std::invalid_argument for features that are no maps, and a rate that is not above 0
[[nodiscard]] ROLEWISE_INLINE std::int64_t factor_channels(const std::vector<std::int64_t>& teacher,
                                                           const std::vector<std::int64_t>& student,
                                                           double rate, std::string_view caller);

}  // namespace detail

/// FT: distance of the factors of teacher and student, and the reconstruction that the teacher's
/// are learned by.
///
///     p = encoder(t),  the paraphraser's factor of the teacher's map; q = translator(s)
///     A(f)[n,i] = mean_c f[n,c,i]^2,  i = 1 .. H*W
///     factor = mean_{n,i} |A(q) / ||A(q)|| - A(p) / ||A(p)|||
///     reconstruction = mean (decoder(p) - t)^2
///     loss = factor + reconstruction_weight * reconstruction
///
/// Factors have `rate` times the teacher's channels. Encoder, decoder and translator are three 3x3
/// convolutions each, with leaky ReLU, the decoder's transposed, the translator's with batch norm
/// (by the statistics of the batch). `configure` makes them, and they are trained with the student,
/// the paraphraser by the reconstruction alone. Where factors differ in size, the larger one is
/// averaged to the size of the smaller one. Usual: the last stage, weight 200 beside
/// `cross_entropy` with weight 1, at which the reconstruction has weight 1 by default.
///
///     factor_transfer<tap::stage<3>>{.paraphraser_epochs = 30}
///
/// @tparam TeacherTap, StudentTaps the teacher's tap, and the student's if it is another: maps
///         `[N, C, H, W]`
/// @par Gradients
/// Of the factor term to the student's features and the translator, of the reconstruction to the
/// paraphraser; none to the teacher's features.
/// @par Determinism
/// The first weights are a function of the seed and the shapes: uniform in +- 1 / sqrt(fan-in),
/// LibTorch's default.
/// @par Source
/// Kim, Park, Kwak: Paraphrasing Complex Network: Network Compression via Factor Transfer, 2018,
/// arXiv:1802.04977, section 3; layers, A and weight as in the code of Tian, Krishnan, Isola:
/// Contrastive Representation Distillation, 2019, arXiv:1910.10699 (HobbitLong/RepDistiller,
/// distiller_zoo/FT.py and models/util.py).
/// @par Departs
/// The paraphraser learns in the same run: in the first `paraphraser_epochs` epochs without a
/// factor term, then beside it; the paper trains it in a run of its own, and fixes it. The paper
/// normalizes the factors themselves; A is the code's.
template<tap_id TeacherTap, tap_id... StudentTaps>
struct factor_transfer {
  static_assert(sizeof...(StudentTaps) <= 1,
                "factor_transfer wants the teacher's tap, and the student's if it is another");

  // A parameter of a class type with a default value breaks g++ 12 in templates.
  static constexpr tap_id student_tap = std::array{TeacherTap, StudentTaps...}.back();
  static constexpr std::string_view name = "factor-transfer";
  static constexpr taps teacher_taps{TeacherTap};
  static constexpr taps student_taps{student_tap};
  static constexpr bool minimum_at_teacher = false;  // paraphraser and translator lie between
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  double rate = 0.5;                     ///< above 0
  double reconstruction_weight = 0.005;  ///< at least 0; times the weight of the loss
  std::int64_t paraphraser_epochs = 0;   ///< epochs without the factor term
  rolewise::seed seed{0};                ///< of the first weights

  detail::convolution_stack encoder{}, decoder{}, translator{};  ///< internal, do not set
  std::array<owned_tensor, 6> norms{};  ///< the translator's scales and shifts; internal

  /// Makes paraphraser and translator, unless they exist for the same shapes.
  /// @throws std::invalid_argument for features that are no maps, a rate that is not above 0, a
  ///         negative weight, and for other shapes than those that they were made for
  void configure(const feature_shapes& teacher, const feature_shapes& student)
  {
    using form = detail::convolution_stack::form;
    const auto& t = teacher[TeacherTap];
    const auto& s = student[student_tap];
    const auto factors = detail::factor_channels(t, s, rate, name);
    detail::require_weight(reconstruction_weight, "reconstruction_weight", name);
    const auto key = seed.split(purpose{"factor-transfer"});
    encoder.configure({t[0], t[0], factors, factors}, form::plain, key.split(purpose{"encoder"}),
                      name);
    decoder.configure({factors, factors, t[0], t[0]}, form::transposed,
                      key.split(purpose{"decoder"}), name);
    translator.configure({s[0], s[0], factors, factors}, form::plain,
                         key.split(purpose{"translator"}), name);
    for (std::size_t i = 0; i < norms.size(); ++i) {
      if (norms[i]->defined()) continue;
      const auto channels = translator.biases[i / 2]->sizes();
      norms[i] = owned_tensor{
          (i % 2 == 0 ? at::ones(channels) : at::zeros(channels)).set_requires_grad(true)};
    }
  }

  /// For 16-bit features, computed in single precision. With weights, means over examples are
  /// weighted, statistics of the batch norm are not; weights of pixels or tokens count as their
  /// mean over the example.
  /// @return `[]`, in the dtype and on the device of the student's features
  /// @throws std::invalid_argument before `configure`, and unless the features are `[N, C, H, W]`,
  ///         floating point, alike in N, dtype and device
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    using form = detail::convolution_stack::form;
    const auto& s = pair.student.features[student_tap];
    const auto& t = pair.teacher.features[TeacherTap];
    detail::require_maps(t, s, name, student_tap);
    detail::require_configured(encoder.weights[0], name);
    const auto wide = encoder.weights[0]->scalar_type();
    const auto of_teacher = t.detach().to(wide);
    const auto paraphrased = encoder(of_teacher, form::plain);
    const auto apart = (decoder(paraphrased, form::transposed) - of_teacher).square();
    const auto translated = translator(s.to(wide), form::plain, &norms);
    const double by = targets.progress.epoch < paraphraser_epochs ? 0.0 : 1.0;
    const auto values = detail::factor_distance(paraphrased.detach(), translated) * by +
                        apart.flatten(1).mean(1) * reconstruction_weight;
    return detail::mean_of_examples(values, targets, name).to(s.scalar_type());
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    visit_part(archive, "encoder", encoder);
    visit_part(archive, "decoder", decoder);
    visit_part(archive, "translator", translator);
    constexpr std::array<std::string_view, 6> of_norms{"norm.first.scale",  "norm.first.shift",
                                                       "norm.second.scale", "norm.second.shift",
                                                       "norm.third.scale",  "norm.third.shift"};
    for (std::size_t i = 0; i < norms.size(); ++i) archive.parameter(of_norms[i], *norms[i]);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("rate", rate);
    archive.show("reconstruction_weight", reconstruction_weight);
    archive.show("paraphraser_epochs", paraphraser_epochs);
    archive.show("seed", seed);
  }
};

static_assert(DistillationLoss<factor_transfer<tap::stage<3>>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/factor_transfer.hpp>
#endif
