// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/detail/target_rows.hpp>, and the work of both losses by
/// kernels.

#include <rolewise/loss/detail/target_rows.hpp>

#include <rolewise/loss/detail/class_probabilities.hpp>
#include <rolewise/loss/detail/fused_loss.hpp>
#include <rolewise/loss/detail/logit_rows.hpp>
#include <rolewise/loss/detail/require_labels.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/softmax_rows.hpp>
#include <rolewise/loss/detail/weighted_mean.hpp>

#include <ATen/ops/cross_entropy_loss.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// The reference, in plain tensor operations.
ROLEWISE_INLINE torch::Tensor by_tensors(const hard_targets& loss, const torch::Tensor& logits,
                                         const targets& targets, const label_check& found)
{
  const auto exact = wide_enough(logits);
  const auto labels = found.is_hard ? targets.labels : targets.labels.to(exact.dtype());
  const auto reduced = [&](std::int64_t reduction) {
    return at::cross_entropy_loss(exact, labels, std::nullopt, reduction, targets.ignore_index,
                                  loss.smoothing);
  };
  if (!targets.weights.defined() && !found.may_ignore) return reduced(at::Reduction::Mean);
  return labeled_mean(reduced(at::Reduction::None), targets, found, loss.name);
}

/// The factor of the mean over examples of KL(p || q).
ROLEWISE_INLINE double scale_of(const soft_targets& loss, std::int64_t classes)
{
  return loss.over_classes ? loss.scale / static_cast<double>(classes) : loss.scale;
}

/// The reference, in plain tensor operations.
ROLEWISE_INLINE torch::Tensor by_tensors(const soft_targets& loss, const torch::Tensor& teacher,
                                         const torch::Tensor& student, const targets& targets)
{
  constexpr int over_classes = 1;
  const auto log_p = log_probabilities(teacher.detach(), loss.temperature);
  const auto log_q = log_probabilities(student, loss.temperature);
  const auto terms = log_p.exp() * (log_p - log_q);
  const double scale = scale_of(loss, student.size(over_classes));
  if (targets.weights.defined()) {
    const auto values = terms.sum(over_classes);
    return weighted_mean(values, weights_for(values, targets.weights, loss.name)) * scale;
  }
  const auto elements = student.numel() / student.size(over_classes);
  return terms.sum() * (scale / static_cast<double>(elements));
}

/// The weighted sum of `cross_entropy` of hard labels, `soft_target_kl`, or both.
class target_rows : public fused_loss {
 public:
  target_rows(const logit_rows& rows, std::optional<hard_targets> hard,
              std::optional<soft_targets> soft, bool may_ignore)
      : targets_{rows.targets}, hard_{hard}, soft_{soft}, found_{true, may_ignore}
  {
    if (hard_) hard_shares_ = rows.shares(true);
    if (soft_) soft_shares_ = rows.shares(false);
    if (hard_) label_ = targets_.labels.const_data_ptr<std::int64_t>();
    if (soft_) scale_ = scale_of(*soft_, rows.student.size(1));
    rows_.resize(static_cast<std::size_t>(rows.student.size(0)));
  }

  /// The values before their weights, after `forward`.
  [[nodiscard]] double hard_value() const { return hard_value_; }
  [[nodiscard]] double soft_value() const { return soft_value_; }

  [[nodiscard]] double forward(const torch::Tensor& student, const torch::Tensor& teacher) override
  {
    const rows_in_memory of_student{student}, of_teacher{teacher};
    const auto classes = static_cast<std::size_t>(student.size(1));
    const float rate = soft_ ? rate_of(soft_->temperature) : 0.0F;
    std::vector<double> hard(hard_shares_.size()), soft(soft_shares_.size());
    each_row(student.size(0), student.size(1), [&](std::int64_t row) {
      const auto n = static_cast<std::size_t>(row);
      if (!counts(n)) return;
      measure(rows_[n], of_student[n], of_teacher[n], classes, rate);
      if (hard_ && hard_shares_[n] != 0.0)
        hard[n] = hard_shares_[n] * likelihood(rows_[n], of_student[n], n, classes);
      if (soft_ && soft_shares_[n] != 0.0)
        soft[n] = soft_shares_[n] * scale_ * rows_[n].divergence();
    });
    for (const double each : hard) hard_value_ += each;
    for (const double each : soft) soft_value_ += each;
    return (hard_ ? hard_->weight * hard_value_ : 0.0) +
           (soft_ ? soft_->weight * soft_value_ : 0.0);
  }

  void backward(const torch::Tensor& student, const torch::Tensor& teacher, double upstream,
                const torch::Tensor& to) const override
  {
    const rows_in_memory of_student{student}, of_teacher{teacher};
    const auto classes = static_cast<std::size_t>(to.size(1));
    const auto& passes = loss_kernels::best();
    const double of_hard = hard_ ? upstream * hard_->weight : 0.0;
    const double of_soft = soft_ ? upstream * soft_->weight * scale_ / soft_->temperature : 0.0;
    const double smoothing = hard_ ? hard_->smoothing : 0.0;
    auto* const memory = to.mutable_data_ptr<float>();
    each_row(to.size(0), to.size(1), [&](std::int64_t row) {
      const auto n = static_cast<std::size_t>(row);
      float* const out = memory + n * classes;
      if (!counts(n)) {
        std::fill_n(out, classes, 0.0F);
        return;
      }
      const auto& found = rows_[n];
      const double by_hard = hard_ ? of_hard * hard_shares_[n] : 0.0;
      const double by_soft = soft_ ? of_soft * soft_shares_[n] : 0.0;
      loss_kernels::row_gradient by;
      if (soft_)
        by = {.student = static_cast<float>(by_soft / found.sums.student),
              .teacher = static_cast<float>(by_soft / found.sums.teacher)};
      if (hard_) {
        by.plain = static_cast<float>(by_hard / found.sums.plain);
        by.constant = static_cast<float>(-by_hard * smoothing / static_cast<double>(classes));
      }
      passes.gradient(of_student[n], soft_ ? of_teacher[n] : nullptr, classes, found.student,
                      found.teacher, by, out);
      if (by_hard != 0.0) out[label_[n]] -= static_cast<float>(by_hard * (1.0 - smoothing));
    });
  }

  [[nodiscard]] std::vector<torch::Tensor> other_inputs() const override
  {
    return {hard_ ? targets_.labels : torch::Tensor{}, targets_.weights};
  }

  [[nodiscard]] torch::Tensor by_tensors(const torch::Tensor& student,
                                         const torch::Tensor& teacher) const override
  {
    torch::Tensor total;
    if (hard_) total = detail::by_tensors(*hard_, student, targets_, found_) * hard_->weight;
    if (!soft_) return total;
    const auto soft = detail::by_tensors(*soft_, teacher, student, targets_) * soft_->weight;
    return hard_ ? total + soft : soft;
  }

 private:
  [[nodiscard]] bool counts(std::size_t n) const
  {
    return (hard_ && hard_shares_[n] != 0.0) || (soft_ && soft_shares_[n] != 0.0);
  }

  void measure(softened_pair& row, const float* student, const float* teacher, std::size_t classes,
               float rate) const
  {
    const auto& passes = loss_kernels::best();
    row.student = {passes.largest(student, classes), rate};
    if (soft_) {
      row.teacher = {passes.largest(teacher, classes), rate};
      row.sums =
          passes.pair(student, teacher, classes, row.student, row.teacher, hard_.has_value());
    } else {
      row.sums.plain = passes.exponentials(student, classes, {row.student.largest, rate_of(1.0)});
    }
  }

  [[nodiscard]] double likelihood(const softened_pair& row, const float* student, std::size_t n,
                                  std::size_t classes) const
  {
    const double whole = std::log(row.sums.plain), e = hard_->smoothing;  // above the largest
    const float most = row.student.largest;
    const double of_label = whole + (static_cast<double>(most) - student[label_[n]]);
    if (e == 0.0) return of_label;
    const double sum = loss_kernels::best().sum(student, classes, most);
    return (1.0 - e) * of_label + e * (whole - sum / static_cast<double>(classes));
  }

  targets targets_;
  std::optional<hard_targets> hard_;
  std::optional<soft_targets> soft_;
  label_check found_;
  std::vector<double> hard_shares_, soft_shares_;
  const std::int64_t* label_ = nullptr;
  double scale_ = 1.0;
  std::vector<softened_pair> rows_;
  double hard_value_ = 0.0, soft_value_ = 0.0;
};

ROLEWISE_INLINE torch::Tensor cross_entropy_value(const hard_targets& loss,
                                                  const torch::Tensor& logits,
                                                  const targets& targets)
{
  require_logits(logits, loss.name);
  const auto found = require_labels(targets, logits, loss.name);
  const auto rows = found.is_hard ? logit_rows_of({}, logits, targets, loss.name) : std::nullopt;
  const auto value =
      rows ? value_of(c10::make_intrusive<target_rows>(*rows, loss, std::nullopt, found.may_ignore),
                      rows->student, {})
           : by_tensors(loss, logits, targets, found);
  return value.to(logits.scalar_type());
}

ROLEWISE_INLINE torch::Tensor soft_target_value(const soft_targets& loss,
                                                const paired_outputs& pair, const targets& targets)
{
  const auto &teacher = pair.teacher.logits, &student = pair.student.logits;
  require_alike(teacher, student, loss.name);
  const auto rows = logit_rows_of(teacher, student, targets, loss.name);
  const auto value =
      rows ? value_of(c10::make_intrusive<target_rows>(*rows, std::nullopt, loss, false),
                      rows->student, rows->teacher)
           : by_tensors(loss, teacher, student, targets);
  return value.to(student.scalar_type());
}

ROLEWISE_INLINE std::optional<hard_and_soft> hard_and_soft_value(const hard_targets& hard,
                                                                 const soft_targets& soft,
                                                                 const paired_outputs& pair,
                                                                 const targets& targets)
{
  const auto& student = pair.student.logits;
  require_logits(student, hard.name);
  const auto found = require_labels(targets, student, hard.name);
  require_alike(pair.teacher.logits, student, soft.name);
  if (!found.is_hard) return std::nullopt;
  const auto rows = logit_rows_of(pair.teacher.logits, student, targets, hard.name);
  if (!rows) return std::nullopt;
  const auto work = c10::make_intrusive<target_rows>(*rows, hard, soft, found.may_ignore);
  const auto total = value_of(work, rows->student, rows->teacher);
  const auto type = student.scalar_type();
  const auto shown = [&](double value) { return single(value, rows->student).to(type); };
  return hard_and_soft{total.to(type), shown(work->hard_value()), shown(work->soft_value())};
}

}  // namespace rolewise::detail
