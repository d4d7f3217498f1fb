// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Learned convolutions of losses on feature maps, with batch norm or bias.

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/loss/detail/feature_maps.hpp>
#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise::detail {

/// @throws std::invalid_argument unless both are shapes `[C, H, W]` of an example
ROLEWISE_INLINE void require_map_shapes(const std::vector<std::int64_t>& teacher,
                                        const std::vector<std::int64_t>& student,
                                        std::string_view caller);

/// A convolution without bias that keeps the size of maps, and a batch norm by the statistics of
/// the batch.
struct convolution_norm {
  owned_tensor weight{};          ///< `[out, in, side, side]`, side odd
  owned_tensor scale{}, shift{};  ///< `[out]`

  /// @throws std::invalid_argument for other shapes than those that this was made for
  void configure(std::int64_t in, std::int64_t out, std::int64_t side, seed key,
                 std::string_view caller);

  /// @param x `[N, in, H, W]`
  /// @return `[N, out, H, W]`, in the dtype of the weights
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x, std::string_view caller) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", *weight);
    archive.parameter("scale", *scale);
    archive.parameter("shift", *shift);
  }
};

/// A convolution with bias that keeps the size of maps.
struct biased_convolution {
  owned_tensor weight{}, bias{};  ///< `[out, in, side, side]`, side odd, and `[out]`

  /// @throws std::invalid_argument for other shapes than those that this was made for
  void configure(std::int64_t in, std::int64_t out, std::int64_t side, seed key,
                 std::string_view caller);

  /// @param x `[N, in, H, W]`
  /// @return `[N, out, H, W]`, in the dtype of the weights
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x, std::string_view caller) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", *weight);
    archive.parameter("bias", *bias);
  }
};

/// Connectors of several taps: 1x1 convolutions with batch norm from the channels of the student's
/// maps to those of the teacher's.
template<tap_id... Stages>
struct connectors {
  static constexpr std::size_t count = sizeof...(Stages);

  std::array<convolution_norm, count> stages{};

  void configure(const feature_shapes& teacher, const feature_shapes& student, seed key,
                 std::string_view caller)
  {
    std::size_t i = 0;
    for (const auto at : std::array{Stages...}) {
      require_map_shapes(teacher[at], student[at], caller);
      stages[i].configure(student[at][0], teacher[at][0], 1,
                          key.split(static_cast<std::uint64_t>(i)), caller);
      ++i;
    }
  }

  /// sum_l 2^(l - n + 1) mean_examples `values(l, t, u)`, `[N]`, of the teacher's maps t, detached,
  /// and the student's u after the connector, both of one size.
  template<typename Values>
  [[nodiscard]] torch::Tensor sum(const paired_outputs& pair, const targets& targets,
                                  std::string_view caller, const Values& values) const
  {
    std::size_t l = 0;
    double factor = 2.0 / static_cast<double>(std::uint64_t{1} << count);
    return sum_over_taps<Stages...>(
        pair, [&](tap_id at, const torch::Tensor& t, const torch::Tensor& s) {
          require_maps(t, s, caller, at);
          const auto [teacher, student] = of_one_size(t.detach(), s);
          const auto connected = stages[l](student, caller);
          const auto each = values(l, teacher.to(connected.scalar_type()), connected);
          const auto value = mean_of_examples(each, targets, caller) * factor;
          factor *= 2.0;
          ++l;
          return value;
        });
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    int number = 0;
    for (auto& stage : stages) visit_part(archive, classic_text("tap", number++), stage);
  }
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/detail/implementation/convolution_norm.hpp>
#endif
