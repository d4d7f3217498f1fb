// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `learned_operations` module: image operations with magnitudes and probabilities that are
/// learned by gradient.
///
/// data -> [agent] -> teacher/student -> loss -> train -> report

#include <rolewise/agent/operation_encoders.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise {

/// The operations of `learned_operations`: those that encoders imitate, then three without a
/// magnitude, which are carried out.
inline constexpr std::array learned_operation_order = [] {
  std::array<operation, encoded_operations.size() + 3> all{};
  for (std::size_t k = 0; k < encoded_operations.size(); ++k) all[k] = encoded_operations[k];
  all[all.size() - 3] = operation::equalize;
  all[all.size() - 2] = operation::invert;
  all[all.size() - 1] = operation::cutout;
  return all;
}();

/// What the logit of a gate is, of the parameter th of its probability.
enum class gate_logit {
  parameter,   ///< th, so that sigmoid(th) is how often the operation acts
  probability  ///< sigmoid(th), as released: it acts in 50 % to 73 % of its draws, whatever th is
};

struct learned_operations_options {
  std::int64_t drawn = 4;  ///< operations in each call, 1 .. 14
  gate_logit logit = gate_logit::parameter;
  double temperature = 0.05;        ///< of the gates, above 0
  bool gate_for_each_image = true;  ///< else one for each operation and call
  bool both_signs = true;           ///< signs of magnitudes at random, else all are positive
  double cutout_side = 0.5;  ///< of the box, as a share of the image's shorter side, in [0, 1]
};

/// As the code of the source has it.
inline constexpr learned_operations_options released_operations{.logit = gate_logit::probability,
                                                                .gate_for_each_image = false,
                                                                .both_signs = false,
                                                                .cutout_side = 1.0};

/// The parallel sum of operations: x + sum_i gate_i (result_i - x), not clamped. Where all gates
/// are 0 it is x, bit for bit.
/// @param x `[N, ...]`
/// @param results one or more, of the sizes of x
/// @param gates as many, `[N]` or `[1]`
[[nodiscard]] ROLEWISE_INLINE torch::Tensor parallel_sum(const torch::Tensor& x,
                                                         const std::vector<torch::Tensor>& results,
                                                         const std::vector<torch::Tensor>& gates);

/// The learned augmentation module: in each call, a few of fourteen operations act side by side on
/// the images, each with a gate and a magnitude:
///
///     m = sigmoid(magnitudes)          g = relaxed_bernoulli(logit(probabilities); temperature)
///     S = `drawn` of the 14 operations, drawn in each call
///     view = x + sum_(i in S) g_i (T_i(x, +-m_i) - x)
///
/// T_0 .. T_10 are encoders, frozen, by which a loss of the view has a gradient to the magnitudes;
/// equalize, invert and cutout are the operations themselves. The 14 `probabilities` and 11
/// `magnitudes` are all that is learned, and are the same for every image. They begin as 0: gates
/// of one half, magnitudes of .5.
///
/// A view is floating point and normalized, with a graph to the parameters where gradients are
/// enabled.
///
/// @par Determinism
/// Signs, gates, noise and cutout are functions of (seed, epoch, id), S and common gates of (seed,
/// epoch, step). So this is no `AugmentationAgent`, whose views do not depend on the step: a step
/// calls it, as `systems::tst` does.
/// @par Source
/// Shao et al.: Teaching What You Should Teach: A Data-Based Distillation Method, 2022,
/// arXiv:2212.05422; code shaoshitong/TST, f9616a2.
/// @par Departs
/// The released code takes the probability for the logit, has one gate for all images of a batch,
/// positive magnitudes alone although the encoders were fitted to both signs, and a cutout of the
/// side of the image: `released_operations` is that. It has a second, frozen gate within each
/// encoder, by which half of the images of an operation stay as they are; it is left out, as a
/// constant that no probability can undo.
class learned_operations {
 public:
  /// @throws std::invalid_argument unless there are six encoders of colors and five affine ones,
  ///         and for options out of range
  explicit learned_operations(operation_encoders encoders,
                              const learned_operations_options& options = {});

  /// @param examples images `uint8`, or floating point that is normalized by their `normalization`
  /// @return inputs `[N, C, H, W]` in the dtype and on the device of the parameters, normalized
  /// @throws std::invalid_argument for other batches, and for label maps
  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

  /// S: the operations of a call, as places in `learned_operation_order`.
  [[nodiscard]] std::vector<std::int64_t> drawn_operations(const training_progress& progress,
                                                           seed key) const;

  /// The gates of an operation from uniform draws: `relaxed_bernoulli` of its logit.
  /// @param u in [0, 1), any shape
  [[nodiscard]] torch::Tensor gates(std::int64_t k, const torch::Tensor& u) const;

  [[nodiscard]] const torch::Tensor& probabilities() const { return *probabilities_; }
  [[nodiscard]] const torch::Tensor& magnitudes() const { return *magnitudes_; }
  [[nodiscard]] const operation_encoders& encoders() const { return encoders_; }
  [[nodiscard]] const learned_operations_options& options() const { return options_; }

  /// What is learned: the encoders are not.
  [[nodiscard]] std::vector<named_tensor> parameters() const
  {
    return {{"probabilities", *probabilities_}, {"magnitudes", *magnitudes_}};
  }

  void to(torch::Device device);

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("probabilities", *probabilities_);
    archive.parameter("magnitudes", *magnitudes_);
    archive.part("encoders", encoders_);
  }
  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("options", options_);
  }

 private:
  struct call;
  [[nodiscard]] torch::Tensor result_of(std::int64_t k, const call& of) const;

  operation_encoders encoders_;
  learned_operations_options options_;
  owned_tensor probabilities_, magnitudes_;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/learned_operations.hpp>
#endif
