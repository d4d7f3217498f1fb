// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// FitNet's hint loss: the student's features, through a learned regressor, against the teacher's.

#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/loss/detail/feature_maps.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/mse_loss.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise {

/// Mean squared distance of the teacher's features and a regression from the student's.
///
///     loss = mean (r(s) - t)^2
///     r = convolution, batch norm (by the statistics of the batch), ReLU
///
/// The regressor is trained with the student; `configure` makes it for the shapes of the features.
/// Its convolution has 3x3 weights and stride 2 where the student's map has twice the rows of the
/// teacher's, 4x4 transposed weights and stride 2 where it has half, and otherwise the difference
/// of rows plus 1 as its kernel (1x1 for equal sizes). Rows and columns must be alike.
///
/// @tparam TeacherTap, StudentTaps the teacher's tap, and the student's if it is another: maps
///         `[N, C, H, W]`
/// @par Gradients
/// To the student's features and the regressor; none to the teacher's.
/// @par Determinism
/// The regressor's first weights are a function of the seed and the shapes: uniform in
/// +- 1 / sqrt(fan-in), LibTorch's default.
/// @par Source
/// Romero, Ballas, Kahou, Chassang, Gatta, Bengio: FitNets: Hints for Thin Deep Nets, 2014,
/// arXiv:1412.6550, section 2.2; the form of the regressor as in the code of Tian, Krishnan, Isola:
/// Contrastive Representation Distillation, 2019, arXiv:1910.10699, where the usual weight is 100.
/// @par Departs
/// The paper halves the squared distance and adds it over the elements. Its stage of hints alone
/// before the training is a run of its own here: train with this loss, then with another.
template<tap_id TeacherTap, tap_id... StudentTaps>
struct fitnet {
  static_assert(sizeof...(StudentTaps) <= 1,
                "fitnet wants the teacher's tap, and the student's if it is another");

  // A parameter of a class type with a default value breaks g++ 12 in templates.
  static constexpr tap_id student_tap = std::array{TeacherTap, StudentTaps...}.back();
  static constexpr std::string_view name = "fitnet";
  static constexpr taps teacher_taps{TeacherTap};
  static constexpr taps student_taps{student_tap};
  static constexpr bool minimum_at_teacher = false;  // the regressor lies between
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  rolewise::seed seed{0};  ///< of the regressor's first weights

  owned_tensor weight{}, bias{};  ///< of the convolution; internal, do not set
  owned_tensor scale{}, shift{};  ///< of the batch norm, `[C]`; internal, do not set

  /// Makes the regressor, unless it exists for the same shapes.
  /// @throws std::invalid_argument for features that are no maps, or sizes that no regressor joins;
  ///         for other shapes than those that the regressor was made for
  void configure(const feature_shapes& teacher, const feature_shapes& student)
  {
    const auto& out = teacher[TeacherTap];
    const auto& in = student[student_tap];
    for (const auto* shape : {&out, &in})
      if (shape->size() != 3)
        throw_invalid_argument(name, "want maps [C, H, W], got ", at::IntArrayRef{*shape});
    const auto sizes = weight_sizes(out, in);
    if (weight->defined()) {
      if (weight->sizes() != sizes)
        throw_invalid_argument(name, "the regressor was made with weights ", weight->sizes(),
                               ", these features want ", at::IntArrayRef{sizes});
      return;
    }
    const double bound = 1.0 / std::sqrt(static_cast<double>(sizes[1] * sizes[2] * sizes[3]));
    const auto key = seed.split(purpose{"fitnet"});
    const auto learned = [](torch::Tensor t) {
      return owned_tensor{std::move(t).set_requires_grad(true)};
    };
    weight = learned(uniform_tensor(sizes, key.split(purpose{"weight"}), bound));
    bias = learned(uniform_tensor({out[0]}, key.split(purpose{"bias"}), bound));
    scale = learned(at::ones({out[0]}));
    shift = learned(at::zeros({out[0]}));
  }

  /// 16-bit features are compared in single precision.
  /// @return `[]`, in the dtype and on the device of the student's features
  /// @throws std::invalid_argument before `configure`, and unless the features are `[N, C, H, W]`,
  ///         floating point, alike in N, dtype and device
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair) const
  {
    const auto& s = pair.student.features[student_tap];
    const auto& t = pair.teacher.features[TeacherTap];
    detail::require_maps(t, s, name, student_tap);
    if (!weight->defined())
      throw_invalid_argument(name, "was not configured: the training step does it before its ",
                             "optimizer starts");
    const auto wide = weight->scalar_type();
    return at::mse_loss(regression(s.to(wide), t.size(2)), t.detach().to(wide)).to(s.scalar_type());
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", *weight);
    archive.parameter("bias", *bias);
    archive.parameter("scale", *scale);
    archive.parameter("shift", *shift);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("seed", seed);
  }

 private:
  enum class resizing { halve, twice, shrink };

  [[nodiscard]] static resizing from(std::int64_t rows, std::int64_t to)
  {
    if (rows == 2 * to) return resizing::halve;
    if (2 * rows == to) return resizing::twice;
    return resizing::shrink;
  }

  /// @return sizes of the convolution's weights
  [[nodiscard]] static std::vector<std::int64_t> weight_sizes(const std::vector<std::int64_t>& out,
                                                              const std::vector<std::int64_t>& in)
  {
    const auto way = from(in[1], out[1]);
    if (way != from(in[2], out[2]) || in[1] - out[1] != in[2] - out[2] ||
        (way == resizing::shrink && in[1] < out[1]))
      throw_invalid_argument(name, "no regressor leads from maps ", at::IntArrayRef{in}, " to ",
                             at::IntArrayRef{out},
                             ": want rows and columns twice, half or at least as many");
    switch (way) {
      case resizing::halve:
        return {out[0], in[0], 3, 3};
      case resizing::twice:
        return {in[0], out[0], 4, 4};
      case resizing::shrink:
        break;
    }
    const auto kernel = 1 + in[1] - out[1];
    return {out[0], in[0], kernel, kernel};
  }

  [[nodiscard]] torch::Tensor regression(const torch::Tensor& x, std::int64_t rows) const
  {
    const auto way = from(x.size(2), rows);
    const auto y = way == resizing::twice
                       ? at::conv_transpose2d(x, *weight, *bias, 2, 1)
                       : at::conv2d(x, *weight, *bias, way == resizing::halve ? 2 : 1,
                                    way == resizing::halve ? 1 : 0);
    constexpr double momentum = 0.0, epsilon = 1e-5;
    return at::batch_norm(y, *scale, *shift, {}, {}, true, momentum, epsilon, false).relu();
  }
};

static_assert(DistillationLoss<fitnet<tap::stage<2>>>);

}  // namespace rolewise
