// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The part that gradient-based training steps share: from a loss to updated parameters.

#include <rolewise/agent/view_of.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/buffer_pool.hpp>
#include <rolewise/core/distinct_tensors.hpp>
#include <rolewise/core/gradients_on.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/data/class_labels.hpp>
#include <rolewise/loss/gradient_combination.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/loss/loss_terms.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/clip_gradients.hpp>
#include <rolewise/train/detail/backward_to.hpp>
#include <rolewise/train/ema.hpp>
#include <rolewise/train/metric.hpp>
#include <rolewise/train/optimizer.hpp>
#include <rolewise/train/training_step.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Device of the trained tensors; the CPU if there are none.
[[nodiscard]] inline torch::Device device_of(const std::vector<named_tensor>& learned)
{
  return learned.empty() ? torch::Device{torch::kCPU} : learned.front().value.device();
}

/// Tag type of a required part that was not given.
struct missing {
  static constexpr bool has_state = false;
};

/// Trained tensors of a student and a loss: the student's parameters under their names, and those
/// of the loss under `loss.`. A tensor with several names is listed under the first of them.
template<Student S, typename Loss>
[[nodiscard]] std::vector<named_tensor> trainable_parameters(const S& student, Loss& loss)
{
  auto learned = student.parameters();
  if constexpr (state_must::be_shown<Loss>)
    for_each_tensor(loss, [&](const std::string& name, torch::Tensor& t, tensor_kind kind) {
      if (is_learned(kind) && t.defined()) learned.push_back({"loss." + name, t, kind});
    });
  return each_once(std::move(learned));
}

/// Configures one loss with the shapes of the features that it reads, and moves what it made to the
/// student's device.
template<typename Loss, typename TeacherType, typename S>
void configure_for(Loss& loss, const TeacherType& teacher, const S& student)
{
  static_assert(teacher_taps<Loss>().empty() || ShowsTapShapes<TeacherType>,
                "a loss that is configured wants a teacher with tap_shapes(taps)");
  static_assert(student_taps<Loss>().empty() || ShowsTapShapes<S>,
                "a loss that is configured wants a student with tap_shapes(taps)");
  feature_shapes of_teacher, of_student;
  if constexpr (!teacher_taps<Loss>().empty())
    of_teacher = teacher.tap_shapes(teacher_taps<Loss>());
  if constexpr (!student_taps<Loss>().empty())
    of_student = student.tap_shapes(student_taps<Loss>());
  configure_loss(loss, of_teacher, of_student);
  if constexpr (state_must::be_shown<Loss>) {
    const auto home = device_of(student.parameters());
    for_each_tensor(loss, [&](const std::string&, torch::Tensor& t, tensor_kind) {
      if (t.defined() && t.device() != home)
        t = t.detach().to(home).set_requires_grad(t.requires_grad());
    });
  }
}

/// Configures the losses of a step that want it.
template<typename Loss, typename TeacherType, Student S>
void configure_losses(Loss& loss, const TeacherType& teacher, const S& student)
{
  for_each_loss(loss, [&](auto& each) {
    if constexpr (wants_configuration<std::remove_cvref_t<decltype(each)>>())
      configure_for(each, teacher, student);
  });
}

/// Calls `after_step` of the losses that have one, with detached outputs.
template<typename Loss>
void tell_losses(Loss& loss, const paired_outputs& pair, const targets& targets)
{
  for_each_loss(loss, [&](auto& each) {
    if constexpr (moves_after_step<std::remove_cvref_t<decltype(each)>>()) {
      const torch::NoGradGuard without_graph;
      each.after_step({detached(pair.teacher), detached(pair.student)}, targets);
    }
  });
}

/// Refuses a part of a step that shows parameters, none of which the step would update.
/// @throws std::invalid_argument that names the part and the first of them
template<typename Part>
void require_no_parameters(std::string_view who, std::string_view name, Part& part)
{
  if constexpr (state_must::be_shown<Part>)
    for_each_tensor(part, [&](const std::string& tensor, torch::Tensor&, tensor_kind kind) {
      if (is_learned(kind))
        throw_invalid_argument(who, ".", name, " shows the parameter '", tensor,
                               "', which this step would never update; compose a step in which a "
                               "learner trains it (rolewise/train/learner.hpp), or show it as a "
                               "buffer");
    });
}

/// Form to request for the view of a batch: normalized at once if the kernels support the batch
/// and the view stays on the CPU. Otherwise uint8, which is moved to its device before it is
/// converted.
[[nodiscard]] inline view_form wanted_form(const batch& examples, torch::Device home)
{
  return {home.is_cpu() && fits_kernels(examples) ? torch::kFloat : torch::kByte};
}

/// Copies what `to_device` moves of a view that is prepared ahead for a CUDA device to pinned
/// memory, so that its transfer overlaps with the step. LibTorch reuses pinned memory only after
/// the copies out of it are done.
[[nodiscard]] ROLEWISE_INLINE batch pinned_for(torch::Device home, batch view);

/// A view as networks take it: on the device of the parameters, and converted from `uint8` once.
[[nodiscard]] ROLEWISE_INLINE batch to_model_input(batch view,
                                                   const std::vector<named_tensor>& learned);

/// Checks hard labels that are on the CPU while the logits are on another device. Cross entropy
/// does not check labels on a device, because that would synchronize with it.
template<typename Loss>
void require_labels_beside(const torch::Tensor& labels, const torch::Tensor& logits,
                           std::int64_t ignore_index)
{
  if constexpr (wants_class_labels<Loss>())
    if (labels.defined() && labels.scalar_type() == torch::kLong && labels.is_cpu() &&
        logits.defined() && !logits.is_cpu() && logits.dim() > 1)
      require_classes("training step", labels, logits.size(1), "the batch", ignore_index);
}

/// The metrics of one step and the gradient of each trained tensor.
struct loss_gradients {
  metrics numbers;
  std::vector<torch::Tensor> gradients;
};

inline void add_terms(metrics& numbers, std::vector<loss_term>&& terms)
{
  for (auto& term : terms) numbers.push_back({std::move(term.name), std::move(term.value)});
}

/// The terms of one loss of a combination: a loss that is no sum is its own term.
template<LossFunction L>
[[nodiscard]] loss_terms terms_in_combination(const L& loss, const paired_outputs& pair,
                                              const targets& targets)
{
  auto found = evaluate_loss_terms(loss, pair, targets);
  if (found.terms.empty())
    found.terms.push_back({std::string{std::string_view{L::name}}, found.total.detach()});
  return found;
}

template<typename Loss, StepMetric M>
[[nodiscard]] loss_gradients gradients_of_loss(const Loss& loss, const M& metric,
                                               const paired_outputs& pair, const targets& targets,
                                               const std::vector<named_tensor>& learned)
{
  loss_gradients found;
  found.numbers.reserve(4);
  if constexpr (GradientCombination<Loss>) {
    std::vector<torch::Tensor> inputs;  // without frozen ranges
    for (const auto& p : learned)
      if (p.value.requires_grad()) inputs.push_back(p.value);
    auto task = terms_in_combination(loss.task, pair, targets);
    auto other = terms_in_combination(loss.distillation, pair, targets);
    const auto first = gradients_of(task.total, inputs, true);
    const auto second = gradients_of(other.total, inputs, false);
    const torch::NoGradGuard without_graph;
    std::size_t next = 0;
    found.gradients.reserve(learned.size());
    for (const auto& p : learned) {
      const bool moves = p.value.requires_grad();
      found.gradients.push_back(moves ? loss.combine(first[next], second[next], targets.progress)
                                      : torch::Tensor{});
      if (moves) ++next;
    }
    found.numbers.push_back({"loss", task.total.detach() + other.total.detach()});
    add_terms(found.numbers, std::move(task.terms));
    add_terms(found.numbers, std::move(other.terms));
  } else {
    auto evaluated = evaluate_loss_terms(loss, pair, targets);
    const auto total = std::move(evaluated.total);
    found.numbers.push_back({"loss", total.detach()});
    add_terms(found.numbers, std::move(evaluated.terms));
    found.gradients = backward_to(learned, total);
  }
  add_metric(found.numbers, metric, pair.student, targets);
  return found;
}

/// State type of an optimizer. For any other type an empty state, so that the error comes from the
/// `static_assert` of the training step.
template<typename O>
struct state_of {
  struct type {
    static constexpr bool has_state = false;
  };
};
template<Optimizer O>
struct state_of<O> {
  using type = decltype(std::declval<const O&>().start(std::vector<named_tensor>{}));
};

/// State of a step between updates: optimizer state, moving average, update count. Copies are
/// deep.
template<typename S, typename O>
class learner_state {
 public:
  static constexpr bool has_settings = false;  // they belong to the step

  /// Whether `begin` has nothing to create.
  [[nodiscard]] bool has_begun(const std::optional<ema>& ema) const
  {
    return optimizer_.has_value() && (!ema || averaged_.has_value());
  }
  /// Creates the optimizer state and the moving average where they do not exist yet.
  /// @throws std::invalid_argument for a tensor that was made under InferenceMode
  void begin(const S& student, const std::vector<named_tensor>& learned, const O& optimizer,
             const std::optional<ema>& ema)
  {
    if (!optimizer_) require_learnable("training step", learned);
    if (!optimizer_) optimizer_.emplace(optimizer.start(learned));
    if (ema && !averaged_) averaged_.emplace(student);
  }

  /// Passes the epoch to a student whose bit widths change over epochs, and to its moving average.
  /// Zeroes the optimizer's buffers of changed ranges: those whose names end in that of the range.
  void begin_epoch(S& student, const training_progress& progress)
  {
    if constexpr (requires { student.begin_epoch(progress.epoch); }) {
      const auto changed = student.begin_epoch(progress.epoch);
      if (averaged_) averaged_->begin_epoch(progress.epoch);
      if (!optimizer_ || changed.empty()) return;
      const torch::NoGradGuard without_graph;
      for_each_tensor(*optimizer_, [&](const std::string& name, torch::Tensor& t, tensor_kind) {
        for (const auto& range : changed)
          if (t.defined() && (name == range || name.ends_with("." + range))) t.zero_();
      });
    }
  }

  void update(S& student, const std::vector<named_tensor>& learned,
              const std::vector<torch::Tensor>& gradients, double rate,
              const std::optional<clip_gradients>& clipping, const std::optional<ema>& ema)
  {
    if (clipping) (*clipping)(gradients);
    optimizer_->update(learned, gradients, rate);
    if (ema) (*ema)(*averaged_, student, updates_);
    ++updates_;
  }

  [[nodiscard]] const S* averaged() const { return averaged_ ? &*averaged_ : nullptr; }
  [[nodiscard]] std::int64_t updates() const { return updates_; }
  /// Memory of the views, reused from step to step; not part of the state.
  [[nodiscard]] buffer_pool& buffers() { return buffers_; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("updates", updates_);
    archive.part("optimizer", *optimizer_);
    if (averaged_) archive.part("averaged", *averaged_);
  }

 private:
  std::optional<typename state_of<O>::type> optimizer_;
  std::optional<S> averaged_;
  std::int64_t updates_ = 0;
  buffer_pool buffers_;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/learner_state.hpp>
#endif
