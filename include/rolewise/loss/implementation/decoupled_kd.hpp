// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/decoupled_kd.hpp>.

#include <rolewise/loss/decoupled_kd.hpp>

#include <rolewise/loss/detail/class_probabilities.hpp>
#include <rolewise/loss/detail/fused_loss.hpp>
#include <rolewise/loss/detail/logit_rows.hpp>
#include <rolewise/loss/detail/require_labels.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/require_weight.hpp>
#include <rolewise/loss/detail/softmax_rows.hpp>
#include <rolewise/loss/detail/warm_up.hpp>

#include <ATen/ops/logsumexp.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace rolewise {

namespace detail {

/// The reference, in plain tensor operations.
ROLEWISE_INLINE torch::Tensor by_tensors(const decoupled_kd& loss, const torch::Tensor& teacher,
                                         const torch::Tensor& student, const targets& targets)
{
  const auto target = target_classes_of(targets, student, loss.name);
  const double t = loss.temperature.value();
  const auto target_and_rest = [&](const torch::Tensor& logits) {
    constexpr double never = -std::numeric_limits<double>::infinity();
    const auto all = log_probabilities(logits, t);
    return at::cat({all.gather(1, target.index),
                    at::logsumexp(all.masked_fill(target.is_target, never), 1, true)},
                   1);
  };
  const auto log_b = target_and_rest(teacher);
  const auto of_target = (log_b.exp() * (log_b - target_and_rest(student))).sum(1);

  const auto log_p = log_probabilities_of_others(teacher, t, target.is_target);
  const auto log_q = log_probabilities_of_others(student, t, target.is_target);
  const auto ratio = (log_p - log_q).masked_fill(target.is_target, 0.0);
  const auto of_others = (log_p.exp() * ratio).sum(1);
  const auto values = of_target * loss.target_weight + of_others * loss.other_weight;
  return labeled_mean(values, targets, target.found, loss.name) * (t * t);
}

/// `decoupled_kd` by kernels, without the factor of its warm-up.
class decoupled_rows : public fused_loss {
 public:
  /// @param rows with labels, that of an ignored row being the ignore index
  decoupled_rows(const decoupled_kd& loss, const logit_rows& rows)
      : loss_{loss}, targets_{rows.targets}, shares_{rows.shares(true)}, rows_{shares_.size()}
  {}

  [[nodiscard]] double forward(const torch::Tensor& student, const torch::Tensor& teacher) override
  {
    const rows_in_memory of_student{student}, of_teacher{teacher};
    const auto classes = static_cast<std::size_t>(student.size(1));
    const double t = loss_.temperature.value();
    const float rate = rate_of(t);
    return sum_over_rows(student.size(1), shares_, [&](std::size_t n) {
      auto& row = rows_[n];
      row = measured(of_student[n], of_teacher[n], classes, label(n), rate);
      return shares_[n] * t * t *
             (loss_.target_weight * row.of_target() + loss_.other_weight * row.others.divergence());
    });
  }

  void backward(const torch::Tensor& student, const torch::Tensor& teacher, double upstream,
                const torch::Tensor& to) const override
  {
    const rows_in_memory of_student{student}, of_teacher{teacher};
    const auto classes = static_cast<std::size_t>(to.size(1));
    const double factor = upstream * loss_.temperature.value();
    write_rows(to, shares_, [&](std::size_t n, float* out) {
      const auto& row = rows_[n];
      const double by = factor * shares_[n];
      const double of_target = by * loss_.target_weight * row.surplus();
      const double of_others = by * loss_.other_weight;
      loss_kernels::best().gradient(
          of_student[n], of_teacher[n], classes, row.others.student, row.others.teacher,
          {.student = static_cast<float>((of_others - of_target) / row.others.sums.student),
           .teacher = static_cast<float>(of_others / row.others.sums.teacher)},
          out);
      out[label(n)] = static_cast<float>(of_target);
    });
  }

  [[nodiscard]] std::vector<torch::Tensor> other_inputs() const override
  {
    return {targets_.labels, targets_.weights};
  }

  [[nodiscard]] torch::Tensor by_tensors(const torch::Tensor& student,
                                         const torch::Tensor& teacher) const override
  {
    return detail::by_tensors(loss_, teacher, student, targets_);
  }

 private:
  /// The logarithms of the probabilities of the target and of all others.
  struct split {
    double target, rest;

    split() = default;
    /// @param apart the logit of the target minus the largest of the others, over T
    /// @param sum of the exponentials of the others
    split(double apart, double sum)
    {
      const double others = std::log(sum), most = std::max(apart, others);
      const double whole = most + std::log(std::exp(apart - most) + std::exp(others - most));
      target = apart - whole;
      rest = others - whole;
    }
  };

  struct measured_row {
    softened_pair others;
    split student, teacher;

    [[nodiscard]] double of_target() const
    {
      return std::exp(teacher.target) * (teacher.target - student.target) +
             std::exp(teacher.rest) * (teacher.rest - student.rest);
    }
    /// q_y - p_y.
    [[nodiscard]] double surplus() const
    {
      return teacher.target < teacher.rest ? std::exp(student.target) - std::exp(teacher.target)
                                           : std::exp(teacher.rest) - std::exp(student.rest);
    }
  };

  [[nodiscard]] std::size_t label(std::size_t n) const
  {
    return static_cast<std::size_t>(targets_.labels.const_data_ptr<std::int64_t>()[n]);
  }

  /// The classes before and after the label are two rows.
  [[nodiscard]] static measured_row measured(const float* student, const float* teacher,
                                             std::size_t classes, std::size_t label, float rate)
  {
    const auto& passes = loss_kernels::best();
    const auto after = label + 1, left = classes - after;
    const auto of_others = [&](const float* x) {
      return loss_kernels::exponent{
          std::max(passes.largest(x, label), passes.largest(x + after, left)), rate};
    };
    measured_row row;
    auto& others = row.others;
    others.student = of_others(student);
    others.teacher = of_others(teacher);
    others.sums = passes.pair(student, teacher, label, others.student, others.teacher, false);
    const auto second =
        passes.pair(student + after, teacher + after, left, others.student, others.teacher, false);
    others.sums.student += second.student;
    others.sums.teacher += second.teacher;
    others.sums.apart += second.apart;
    const auto apart = [&](const float* x, const loss_kernels::exponent& of) {
      return (static_cast<double>(x[label]) - static_cast<double>(of.largest)) *
             others.inverse_temperature();
    };
    row.student = split{apart(student, others.student), others.sums.student};
    row.teacher = split{apart(teacher, others.teacher), others.sums.teacher};
    return row;
  }

  decoupled_kd loss_;
  targets targets_;
  std::vector<double> shares_;
  std::vector<measured_row> rows_;
};

}  // namespace detail

ROLEWISE_INLINE torch::Tensor decoupled_kd::operator()(const paired_outputs& pair,
                                                       const targets& targets) const
{
  const auto& student = pair.student.logits;
  detail::require_alike(pair.teacher.logits, student, name);
  detail::require_two_classes(student, name);
  detail::require_weight(target_weight, "target_weight", name);
  detail::require_weight(other_weight, "other_weight", name);
  const auto teacher = pair.teacher.logits.detach();
  const double ramp = detail::warm_up(targets.progress, warm_up_epochs);
  auto labeled = targets;
  if (!detail::require_labels(targets, student, name).is_hard && student.is_cpu()) {
    labeled.labels = targets.labels.argmax(1);
    labeled.ignore_index = -1;  // no soft label is ignored
  }
  const auto rows = detail::logit_rows_of(teacher, student, labeled, name);
  const auto value =
      rows ? detail::value_of(c10::make_intrusive<detail::decoupled_rows>(*this, *rows),
                              rows->student, rows->teacher)
           : detail::by_tensors(*this, teacher, student, targets);
  return (ramp == 1.0 ? value : value * ramp).to(student.scalar_type());
}

}  // namespace rolewise
