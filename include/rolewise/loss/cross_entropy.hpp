// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The task loss: cross entropy with hard or soft labels.

#include <rolewise/core/error.hpp>
#include <rolewise/core/fraction.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/loss_function.hpp>

#include <cstdint>
#include <limits>
#include <optional>

namespace rolewise {

/// Mean negative log-likelihood of the labels under softmax(student), C classes.
///
///     y = onehot(label), or the soft label
///     loss = -mean_n sum_c ((1 - e) * y[n,c] + e / C) * log softmax(student)[n,c]
///
/// with e the label smoothing; 0 is none, 0.1 is usual.
///
/// @par Units
/// Nats per example.
/// @par Gradients
/// To the student's logits, and to soft labels that require one. The teacher's outputs are never
/// read.
/// @par Source
/// Smoothing: Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: Rethinking the Inception Architecture for
/// Computer Vision, 2015, arXiv:1512.00567, section 7.
struct cross_entropy {
  static constexpr std::string_view name = "cross-entropy";
  static constexpr bool wants_features = false;
  static constexpr bool reads_teacher = false;
  static constexpr bool has_state = false;
  static constexpr bool wants_class_labels = true;

  fraction smoothing{0.0};

  /// For 16-bit logits, softmax and sums are computed in single precision; soft labels are cast
  /// to the dtype of the computation.
  /// @return `[]`, in the dtype and on the device of the logits
  /// @throws std::invalid_argument unless the logits are `[N, C]`, N and C above 0, floating point,
  ///         and the labels, on their device, `[N]` int64 or `[N, C]` floating point; and, on the
  ///         CPU, for a hard label outside 0 .. C - 1
  /// @pre Rows of soft labels sum to 1, unchecked. On devices other than the CPU hard labels are
  ///      in range, unchecked: a check would synchronize with the device, whose own kernels trap.
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const;
};

static_assert(SupervisedLoss<cross_entropy>);

namespace detail {

inline void require_labels(const torch::Tensor& labels, const torch::Tensor& logits,
                           std::string_view caller)
{
  if (!labels.defined()) throw_invalid_argument(caller, "labels are undefined");
  const bool hard =
      labels.scalar_type() == torch::kLong && labels.dim() == 1 && labels.size(0) == logits.size(0);
  const bool soft = labels.is_floating_point() && labels.sizes() == logits.sizes();
  if (!hard && !soft)
    throw_invalid_argument(caller, "want labels [", logits.size(0), "] of Long or ", logits.sizes(),
                           " of floating point, got ", labels.sizes(), " of ",
                           labels.scalar_type());
  if (labels.device() != logits.device())
    throw_invalid_argument(caller, "device of labels ", labels.device(), ", of student ",
                           logits.device());
  if (!hard || !labels.is_cpu()) return;
  const auto label = labels.accessor<std::int64_t, 1>();
  for (std::int64_t n = 0; n < label.size(0); ++n)
    if (label[n] < 0 || label[n] >= logits.size(1))
      throw_invalid_argument(caller, "want labels in 0 .. ", logits.size(1) - 1, ", got ", label[n],
                             " for example ", n, " of the batch");
}

}  // namespace detail

inline torch::Tensor cross_entropy::operator()(const paired_outputs& pair,
                                               const targets& targets) const
{
  const auto& logits = pair.student.logits;
  detail::require_logits(logits, name);
  detail::require_labels(targets.labels, logits, name);
  const bool soft = targets.labels.is_floating_point();
  const auto exact = detail::wide_enough(logits);
  constexpr auto nothing_ignored = std::numeric_limits<std::int64_t>::min();
  return at::cross_entropy_loss(exact, soft ? targets.labels.to(exact.dtype()) : targets.labels,
                                std::nullopt, at::Reduction::Mean, nothing_ignored,
                                smoothing.value())
      .to(logits.scalar_type());
}

}  // namespace rolewise
