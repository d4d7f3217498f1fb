// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Residual networks for inference only: convolutions with batch norm folded in.

#include <rolewise/core/tensor.hpp>
#include <rolewise/network/convolution_shape.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace rolewise::detail {

/// The convolution w * x + bias, with batch norm folded into both.
struct folded_convolution {
  std::string name;
  torch::Tensor weight;  ///< `[O, I, K, K]`
  torch::Tensor bias;    ///< `[O]`
  convolution_shape shape;

  /// @param added null, or a residual map of the output's shape
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x, bool rectify,
                                         const torch::Tensor* added) const
  {
    const auto [maps, padding] = padded(x, geometry_of(shape, x));
    auto y = at::conv2d(maps, weight, bias, shape.stride, padding);
    if (added) y.add_(*added);
    return rectify ? y.relu_() : y;
  }
};

/// Batch norm without a convolution before it, and ReLU: relu(factor x + shift).
struct folded_normalization {
  std::string name;
  torch::Tensor factor, shift;  ///< `[C]`

  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x) const
  {
    return at::addcmul(shift.view({-1, 1, 1}), x, factor.view({-1, 1, 1})).relu_();
  }
};

/// Basic block: y = relu(first(x)); relu(second(y) + aside(x)), or + x without a projection.
template<typename Convolution>
struct folded_block {
  Convolution first, second;
  std::optional<Convolution> aside{};

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("convolution1", first);
    archive.part("convolution2", second);
    if (aside) archive.part("shortcut", *aside);
  }
};

/// The stages of a residual network.
template<typename Convolution>
struct folded_stages {
  std::vector<std::vector<folded_block<Convolution>>> stages{};

  /// Runs the stages, from the output of the stem to the last feature map.
  /// @param run `run(convolution, x, rectify, added)` with `added` null or a map of the output's
  ///        shape, which may be overwritten
  /// @param tap called with the number of each stage, from 1, and its output
  template<typename Map, typename Run, typename Tap>
  [[nodiscard]] Map operator()(Map x, const Run& run, const Tap& tap)
  {
    Map* const nothing = nullptr;
    std::size_t number = 0;
    for (auto& stage : stages) {
      for (auto& block : stage) {
        const Map y = run(block.first, x, true, nothing);
        Map added = block.aside ? run(*block.aside, x, false, nothing) : x;
        x = run(block.second, y, true, &added);
      }
      tap(++number, x);
    }
    return x;
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    for (std::size_t s = 0; s < stages.size(); ++s)
      for (std::size_t b = 0; b < stages[s].size(); ++b)
        archive.part("stage" + std::to_string(s + 1) + "." + std::to_string(b), stages[s][b]);
  }
};

struct folded_network {
  folded_convolution stem;
  folded_stages<folded_convolution> body;
};

/// Pre-activation block: a = relu(norm(x)); second(relu(first(a))) + aside(a), or + x.
template<typename Convolution, typename Normalization>
struct folded_wide_block {
  Normalization before;
  Convolution first, second;
  std::optional<Convolution> aside{};

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("batch_norm1", before);
    archive.part("convolution1", first);
    archive.part("convolution2", second);
    if (aside) archive.part("shortcut", *aside);
  }
};

/// The stages of a wide residual network.
template<typename Convolution, typename Normalization>
struct folded_wide_stages {
  std::vector<std::vector<folded_wide_block<Convolution, Normalization>>> stages{};

  /// Runs the stages, from the output of the stem to the last residual sum; `run` and `tap` as in
  /// `folded_stages`.
  /// @param normalize `normalize(normalization, x)`
  template<typename Map, typename Run, typename Normalize, typename Tap>
  [[nodiscard]] Map operator()(Map x, const Run& run, const Normalize& normalize, const Tap& tap)
  {
    Map* const nothing = nullptr;
    std::size_t number = 0;
    for (auto& stage : stages) {
      for (auto& block : stage) {
        const Map a = normalize(block.before, x);
        const Map y = run(block.first, a, true, nothing);
        Map added = block.aside ? run(*block.aside, a, false, nothing) : x;
        x = run(block.second, y, false, &added);
      }
      tap(++number, x);
    }
    return x;
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    for (std::size_t s = 0; s < stages.size(); ++s)
      for (std::size_t b = 0; b < stages[s].size(); ++b)
        archive.part("stage" + std::to_string(s + 1) + "." + std::to_string(b), stages[s][b]);
  }
};

struct folded_wide_network {
  folded_convolution stem;
  folded_wide_stages<folded_convolution, folded_normalization> body;
  folded_normalization last;
};

}  // namespace rolewise::detail
