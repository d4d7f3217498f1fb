// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `hessian_traces`: the trace of the loss's Hessian for each layer's weights.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/gradients_on.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/data/class_labels.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/quant/layer_report.hpp>
#include <rolewise/quant/schemes.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::measurement {

/// Options of the estimate of the trace.
struct trace_options {
  std::int64_t draws = 100;  ///< maximum number of random vectors; at least 1
  double tolerance = 1e-3;   ///< stop when a draw changes the mean total by at most this share
  rolewise::seed seed{0};    ///< of the random signs
};

/// The trace of the loss's Hessian with respect to one layer's weights.
struct layer_trace {
  layer_report layer;
  double trace = 0.0;

  [[nodiscard]] double mean() const { return trace / static_cast<double>(layer.weights); }
};

namespace detail {

/// Gradients of a value, with a graph; undefined where the value does not depend on a tensor.
[[nodiscard]] ROLEWISE_INLINE std::vector<torch::Tensor> gradients_with_graph(
    const torch::Tensor& value, const std::vector<torch::Tensor>& of);

/// Returns each tensor's share of r' H r.
/// @param slopes gradients with a graph
/// @param of the tensors of these gradients
/// @param signs r, in as many tensors
[[nodiscard]] ROLEWISE_INLINE std::vector<double> quadratic_forms(
    const std::vector<torch::Tensor>& slopes, const std::vector<torch::Tensor>& of,
    const std::vector<torch::Tensor>& signs);

/// Random signs (-1 and 1) of one draw, in the shape of a layer's weights.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor drawn_signs(const torch::Tensor& like, seed key,
                                                        std::int64_t draw);

/// Returns each layer's weights, in the order of the layers.
template<typename Network>
[[nodiscard]] std::vector<torch::Tensor> weights_of_layers(const Network& network,
                                                           const std::vector<layer_report>& layers)
{
  const auto parameters = network.parameters();
  std::vector<torch::Tensor> weights;
  for (const auto& layer : layers) {
    const auto found =
        std::ranges::find(parameters, layer.place.name + ".weight", &named_tensor::name);
    if (found == parameters.end())
      throw_invalid_argument("network", "layer ", layer.place.name, " has no parameter ",
                             layer.place.name, ".weight");
    weights.push_back(found->value);
  }
  return weights;
}

/// Returns each distinct tensor once, and for each given tensor its index among them.
[[nodiscard]] ROLEWISE_INLINE std::pair<std::vector<torch::Tensor>, std::vector<std::size_t>> apart(
    const std::vector<torch::Tensor>& tensors);

}  // namespace detail

/// Estimates the trace of a loss's Hessian, layer by layer, with Hutchinson's estimator: the mean
/// of r' H r over vectors r of random signs. One draw serves all layers, as terms across layers
/// have the mean 0. A layer with a large mean trace is sensitive to low bit widths.
///
///     hessian_traces(teacher, some_examples)
///
/// Runs on a copy of the network, in full precision and evaluation mode (with running
/// statistics): pass trained weights, and always the same examples. It takes several times the
/// memory of a training step. Layers that share a weight tensor have the trace of that tensor; it
/// counts once.
///
/// @par Determinism
/// A function of its arguments, for the same number of threads.
/// @throws std::invalid_argument for fewer than one draw, for labels that are not classes, and
///         under InferenceMode
/// @throws std::runtime_error if a trace is not finite
/// @par Source
/// Dong, Yao, Arfeen, Gholami, Mahoney, Keutzer: HAWQ-V2: Hessian Aware trace-Weighted Quantization
/// of Neural Networks, NeurIPS 2020, arXiv:1911.03852; code amirgholami/PyHessian.
template<typename Network, SupervisedLoss Loss = cross_entropy>
[[nodiscard]] std::vector<layer_trace> hessian_traces(const Network& network, const batch& examples,
                                                      const Loss& loss = {},
                                                      const trace_options& options = {})
{
  if (options.draws < 1)
    throw_invalid_argument("hessian_traces", "want 1 draw or more, got ", options.draws);
  const detail::gradients_on for_now{"hessian_traces"};
  auto full = network;
  if constexpr (requires { full.set_bits(full_precision{}); }) full.set_bits(full_precision{});
  const auto layers = full.layers();
  const auto [weights, place] = detail::apart(detail::weights_of_layers(full, layers));

  paired_outputs pair;
  pair.student = full.predict(examples, student_taps<Loss>());
  if constexpr (wants_class_labels<Loss>())
    if (detail::are_hard(examples.labels))
      detail::require_classes("hessian_traces", examples.labels, pair.student.logits.size(1),
                              "the batch");
  const auto value =
      evaluate_loss(loss, pair, targets{examples.labels, examples.ids, training_progress{}});
  const auto slopes = detail::gradients_with_graph(value, weights);

  std::vector<double> sums(weights.size(), 0.0);
  double mean_before = 0.0;
  std::int64_t drawn = 0;
  while (drawn < options.draws) {
    std::vector<torch::Tensor> signs;
    for (std::size_t i = 0; i < layers.size(); ++i)
      if (place[i] == signs.size())  // the first layer that uses these weights
        signs.push_back(detail::drawn_signs(
            weights[place[i]],
            options.seed.split(purpose{"Hessian trace"}).split(purpose{layers[i].place.name}),
            drawn));
    const auto forms = detail::quadratic_forms(slopes, weights, signs);
    double whole = 0.0;
    for (std::size_t i = 0; i < sums.size(); ++i) whole += sums[i] += forms[i];
    if (!std::isfinite(whole))
      diverge("hessian_traces", "the trace is ", detail::without_sign_of_nan(whole));
    ++drawn;
    const double mean = whole / static_cast<double>(drawn);
    if (drawn > 1 &&
        std::abs(mean - mean_before) <= options.tolerance * (std::abs(mean_before) + 1e-6))
      break;
    mean_before = mean;
  }

  const auto reported = network.layers();
  std::vector<layer_trace> traces;
  for (std::size_t i = 0; i < layers.size(); ++i)
    traces.push_back({reported[i], sums[place[i]] / static_cast<double>(drawn)});
  return traces;
}

}  // namespace rolewise::measurement

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/measurement/implementation/hessian_trace.hpp>
#endif
