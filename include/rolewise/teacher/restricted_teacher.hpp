// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Teachers whose distributions keep one level of their knowledge, to see what a student needs.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/require_taps.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/teacher/teacher.hpp>

#include <bit>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <utility>

namespace rolewise {

/// Universe knowledge: one distribution for all examples, up to their labels. The label has the
/// probability `label_probability`, the other classes share the rest. As a teacher this is label
/// smoothing with epsilon = (1 - label_probability) * K / (K - 1).
struct universe_knowledge {
  static constexpr std::string_view name = "universe";

  double label_probability = 0.9;  ///< in (0, 1), such as `teacher_profile::label_probability`

  /// @param log_p log probabilities of the teacher `[N, K]`
  /// @param labels `[N]` int64 in 0 .. K - 1
  /// @return log probabilities `[N, K]`
  /// @throws std::invalid_argument for a `label_probability` out of range, or a single class
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& log_p,
                                         const torch::Tensor& labels) const;
  void add_to(checksum& sum) const { sum.add(std::bit_cast<std::uint64_t>(label_probability)); }
};

/// Domain knowledge: how classes relate, and nothing of the example. The label has the probability
/// `label_probability`; the rest is shared as row y of `similarity` says.
struct domain_knowledge {
  static constexpr std::string_view name = "domain";

  double label_probability = 0.9;  ///< in (0, 1)
  /// `[K, K]`, floating point: row y has what the classes other than y get of the rest, at least 0
  /// and not all 0, in any unit; the diagonal is not read. `teacher_profile::class_means` is one,
  /// `class_similarity(weights)` another.
  torch::Tensor similarity{};

  /// @throws std::invalid_argument as `universe_knowledge`, or for a similarity that is none
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& log_p,
                                         const torch::Tensor& labels) const;
  void add_to(checksum& sum) const;
};

/// Instance knowledge: how sure the teacher is of each example. The label keeps its probability,
/// the other classes share the rest.
struct instance_knowledge {
  static constexpr std::string_view name = "instance";

  /// @throws std::invalid_argument for a single class
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& log_p,
                                         const torch::Tensor& labels) const;
  void add_to(checksum&) const {}
};

/// The k largest probabilities of each example, as they are; the other classes share the rest. Of
/// equal ones, those that `topk` finds.
struct largest_probabilities {
  static constexpr std::string_view name = "largest";

  std::int64_t count = 1;  ///< k, in 1 .. K - 1

  /// @throws std::invalid_argument for a count out of range
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& log_p,
                                         const torch::Tensor& labels) const;
  void add_to(checksum& sum) const { sum.add(static_cast<std::uint64_t>(count)); }
};

/// Makes a distribution of a teacher's: `knowledge(log_p, labels)`, log probabilities `[N, K]` to
/// log probabilities `[N, K]`, all finite, example by example. `add_to(checksum)` adds what the
/// result depends on.
template<typename F>
concept KnowledgePart =
    std::copyable<F> && requires(const F part, const torch::Tensor tensor, checksum sum) {
      { part(tensor, tensor) } -> std::same_as<torch::Tensor>;
      { part.add_to(sum) } -> std::same_as<void>;
      { F::name } -> std::convertible_to<std::string_view>;
    };

/// Similarity of classes by the cosine of their rows in a classifier, for `domain_knowledge`:
/// exp(cos(w_i, w_j) / T), `[K, K]`.
/// @param weights `[K, D]`, floating point, no row of zeros
/// @throws std::invalid_argument for others
[[nodiscard]] ROLEWISE_INLINE torch::Tensor class_similarity(const torch::Tensor& weights,
                                                             temperature t = temperature{1.0});

namespace detail {

/// T times the part of log softmax(logits / T); rows whose label is `ignore_index` stay as they
/// are.
/// @throws std::invalid_argument unless logits are `[N, K]` and labels `[N]` int64
template<KnowledgePart Part>
[[nodiscard]] torch::Tensor restricted_logits(const torch::Tensor& logits, const batch& examples,
                                              const Part& part, double t);

struct labeled_rows {
  torch::Tensor log_p;   ///< `[N, K]`, at least single precision
  torch::Tensor labels;  ///< `[N]`, 0 where ignored
  torch::Tensor ignored;
};
[[nodiscard]] ROLEWISE_INLINE labeled_rows labeled_rows_of(const torch::Tensor& logits,
                                                           const batch& examples, double t);

}  // namespace detail

/// A frozen teacher with a part of its knowledge: its logits at temperature T become those of the
/// part's distribution p', z' = T log p', so that softmax(z' / T) = p'. `restricted(...)` makes
/// one. Has no features. The teacher reads the labels of its view, one for each example.
///
///     restricted(frozen(network), instance_knowledge{}, temperature{4})
///
/// A student that learns as well from a part as from the whole needs no more of its teacher:
/// `measurement::teacher_knowledge` says how much of the distributions each part carries.
///
/// @par Source
/// Tang, Shivanna, Zhao, Lin, Singh, Chi, Jain: Understanding and Improving Knowledge Distillation,
/// 2020, arXiv:2002.03532, whose abstract names the three levels.
/// @par Departs
/// The paper's synthetic teachers were not at hand; the formulas are ours, from its definitions of
/// the levels.
template<Teacher T, KnowledgePart Part>
class restricted_teacher {
  static_assert(FrozenTeacher<T>,
                "restricted wants a teacher that never changes (has_state = false), such as "
                "frozen(network)");

 public:
  static constexpr bool has_state = false;
  static constexpr taps offered_taps{};

  restricted_teacher(T teacher, Part part, rolewise::temperature t)
      : teacher_{std::move(teacher)}, part_{std::move(part)}, temperature_{t}
  {}

  /// @throws std::invalid_argument if taps are wanted, logits are not `[N, K]`, labels are not
  /// `[N]`
  ///         int64, or the part refuses them
  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {}) const
  {
    detail::require_offered("restricted", offered_taps, wanted);
    const auto logits = teacher_.forward(examples).logits;
    return {.logits = detail::restricted_logits(logits, examples, part_, temperature_.value()),
            .features = {}};
  }

  [[nodiscard]] const T& teacher() const noexcept { return teacher_; }
  [[nodiscard]] const Part& part() const noexcept { return part_; }

  void to(torch::Device device)
    requires requires(T teacher) { teacher.to(device); }
  {
    teacher_.to(device);
  }
  [[nodiscard]] torch::Device device() const
    requires detail::says_device<T>
  {
    return teacher_.device();
  }

  /// 64-bit fingerprint: over those of the teacher, the part and the temperature.
  [[nodiscard]] std::uint64_t fingerprint() const
    requires requires(const T teacher) {
      { teacher.fingerprint() } -> std::same_as<std::uint64_t>;
    }
  {
    checksum sum;
    sum.add(teacher_.fingerprint());
    sum.add(std::string_view{Part::name});
    part_.add_to(sum);
    sum.add(std::bit_cast<std::uint64_t>(temperature_.value()));
    return sum.value();
  }

 private:
  T teacher_;
  Part part_;
  rolewise::temperature temperature_;
};

/// Makes a teacher that keeps one part of the knowledge of another.
/// @param t the temperature of the loss that reads it
template<Teacher T, KnowledgePart Part>
[[nodiscard]] restricted_teacher<T, Part> restricted(T teacher, Part part,
                                                     temperature t = temperature{1.0})
{
  return {std::move(teacher), std::move(part), t};
}

static_assert(KnowledgePart<universe_knowledge> && KnowledgePart<domain_knowledge> &&
              KnowledgePart<instance_knowledge> && KnowledgePart<largest_probabilities>);

namespace detail {

template<KnowledgePart Part>
torch::Tensor restricted_logits(const torch::Tensor& logits, const batch& examples,
                                const Part& part, double t)
{
  const auto rows = labeled_rows_of(logits, examples, t);
  auto found = part(rows.log_p, rows.labels);
  // What does not depend on the example has a gradient of 0 to it, not none.
  if (rows.log_p.requires_grad() && !found.requires_grad()) found = found + 0.0 * rows.log_p;
  return (found.where(~rows.ignored.unsqueeze(1), rows.log_p) * t).to(logits.scalar_type());
}

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/teacher/implementation/restricted_teacher.hpp>
#endif
