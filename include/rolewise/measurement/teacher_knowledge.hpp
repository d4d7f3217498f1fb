// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What a teacher's distributions carry besides the labels, and what parts of them leave out.

#include <rolewise/core/device_of.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/teacher/restricted_teacher.hpp>
#include <rolewise/teacher/teacher.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::measurement {

/// The temperature of the loss that reads the teacher, and the examples of a forward pass.
struct knowledge_options {
  rolewise::temperature temperature{1.0};
  std::int64_t batch_size = 64;
};

/// A teacher's mean distributions p = softmax(z / T) on a data set.
struct teacher_profile {
  double label_probability = 0.0;  ///< mean of p at the label
  /// `[K, K]`, double: row y is the mean of p over the examples of class y; of a class without
  /// examples, uniform. The similarity of classes for `domain_knowledge`.
  torch::Tensor class_means{};
  std::vector<std::int64_t> examples{};  ///< of each class
};

/// What a part p' of a teacher's distributions p says, on average over the examples.
struct knowledge_row {
  std::string part;                ///< "whole", or the name of the part
  double label_probability = 0.0;  ///< p' at the label
  double entropy = 0.0;            ///< of p', nats; at most log K
  double divergence = 0.0;         ///< KL(p || p'), nats: what the part leaves out; 0 for the whole
  double top1 = 0.0;               ///< how often the label is the first largest of p'
};

namespace detail {

class profile_sums {
 public:
  /// @param log_p `[N, K]` on the CPU, double
  ROLEWISE_INLINE void add(const torch::Tensor& log_p, const torch::Tensor& labels);
  /// @throws std::invalid_argument without an example that has a label
  [[nodiscard]] ROLEWISE_INLINE teacher_profile profile() const;

 private:
  torch::Tensor sums_, counts_;
  double of_labels_ = 0.0;
};

class knowledge_sums {
 public:
  explicit knowledge_sums(std::string part) { row_.part = std::move(part); }
  /// @param whole, part log probabilities `[N, K]` on the CPU, double
  ROLEWISE_INLINE void add(const torch::Tensor& whole, const torch::Tensor& part,
                           const torch::Tensor& labels);
  /// @throws std::invalid_argument without an example that has a label
  [[nodiscard]] ROLEWISE_INLINE knowledge_row row() const;

 private:
  knowledge_row row_;
  std::int64_t count_ = 0;
};

/// Calls `f(log_p, labels)` with the rows of the labeled examples of a data set, on the CPU, in
/// double precision.
template<Teacher T, BatchSource Source, typename F>
void for_each_distribution(const T& teacher, const Source& data, const knowledge_options& options,
                           const F& f)
{
  const torch::NoGradGuard without_graph;
  for (const batch& examples : batches(data, {.size = options.batch_size})) {
    const auto logits =
        teacher.forward(rolewise::detail::on_device_of(teacher, examples), taps{}).logits;
    const auto rows = rolewise::detail::labeled_rows_of(logits.cpu().to(torch::kDouble), examples,
                                                        options.temperature.value());
    const auto kept = (~rows.ignored).nonzero().squeeze(1);
    if (kept.size(0) > 0) f(rows.log_p.index_select(0, kept), rows.labels.index_select(0, kept));
  }
}

}  // namespace detail

/// Computes a teacher's mean distributions on labeled examples, from which universe and domain
/// knowledge are made.
///
///     const auto seen = measurement::profile_of(teacher, data.train);
///     restricted(teacher, domain_knowledge{seen.label_probability, seen.class_means})
///
/// @throws std::invalid_argument unless logits are `[N, K]` and labels `[N]` int64, or without
///         examples
template<FrozenTeacher T, BatchSource Source>
[[nodiscard]] teacher_profile profile_of(const T& teacher, const Source& data,
                                         const knowledge_options& options = {})
{
  detail::profile_sums sums;
  detail::for_each_distribution(
      teacher, data, options,
      [&](const torch::Tensor& log_p, const torch::Tensor& labels) { sums.add(log_p, labels); });
  return sums.profile();
}

/// Computes what the whole of a teacher's distributions and parts of them carry, one row for each.
///
///     teacher_knowledge(teacher, data, {}, instance_knowledge{}, largest_probabilities{2})
///
/// A student that learns the part perfectly has a cross-entropy against the whole that is by
/// `divergence` above the lowest, the whole's entropy. As a universe's part is constant, its
/// divergence is lowest where its `label_probability` is the teacher's mean.
///
/// @throws std::invalid_argument as `profile_of`, and what a part refuses
/// @par Source
/// Tang et al.: Understanding and Improving Knowledge Distillation, 2020, arXiv:2002.03532, for
/// the levels; the quantities are ours.
template<FrozenTeacher T, BatchSource Source, KnowledgePart... Parts>
[[nodiscard]] std::vector<knowledge_row> teacher_knowledge(const T& teacher, const Source& data,
                                                           const knowledge_options& options,
                                                           const Parts&... parts)
{
  std::vector<detail::knowledge_sums> sums;
  sums.emplace_back("whole");
  (sums.emplace_back(std::string{Parts::name}), ...);
  detail::for_each_distribution(teacher, data, options,
                                [&](const torch::Tensor& log_p, const torch::Tensor& labels) {
                                  std::size_t i = 0;
                                  sums[i++].add(log_p, log_p, labels);
                                  (sums[i++].add(log_p, parts(log_p, labels), labels), ...);
                                });
  std::vector<knowledge_row> rows;
  for (const auto& each : sums) rows.push_back(each.row());
  return rows;
}

}  // namespace rolewise::measurement

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/measurement/implementation/teacher_knowledge.hpp>
#endif
