// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Operation encoders: small networks that imitate image operations as differentiable functions of
/// a magnitude.
///
/// data -> [agent] -> teacher/student -> loss -> train -> report

#include <rolewise/core/batch.hpp>
#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rolewise {

/// The operations that encoders imitate, in the order of their magnitudes: six of colors, five
/// geometric ones.
inline constexpr std::array encoded_operations{
    operation::brightness,  operation::color,       operation::contrast, operation::sharpness,
    operation::posterize,   operation::solarize,    operation::shear_x,  operation::shear_y,
    operation::translate_x, operation::translate_y, operation::rotate};
inline constexpr std::size_t color_encoders = 6;

/// Whether a magnitude of this operation may be negative: not of posterize and solarize.
[[nodiscard]] constexpr bool has_signed_magnitude(operation what) noexcept
{
  return has_sign(what) || is_enhancer(what);
}

/// What an operation makes of images at a magnitude r: entry b = floor(10 |r|), 0 .. 9, of its
/// table, with the sign of r.
///
/// | operation          | entry b                                                     |
/// |--------------------|-------------------------------------------------------------|
/// | brightness, color, contrast, sharpness | factor 1 +- 0.1 b                       |
/// | posterize          | 8 - 4 b / 9 bits, rounded                                   |
/// | solarize           | threshold 255 (1 - b / 9)                                   |
/// | shear_x, shear_y   | slope +- 0.3 b / 9                                          |
/// | translate_x, translate_y | +- 150 / 331 of the side b / 9, rounded to whole pixels |
/// | rotate             | +- 30 b / 9 degrees                                         |
///
/// @param pixels `[N, C, H, W]`, uint8; C = 1 or 3
/// @param magnitude `[N]`, floating point, |r| < 1
/// @param scale has the mean color, which fills holes
/// @return uint8, the sizes of `pixels`
/// @throws std::invalid_argument for an operation that is not among `encoded_operations`
/// @par Source
/// The table of Cubuk, Zoph, Mane, Vasudevan, Le: AutoAugment: Learning Augmentation Policies from
/// Data, 2018, arXiv:1805.09501, in the ten steps of the code of arXiv:2212.05422.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor at_magnitude(operation what,
                                                         const torch::Tensor& pixels,
                                                         const torch::Tensor& magnitude,
                                                         const normalization& scale);

/// An operation on colors as a function of a magnitude r, for images x in [0, 1]:
///
///     [scale, shift] = (M_1 + M_2) [f + noise / 100, r],   f of 10 numbers, M of 2 x 11
///     x' = m * ((s (sigmoid(scale) - 1/2) + 1) * x + sigmoid(shift) - 1/2)
///     encoder(x, r) = conv5x5(x')
///
/// m is 0 where a whole row or a whole column is black, which keeps padding. Begins as the
/// identity: M = 0, the middle of the kernel 1, all else of it 0. f begins with draws.
/// @par Departs
/// The source does not say what s is, how f, M and the kernel begin, and in which unit x is. s = 2,
/// so that the scales reach from 0 to 2, as the factors of brightness do.
class color_encoder {
 public:
  static constexpr bool has_settings = false;  // what it is like is state
  static constexpr std::int64_t features = 10;
  static constexpr double range = 2.0;

  /// @param channels of the images
  color_encoder(std::int64_t channels, seed key);

  /// Channels of the images.
  [[nodiscard]] std::int64_t channels() const { return kernel_->size(0); }

  /// @param x `[N, C, H, W]`, floating point, in [0, 1]
  /// @param r `[N]`
  /// @param noise `[N, features]`, standard normal
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x, const torch::Tensor& r,
                                         const torch::Tensor& noise) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("features", *features_);
    archive.parameter("maps", *maps_);
    archive.parameter("kernel", *kernel_);
    archive.parameter("bias", *bias_);
  }

 private:
  owned_tensor features_, maps_, kernel_, bias_;
};

/// A geometric operation as a function of a magnitude r:
///
///     A = W [h, r] + b,   h of 6 numbers, W of 6 x 7, b of 6
///     encoder(x, r) = x, sampled bilinearly at A (column, row, 1)
///
/// with columns and rows from -1 to 1. Begins as the identity: W = 0, b = [1 0 0; 0 1 0]. h begins
/// with draws.
class affine_encoder {
 public:
  static constexpr bool has_settings = false;
  static constexpr std::int64_t features = 6;

  explicit affine_encoder(seed key);

  /// The maps A: `[N, 2, 3]`.
  [[nodiscard]] torch::Tensor maps(const torch::Tensor& r) const;

  /// @param x `[N, C, H, W]`, floating point
  /// @param r `[N]`
  /// @param fill `[1, C, 1, 1]`, the color outside of the images
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x, const torch::Tensor& r,
                                         const torch::Tensor& fill) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("features", *features_);
    archive.parameter("weight", *weight_);
    archive.parameter("bias", *bias_);
  }

 private:
  owned_tensor features_, weight_, bias_;
};

/// The encoders of all `encoded_operations`, which `fit_operation_encoders` fits.
struct operation_encoders {
  static constexpr bool has_settings = false;

  std::vector<color_encoder> color;
  std::vector<affine_encoder> affine;

  /// Encoders that are all the identity.
  [[nodiscard]] static operation_encoders untrained(std::int64_t channels, seed key);

  /// The image of the k-th of `encoded_operations`.
  /// @param x `[N, C, H, W]`, floating point, in [0, 1]
  /// @param r `[N]`
  /// @param noise `[N, color_encoder::features]`, read by the first six alone
  /// @param fill `[1, C, 1, 1]`, read by the others alone
  [[nodiscard]] torch::Tensor operator()(std::size_t k, const torch::Tensor& x,
                                         const torch::Tensor& r, const torch::Tensor& noise,
                                         const torch::Tensor& fill) const
  {
    return k < color_encoders ? color[k](x, r, noise) : affine[k - color_encoders](x, r, fill);
  }

  /// Whether its tensors ask for gradients.
  void set_requires_grad(bool wanted);

  /// The device of its tensors.
  void to(torch::Device device);

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    for (std::size_t k = 0; k < color.size(); ++k)
      archive.part("color" + std::to_string(k), color[k]);
    for (std::size_t k = 0; k < affine.size(); ++k)
      archive.part("affine" + std::to_string(k), affine[k]);
  }
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/operation_encoders.hpp>
#endif
