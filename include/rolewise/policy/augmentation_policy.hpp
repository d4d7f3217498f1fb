// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `augmentation_policy` (operations with probabilities and magnitudes) and the
/// `policy_schedule` over epochs.

#include <rolewise/policy/operation.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// A policy of population based augmentation: 30 pairs of a probability level 0 .. 10 and a
/// magnitude level 0 .. 9.
///
/// Pair i is for `operation(i % 15)`: every operation has two pairs. The all-zero policy never
/// changes an image.
///
/// @par Source
/// Ho, Liang, Chen, Stoica, Abbeel: Population based augmentation, 2019, arXiv 1905.05393,
/// section 3 and the published code.
class augmentation_policy {
 public:
  static constexpr std::int64_t pairs = 2 * policy_operations;
  static constexpr std::int64_t highest_probability = 10;  ///< level of probability 1
  static constexpr std::int64_t highest_magnitude = 9;

  /// The all-zero policy.
  constexpr augmentation_policy() = default;

  /// Takes the levels in the order of search logs: probability and magnitude of pair 0, of pair
  /// 1, ...
  /// @throws std::invalid_argument unless there are 60 levels, each in its range
  explicit augmentation_policy(std::span<const std::int64_t> levels);

  /// Returns the error message for a number of levels; empty for 60.
  [[nodiscard]] static std::string objection_to_length(std::size_t count);
  /// Returns the error message for a level at index 0 .. 59; empty if it is in its range.
  [[nodiscard]] static std::string objection_to_level(std::size_t place, std::int64_t level);

  [[nodiscard]] static constexpr operation operation_of(std::int64_t pair)
  {
    return static_cast<operation>(pair % policy_operations);
  }
  /// Probability level of a pair; the probability is a tenth of it.
  /// @pre `0 <= pair < pairs`
  [[nodiscard]] constexpr std::int64_t probability(std::int64_t pair) const
  {
    return levels_[static_cast<std::size_t>(2 * pair)];
  }
  /// Magnitude level of a pair. @pre `0 <= pair < pairs`
  [[nodiscard]] constexpr std::int64_t magnitude(std::int64_t pair) const
  {
    return levels_[static_cast<std::size_t>(2 * pair + 1)];
  }
  /// The 60 levels in the order of search logs.
  [[nodiscard]] constexpr const std::array<std::int64_t, 2 * pairs>& levels() const noexcept
  {
    return levels_;
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("levels", levels_);
  }

  friend bool operator==(const augmentation_policy&, const augmentation_policy&) = default;

  /// Prints the pairs that are not (0, 0) as `Rotate 0.3@5, Invert 1.0@0`: probability and
  /// magnitude level; `nothing` if there are none.
  friend std::ostream& operator<<(std::ostream& out, const augmentation_policy& policy)
  {
    const char* separator = "";
    for (std::int64_t pair = 0; pair < pairs; ++pair) {
      const auto tenths = policy.probability(pair), magnitude = policy.magnitude(pair);
      if (tenths == 0 && magnitude == 0) continue;
      out << separator << rolewise::name(operation_of(pair)) << ' ' << tenths / 10 << '.'
          << tenths % 10 << '@' << magnitude;
      separator = ", ";
    }
    return *separator == '\0' ? out << "nothing" : out;
  }

 private:
  std::array<std::int64_t, 2 * pairs> levels_{};
};

/// Returns the parameter for a magnitude level L as `operation_parameters::value`, before a sign
/// is drawn.
///
/// | operation          | value                    | level 0     | level 9  |
/// |--------------------|--------------------------|-------------|----------|
/// | rotate             | 3 L degrees              | 0           | 27       |
/// | shear_x, shear_y   | 0.03 L                   | 0           | 0.27     |
/// | translate_x, _y    | L pixels                 | 0           | 9        |
/// | posterize          | 4 - trunc(0.4 L) bits    | 4           | 1        |
/// | solarize           | 256 - trunc(25.6 L)      | 256         | 26       |
/// | enhancers          | 0.1 + 0.18 L             | 0.1         | 1.72     |
/// | cutout             | half the side: L pixels  | 0           | 9        |
///
/// A level is not a measure of strength: enhancers do nothing at level 5 and are strongest at
/// level 0.
/// @param level 0 .. 10 (policies use 0 .. 9)
[[nodiscard]] ROLEWISE_INLINE double policy_parameter(operation what, std::int64_t level);

/// A policy that applies from an epoch (0-based) until the next segment begins.
struct policy_segment {
  std::int64_t first_epoch = 0;
  augmentation_policy policy;

  friend bool operator==(const policy_segment&, const policy_segment&) = default;
};

/// A piecewise constant schedule of policies over epochs; the last segment has no end. A single
/// policy converts to a schedule.
class policy_schedule {
 public:
  /// No augmentation: the all-zero policy in every epoch.
  policy_schedule() : policy_schedule{augmentation_policy{}} {}
  policy_schedule(augmentation_policy always) : segments_{{0, std::move(always)}} {}  // NOLINT

  /// @throws std::invalid_argument unless the first segment begins at epoch 0 and each later one
  ///         after its predecessor
  explicit policy_schedule(std::vector<policy_segment> segments);

  [[nodiscard]] const augmentation_policy& at(std::int64_t epoch) const;
  [[nodiscard]] const std::vector<policy_segment>& segments() const noexcept { return segments_; }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("segments", segments_);
  }

  friend bool operator==(const policy_schedule&, const policy_schedule&) = default;

  /// Prints one line per segment: `from epoch 57: Rotate 0.3@5`.
  friend std::ostream& operator<<(std::ostream& out, const policy_schedule& schedule)
  {
    const char* separator = "";
    for (const auto& [first_epoch, policy] : schedule.segments_) {
      out << separator << "from epoch " << first_epoch << ": " << policy;
      separator = "\n";
    }
    return out;
  }

 private:
  std::vector<policy_segment> segments_;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/policy/implementation/augmentation_policy.hpp>
#endif
