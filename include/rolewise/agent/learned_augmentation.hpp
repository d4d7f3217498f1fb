// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `learned_augmentation` agent: a color network and a geometry network, trained by gradient.
///
/// data -> [agent] -> teacher/student -> loss -> train -> report

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/augmentation_networks.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise {

struct learned_augmentation_options {
  bool by_class = true;       ///< the networks and gates know the labels; false: they do not
  double temperature = 0.05;  ///< of the gates, above 0
  double dropout = 0.8;       ///< in [0, 1); part of the randomness, as long as the agent is used
  rolewise::seed seed{0};     ///< of the first weights
};

/// What `learned_augmentation` makes of a batch.
struct augmented_batch {
  batch view;            ///< normalized, floating point
  torch::Tensor plain;   ///< the images before, normalized, `[N, C, H, W]`
  torch::Tensor tinted;  ///< after the color network and before the geometry network, normalized
};

/// Augmentation by two small networks, whose views have a gradient to them. With z = N(0, 1)^128 of
/// the image, and the class as context:
///
///     scale, shift = color network(pixel, class, z)           in (0.6, 1.4), (-0.5, 0.5)
///     x' = recolored(x, scale, shift, gate)                   for each pixel and channel
///     A = [I|0] + gate (0.5 (sigmoid(geometry network(class, z)) - 0.5))
///     view = affine_warped(x', A)
///
/// Gates are `relaxed_bernoulli` draws, one for each image and network, with a logit for each
/// class. It begins as the identity. Batch norms have no running statistics: an image's view
/// depends on the others of the batch, and on their number; with one image the paths that depend on
/// z alone see zeros. Without gradients it is an agent like others.
///
/// Inputs are images of the number of channels it was made for, `uint8`, or floating point that is
/// normalized by `batch::normalization`; labels are classes, or soft labels, which mix contexts.
/// A label that is ignored has no context. N = 0 is allowed.
///
/// @par Determinism
/// A function of seed, epoch and the ids of the batch.
/// @throws std::invalid_argument on other inputs and labels, and for label maps
/// @par Source
/// Suzuki: TeachAugment: Data Augmentation Optimization Using Teacher Knowledge, 2022,
/// arXiv:2202.12513; code at 66ec099, with its 355,210 + 337,930 parameters for 10 classes.
/// @par Departs
/// The code draws noise, dropout and gates from a global generator.
class learned_augmentation {
 public:
  static constexpr std::string_view name = "learned-augmentation";
  static constexpr bool mixes = true;          // batch norm reads the whole batch
  static constexpr bool stays_in_step = true;  // it is trained there

  /// @throws std::invalid_argument for what are no images, and options out of range
  explicit learned_augmentation(const sample_shape& shape,
                                const learned_augmentation_options& options = {});

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const
  {
    return augmented(examples, progress, key).view;
  }
  /// The same, with the images before and after the color network.
  [[nodiscard]] augmented_batch augmented(const batch& examples, const training_progress& progress,
                                          seed key) const;

  /// The maps A of the batch, `[N, 2, 3]`.
  [[nodiscard]] torch::Tensor maps(const batch& examples, const training_progress& progress,
                                   seed key) const;

  [[nodiscard]] const learned_augmentation_options& options() const { return options_; }
  [[nodiscard]] const color_network& color() const { return color_; }
  [[nodiscard]] const geometry_network& geometry() const { return geometry_; }

  void to(torch::Device device);

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("color", color_);
    archive.part("geometry", geometry_);
  }
  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("options", options_);
  }

 private:
  [[nodiscard]] torch::Tensor context_of(const batch& examples) const;
  [[nodiscard]] network_draws draws_of(const batch& examples, const training_progress& progress,
                                       seed key) const;

  learned_augmentation_options options_;
  std::int64_t channels_, classes_;
  color_network color_;
  geometry_network geometry_;
};

static_assert(AugmentationAgent<learned_augmentation>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/learned_augmentation.hpp>
#endif
