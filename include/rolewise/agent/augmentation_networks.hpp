// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The networks of `learned_augmentation`: colors of pixels, and affine maps.

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise {

/// What the networks draw for N images. Dropout keeps a unit where its draw is at least the rate.
struct network_draws {
  static constexpr std::int64_t noise_size = 128, pixel_width = 128, path_width = 512;

  torch::Tensor noise;                        ///< `[N, 128]`, standard normal
  torch::Tensor pixel_units;                  ///< `[N, 256]`, uniform
  torch::Tensor color_units, geometry_units;  ///< `[N, 1024]`, uniform
  torch::Tensor color_gate, geometry_gate;    ///< `[N]`, uniform
  double dropout = 0.8;
  double temperature = 0.05;
};

/// Batch norm by the statistics of the batch, in training and evaluation.
struct batch_statistics_norm {
  static constexpr double epsilon = 1e-5;

  owned_tensor weight, bias;

  explicit batch_statistics_norm(std::int64_t width)
      : weight{at::ones({width}).set_requires_grad(true)},
        bias{at::zeros({width}).set_requires_grad(true)}
  {}
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", *weight);
    archive.parameter("bias", *bias);
  }
};

/// [context, noise] -> 512 -> 512 -> outputs, without biases; between them batch norm, LeakyReLU of
/// slope 0.2 and dropout. The last weights begin as 0, the others by He et al., fan-out.
class noise_path {
 public:
  /// @param classes width of the context, 0 for none
  noise_path(std::string_view name, std::int64_t classes, std::int64_t outputs, seed key);

  /// @param units `[N, 1024]`, uniform, for dropout
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& context, const torch::Tensor& noise,
                                         const torch::Tensor& units, double dropout) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("first", *first_);
    archive.part("first_norm", first_norm_);
    archive.parameter("second", *second_);
    archive.part("second_norm", second_norm_);
    archive.parameter("last", *last_);
  }

 private:
  owned_tensor first_, second_, last_;
  batch_statistics_norm first_norm_{network_draws::path_width},
      second_norm_{network_draws::path_width};
};

/// Scale and shift for each pixel and channel, and a gate for each image: a path of 1x1
/// convolutions on the pixels and the class, plus a `noise_path` whose two outputs are added to the
/// scales and shifts of all pixels and channels of an image.
class color_network {
 public:
  static constexpr double range_of_scale = 0.8;

  struct change {
    torch::Tensor scale, shift;  ///< `[N, C, H, W]`
    torch::Tensor gate;          ///< `[N]`
  };

  color_network(std::int64_t channels, std::int64_t classes, seed key);

  /// @param images normalized
  /// @param context `[N, classes]`
  [[nodiscard]] change operator()(const torch::Tensor& images, const torch::Tensor& context,
                                  const network_draws& drawn) const;

  [[nodiscard]] const torch::Tensor& gate_logits() const { return *gate_; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("pixels", *pixels_);
    archive.parameter("classes", *classes_);
    archive.part("first_norm", first_norm_);
    archive.parameter("second", *second_);
    archive.part("second_norm", second_norm_);
    archive.parameter("last", *last_);
    archive.part("image", image_);
    archive.parameter("gate", *gate_);
  }

 private:
  owned_tensor pixels_, classes_, second_, last_, gate_;
  batch_statistics_norm first_norm_{network_draws::pixel_width},
      second_norm_{network_draws::pixel_width};
  noise_path image_;
};

/// Affine maps near the identity, gated for each image.
class geometry_network {
 public:
  static constexpr double range = 0.5;

  geometry_network(std::int64_t classes, seed key);

  /// @return A, `[N, 2, 3]`
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& context,
                                         const network_draws& drawn) const;

  [[nodiscard]] const torch::Tensor& gate_logits() const { return *gate_; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("image", image_);
    archive.parameter("gate", *gate_);
  }

 private:
  noise_path image_;
  owned_tensor gate_;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/augmentation_networks.hpp>
#endif
