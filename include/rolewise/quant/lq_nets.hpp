// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// LQ-Nets: levels that are sums over a basis, which is fitted to what is quantised.

#include <rolewise/core/error.hpp>
#include <rolewise/quant/detail/level_grid.hpp>
#include <rolewise/quant/quantizer.hpp>

#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/searchsorted.h>

#include <cmath>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

namespace rolewise {

/// How fitted bases are averaged over the steps, with the factor 0.9.
enum class lq_average {
  corrected,  ///< divided by the sum of its weights: after one step it is that step's basis
  plain       ///< v <- 0.9 v + 0.1 fitted: the first basis is felt for some 20 steps
};

/// Levels v . e of a basis v of K numbers, K = bits.
///
///     weights:     e in {-1, 1}^K, a basis for each output
///     activations: e in {0, 1}^K, one basis for the layer
///     thresholds:  midway between levels, the lower level at a threshold
///     fit:         (B'B + epsilon I) v = B'x + epsilon v_stored, B the codes under the basis in
///     use first basis: v_j = 2^j 0.6745 / (2^(K-1)) sqrt(2 / n) for weights (n = spatial size
///     times
///                  outputs), 2^j 0.6745 2 / (2^K - 1) for activations
///     32 bits:     weights as they are, activations rectified
///
/// In training each step fits once and moves the stored basis; the step's own output is that of the
/// stored basis from before. A layer that gets another width begins with the first basis of that
/// width. Levels are no whole numbers: sums of them are not exact.
///
/// @par Gradients
/// Weights: passes unchanged. Activations: passes up to the largest level. None to the basis, which
/// is kept (`buffer`), not learned.
/// @par Determinism
/// A function of tensor, width and basis; the basis of all tensors that were observed.
/// @par Source
/// Zhang, Yang, Ye, Hua: LQ-Nets: Learned Quantization for Highly Accurate and Compact Deep Neural
/// Networks, ECCV 2018, arXiv:1807.10029; code microsoft/LQ-Nets.
/// @par Departs
/// Evaluation uses the basis of the last training step, not the one that this step has made of it.
/// The fit of activations has an epsilon too (a bit that is never set makes the system singular).
/// Bases are kept at 0 or above and sorted.
struct lq_nets {
  static constexpr std::string_view name = "lq-nets";

  class weights;
  class activations;

  lq_average average = lq_average::corrected;
  double epsilon = 1e-4;

  /// @throws std::invalid_argument unless epsilon is above 0 and finite
  [[nodiscard]] weights start_weights(const layer_place& place) const;
  [[nodiscard]] activations start_activations(const layer_place& place) const;
};

namespace detail {

/// The basis in use, the one that was made of it, and how many fits it is the average of.
/// Granules are the rows of `[G, N]`.
class lq_basis {
 public:
  lq_basis(const lq_nets& settings, bool is_signed) : settings_{settings}, is_signed_{is_signed} {}

  /// Takes up what the last step has stored, or `first` if nothing fits, and fits to x.
  void observe(const torch::Tensor& rows, const torch::Tensor& first)
  {
    const torch::NoGradGuard without_graph;
    if (fits(stored_, first)) {
      in_use_ = stored_;
    } else {
      in_use_ = first;
      fits_ = 0;
    }
    const auto fitted = fit(rows);
    ++fits_;
    const double share = settings_.average == lq_average::corrected
                             ? 0.1 / (1.0 - std::pow(0.9, static_cast<double>(fits_)))
                             : 0.1;
    stored_ = in_use_ + (fitted - in_use_) * share;
  }

  /// Levels of rows under the basis in use, or under `first` if nothing fits; and the largest.
  [[nodiscard]] std::pair<torch::Tensor, torch::Tensor> levels_of(const torch::Tensor& rows,
                                                                  const torch::Tensor& first) const
  {
    const auto [levels, codes] = sorted_levels(fits(in_use_, first) ? in_use_ : first);
    const auto found = levels.gather(1, places(rows, levels)).add_(spoilt(rows));
    return {found, levels.amax()};
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.buffer("in_use", in_use_);
    archive.buffer("stored", stored_);
    archive.value("fits", fits_);
  }

 private:
  [[nodiscard]] static bool fits(const torch::Tensor& basis, const torch::Tensor& first)
  {
    return basis.defined() && basis.sizes() == first.sizes();
  }

  /// All codes, `[2^K, K]`.
  [[nodiscard]] torch::Tensor codes(const torch::Tensor& basis) const
  {
    const auto bits = basis.size(1);
    const auto numbers = torch::arange(
        std::int64_t{1} << bits, torch::TensorOptions{}.dtype(torch::kLong).device(basis.device()));
    const auto set = numbers.unsqueeze(1)
                         .bitwise_right_shift(torch::arange(bits, numbers.options()).unsqueeze(0))
                         .bitwise_and(1)
                         .to(basis.scalar_type());
    return is_signed_ ? set * 2 - 1 : set;
  }

  /// Rising levels `[G, 2^K]` and their codes `[G, 2^K, K]`.
  [[nodiscard]] std::pair<torch::Tensor, torch::Tensor> sorted_levels(
      const torch::Tensor& basis) const
  {
    const auto all = codes(basis);
    const auto [levels, order] = basis.matmul(all.t()).sort(1);
    return {levels, all.index_select(0, order.flatten()).view({basis.size(0), -1, basis.size(1)})};
  }

  /// How many thresholds lie below each x.
  [[nodiscard]] static torch::Tensor places(const torch::Tensor& rows, const torch::Tensor& levels)
  {
    const auto count = levels.size(1);
    const auto thresholds = (levels.narrow(1, 0, count - 1) + levels.narrow(1, 1, count - 1)) / 2;
    return at::searchsorted(thresholds, rows.to(levels.scalar_type()));
  }

  /// The basis of least squares. What enters are counts and sums over each level, so it costs two
  /// passes over x, whatever the width.
  [[nodiscard]] torch::Tensor fit(const torch::Tensor& rows) const
  {
    const auto [levels, code] = sorted_levels(in_use_);
    const auto place = places(rows, levels);
    const auto wide = rows.device().is_mps() ? torch::kFloat : torch::kDouble;
    const auto none = torch::zeros(levels.sizes(), levels.options().dtype(wide));
    const auto count =
        none.scatter_add(1, place, torch::ones({1, 1}, none.options()).expand(rows.sizes()));
    const auto sum = none.scatter_add(1, place, rows.to(wide));
    const auto e = code.to(wide), basis = in_use_.to(wide);
    const auto transposed = e.transpose(1, 2);
    const auto left = transposed.matmul(e * count.unsqueeze(2)) +
                      settings_.epsilon * torch::eye(basis.size(1), basis.options());
    const auto right = transposed.matmul(sum.unsqueeze(2)) + settings_.epsilon * basis.unsqueeze(2);
    const auto fitted = at::linalg_solve(left, right).squeeze(2);
    // Levels of +-1 codes don't know the sign of a bit.
    const auto positive = is_signed_ ? fitted.abs() : fitted.clamp_min(0);
    return std::get<0>(positive.sort(1)).to(in_use_.scalar_type());
  }

  lq_nets settings_;
  bool is_signed_;
  torch::Tensor in_use_, stored_;
  std::int64_t fits_ = 0;
};

/// Rows of the first basis, `[granules, bits]`: `unit`, `2 unit`, `4 unit`, ...
[[nodiscard]] inline torch::Tensor first_basis(const torch::Tensor& like, std::int64_t granules,
                                               bit_width bits, double unit)
{
  if (bits.value() > 8)
    refuse(lq_nets::name, "has bases of 1 to 8 bits, was asked for ", bits.value());
  const auto type = like.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
  std::vector<double> basis;
  for (int j = 0; j < bits.value(); ++j) basis.push_back(unit * std::exp2(j));
  return torch::tensor(basis, torch::TensorOptions{}.dtype(type).device(like.device()))
      .expand({granules, bits.value()});
}

}  // namespace detail

/// The weights' state: a basis for each output.
class lq_nets::weights {
 public:
  explicit weights(const lq_nets& settings) : basis_{settings, true} {}

  /// In training alone, before the call.
  void observe(const torch::Tensor& w, bit_width bits)
  {
    if (!bits.is_full()) basis_.observe(rows(w.detach()), first(w, bits));
  }

  /// @throws std::invalid_argument for 9 to 31 bits
  [[nodiscard]] quantised operator()(const torch::Tensor& w, bit_width bits) const
  {
    if (bits.is_full()) return {.levels = w, .scale = {}};
    const auto levels = basis_.levels_of(rows(w.detach()), first(w, bits)).first;
    return {.levels = in_shape_of(w, levels), .scale = {}, .stand_in = w};
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    basis_.visit_state(archive);
  }

 private:
  [[nodiscard]] static bool is_channels_last(const torch::Tensor& w)
  {
    return w.dim() == 4 && w.is_contiguous(torch::MemoryFormat::ChannelsLast);
  }
  [[nodiscard]] static torch::Tensor rows(const torch::Tensor& w)
  {
    return (is_channels_last(w) ? w.permute({0, 2, 3, 1}) : w).reshape({w.size(0), -1});
  }
  [[nodiscard]] static torch::Tensor in_shape_of(const torch::Tensor& w, const torch::Tensor& rows)
  {
    if (!is_channels_last(w)) return rows.view(w.sizes());
    return rows.view({w.size(0), w.size(2), w.size(3), w.size(1)}).permute({0, 3, 1, 2});
  }
  [[nodiscard]] static torch::Tensor first(const torch::Tensor& w, bit_width bits)
  {
    const auto fan_out = w.numel() / w.size(1);
    const double deviation = std::sqrt(2.0 / static_cast<double>(fan_out));
    return detail::first_basis(w, w.size(0), bits,
                               0.6745 * deviation / std::exp2(bits.value() - 1));
  }

  detail::lq_basis basis_;
};

/// The activations' state: one basis.
class lq_nets::activations {
 public:
  explicit activations(const lq_nets& settings) : basis_{settings, false} {}

  /// In training alone, before the call.
  void observe(const torch::Tensor& x, bit_width bits)
  {
    if (bits.is_full()) return;
    static_cast<void>(detail::in_memory_order(x.detach(), [&](const torch::Tensor& dense) {
      basis_.observe(dense.reshape({1, -1}), first(x, bits));
      return dense;
    }));
  }

  /// @throws std::invalid_argument for 9 to 31 bits
  [[nodiscard]] quantised operator()(const torch::Tensor& x, bit_width bits) const
  {
    if (bits.is_full()) return {.levels = x.relu(), .scale = {}};
    torch::Tensor highest;
    const auto levels = detail::in_memory_order(x.detach(), [&](const torch::Tensor& dense) {
      auto [rows, top] = basis_.levels_of(dense.reshape({1, -1}), first(x, bits));
      highest = top;
      return rows.view(dense.sizes()).to(x.scalar_type());
    });
    // What stands for the values keeps of x only the way that gradients take.
    return {.levels = levels, .scale = {}, .stand_in = x.masked_fill(x.detach().gt(highest), 0)};
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    basis_.visit_state(archive);
  }

 private:
  [[nodiscard]] static torch::Tensor first(const torch::Tensor& x, bit_width bits)
  {
    return detail::first_basis(x, 1, bits, 0.6745 * 2.0 / (std::exp2(bits.value()) - 1.0));
  }

  detail::lq_basis basis_;
};

namespace detail {

[[nodiscard]] inline const lq_nets& checked(const lq_nets& settings)
{
  if (!(settings.epsilon > 0.0) || !std::isfinite(settings.epsilon))
    refuse(lq_nets::name, "want an epsilon above 0, got ", settings.epsilon);
  return settings;
}

}  // namespace detail

inline lq_nets::weights lq_nets::start_weights(const layer_place&) const
{
  return weights{detail::checked(*this)};
}

inline lq_nets::activations lq_nets::start_activations(const layer_place&) const
{
  return activations{detail::checked(*this)};
}

static_assert(Quantizer<lq_nets>);

}  // namespace rolewise
