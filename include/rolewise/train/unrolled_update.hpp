// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Gradients through an update: how what taught a model should change so that the updated model
/// does better.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/trainable.hpp>

#include <functional>
#include <vector>

namespace rolewise {

/// How a gradient through an update is computed.
enum class unrolling {
  /// By differentiating the gradient: exact, with the graph of a second backward pass in memory.
  /// Straight-through estimators of quantizers are differentiated as what they say they are.
  exact,
  /// From first-order gradients at two points near the model, 0.01 apart from it along the wanted
  /// direction (Liu, Simonyan, Yang: DARTS: Differentiable Architecture Search, 2018,
  /// arXiv:1806.09055, section 2.3). Two more passes and less memory; steps of quantizers that lie
  /// between the points count, so few bits want `exact`.
  finite_differences
};

/// Gradient of a loss for each parameter of a model, in the order of `parameters_of`; undefined
/// where the loss does not depend on it or it does not learn. Nothing gets an update.
[[nodiscard]] ROLEWISE_INLINE std::vector<torch::Tensor> parameter_gradients(
    const std::vector<named_tensor>& parameters, const torch::Tensor& loss);

/// Moves parameters by `factor * directions`, in place and without a graph: with the factor
/// -rate and gradients, a plain SGD step. An undefined direction leaves its parameter as it is.
/// @throws std::invalid_argument unless there is one for each parameter
ROLEWISE_INLINE void move_along(const std::vector<named_tensor>& parameters,
                                const std::vector<torch::Tensor>& directions, double factor);

/// A number whose gradient for each parameter is the given one: adds gradients that are known to a
/// loss that `learner::minimize` takes. Its value means nothing.
/// @return undefined if no gradient is defined
/// @throws std::invalid_argument unless there is one, or an undefined one, for each parameter
[[nodiscard]] ROLEWISE_INLINE torch::Tensor loss_with_gradients(
    const std::vector<named_tensor>& parameters, const std::vector<torch::Tensor>& gradients);

/// The loss of a student against outputs that teach it.
using taught_loss = std::function<torch::Tensor(const outputs& teacher)>;

namespace detail {

/// The gradients of `-rate * <v, d loss / d parameters>` for the tensors of outputs.
[[nodiscard]] ROLEWISE_INLINE std::vector<torch::Tensor> through_update(
    const std::vector<named_tensor>& parameters, const taught_loss& course, const outputs& said,
    const std::vector<torch::Tensor>& v, double rate, unrolling how);

/// The tensors of outputs: logits, then features.
[[nodiscard]] ROLEWISE_INLINE std::vector<torch::Tensor> tensors_of(const outputs& of);

}  // namespace detail

/// A number to minimize with respect to a teacher: its gradient is that of the exam, a loss of the
/// student after one SGD step on the course, through that step.
///
///     updated(teacher) = w - rate * d course(w, teacher) / d w
///     d exam(updated(teacher)) / d teacher = -rate * d/d teacher <d course / d w, v>,
///     v = d exam / d updated
///
/// Its value means nothing. Neither the student nor anything of the exam gets a gradient.
///
/// @param before the student at w; a copy is moved
/// @param said what the teacher says in the course, with its graph
/// @param course `(student, outputs of the teacher)` computes the loss of the course
/// @param v gradient of the exam for each parameter of the updated student, as
///        `parameter_gradients` returns it
/// @throws std::invalid_argument if `said` has no graph, or the course's gradient for the student
///         does not depend on it, as with a loss that detaches the teacher: the exam would teach
///         nothing; and unless there is a v for each parameter
/// @par Source
/// Zhou, Xu, McAuley: BERT Learns to Teach: Knowledge Distillation with Meta Learning, 2021,
/// arXiv:2106.04570, section 3.
template<Trainable Model, typename Course>
[[nodiscard]] torch::Tensor exam_surrogate(Model before, const outputs& said, const Course& course,
                                           const std::vector<torch::Tensor>& v, double rate,
                                           unrolling how = unrolling::exact);

/// How the loss of an exam changes by what the model is taught, to first order:
///
///     -rate * (course(w + e v) - course(w - e v)) / (2 e)  ~  -rate * <d course / d w, v>,
///     e = 0.01 / |v|
///
/// Its gradient for whatever the course depends on, such as views or weights of examples, is that
/// of the exam of the model after an SGD step of `rate` on the course. Steps of quantizers that lie
/// between both points count, as with `unrolling::finite_differences`.
///
/// @param before the model at w; copies are moved
/// @param course `(model)` computes losses of any shape, such as one for each example
/// @param v gradient of the exam for each parameter of the updated model
/// @return in the shape of the course's losses, with their graph
/// @throws std::invalid_argument unless there is a v, or an undefined one, for each parameter; and
/// if
///         none is defined: the exam does not depend on the model
/// @par Source
/// Liu, Simonyan, Yang: DARTS: Differentiable Architecture Search, 2018, arXiv:1806.09055, section
/// 2.3.
template<Trainable Model, typename Course>
[[nodiscard]] torch::Tensor change_along(Model before, const Course& course,
                                         const std::vector<torch::Tensor>& v, double rate);

namespace detail {

/// The distance to both sides, as DARTS has it: 0.01 / |v|. A v of 0 stays where it is.
/// @return undefined if nothing of v is defined
[[nodiscard]] ROLEWISE_INLINE torch::Tensor distance_for(const std::vector<torch::Tensor>& v);

/// `move_along` by a factor that stays on its device.
ROLEWISE_INLINE void move_by(const std::vector<named_tensor>& parameters,
                             const std::vector<torch::Tensor>& directions,
                             const torch::Tensor& factor);

/// @throws std::invalid_argument as `change_along`
ROLEWISE_INLINE void require_directions(const std::vector<named_tensor>& parameters,
                                        const std::vector<torch::Tensor>& v);

/// The number with the given gradients for the tensors of outputs.
/// @throws std::invalid_argument if there are none
[[nodiscard]] ROLEWISE_INLINE torch::Tensor taught_by(const outputs& said,
                                                      const std::vector<torch::Tensor>& gradients);

/// @throws std::invalid_argument unless a tensor of the outputs has a graph
ROLEWISE_INLINE void require_graph(const outputs& said);

}  // namespace detail

template<Trainable Model, typename Course>
torch::Tensor exam_surrogate(Model before, const outputs& said, const Course& course,
                             const std::vector<torch::Tensor>& v, double rate, unrolling how)
{
  detail::require_graph(said);
  return detail::taught_by(
      said,
      detail::through_update(
          parameters_of(before), [&](const outputs& teacher) { return course(before, teacher); },
          said, v, rate, how));
}

template<Trainable Model, typename Course>
torch::Tensor change_along(Model before, const Course& course, const std::vector<torch::Tensor>& v,
                           double rate)
{
  auto above = before;  // a model each, as both graphs hold on to parameters
  detail::require_directions(parameters_of(above), v);
  const auto distance = detail::distance_for(v);
  detail::move_by(parameters_of(above), v, distance);
  detail::move_by(parameters_of(before), v, -distance);
  return (course(above) - course(before)) * (-rate / (2 * distance));
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/unrolled_update.hpp>
#endif
