// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `sub_policy` of AutoAugment, and the parameters that its magnitude levels stand for.

#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace rolewise {

/// A sub-policy of AutoAugment: two operations in sequence, each with its own probability and
/// magnitude. A list of sub-policies is a policy.
///
/// @par Source
/// Cubuk, Zoph, Mané, Vasudevan, Le: AutoAugment: learning augmentation policies from data, 2018,
/// arXiv 1805.09501, section 3.
struct sub_policy {
  struct step {
    operation what = operation::identity;
    std::int64_t probability = 0;  ///< level 0 .. 10; the probability is a tenth of it
    std::int64_t magnitude = 0;    ///< level 0 .. 9, see `auto_augment_parameter`

    friend bool operator==(const step&, const step&) = default;
    /// Prints `Rotate 0.7@2`: probability and magnitude level.
    friend std::ostream& operator<<(std::ostream& out, const step& of)
    {
      return out << rolewise::name(of.what) << ' ' << of.probability / 10 << '.'
                 << of.probability % 10 << '@' << of.magnitude;
    }
  };

  step first;
  step second;

  friend bool operator==(const sub_policy&, const sub_policy&) = default;
  /// Prints `Rotate 0.7@2, TranslateX 0.3@9`.
  friend std::ostream& operator<<(std::ostream& out, const sub_policy& of)
  {
    return out << of.first << ", " << of.second;
  }
};

/// Prints one sub-policy per line.
ROLEWISE_INLINE std::ostream& operator<<(std::ostream& out, const std::vector<sub_policy>& policy);

/// Returns the message for levels of a step that are out of range; empty if both are in their
/// ranges.
/// @param place index of the sub-policy in its list
[[nodiscard]] ROLEWISE_INLINE std::string objection_to_levels(const sub_policy::step& of,
                                                              std::size_t place);

/// The level of a step's magnitude, 0 .. 9, or of its probability, 0 .. 10, that is nearest to a
/// number in [0, 1]; numbers beyond are clamped.
/// @throws std::invalid_argument for NaN
[[nodiscard]] ROLEWISE_INLINE std::int64_t nearest_magnitude_level(double share);
[[nodiscard]] ROLEWISE_INLINE std::int64_t nearest_probability_level(double share);

/// Mapping of a magnitude level to a parameter; see `auto_augment_parameter`.
enum class auto_augment_scale : std::uint8_t {
  published,  ///< the code that AutoAugment's authors published for CIFAR-10
  even        ///< the ranges of the paper in ten even steps, higher is stronger
};

/// Maps a magnitude level to a parameter (`operation_parameters::value`), before a sign is drawn.
///
/// | operation       | `published`             | L = 0, 9  | `even`              | L = 0, 9   |
/// |-----------------|-------------------------|-----------|---------------------|------------|
/// | rotate          | 3 L degrees             | 0, 27     | 30 L / 9            | 0, 30      |
/// | shear_x, _y     | 0.03 L                  | 0, 0.27   | 0.3 L / 9           | 0, 0.3     |
/// | translate_x, _y | side L / 32             | 0, 9 / 32 | side 150 L / 2979   | 0, 14 / 32 |
/// | posterize       | 4 - trunc(0.4 L) bits   | 4, 1      | 8 - round(4 L / 9)  | 8, 4       |
/// | solarize        | 256 - trunc(25.6 L)     | 256, 26   | ceil(255 (1 - L/9)) | 255, 0     |
/// | enhancers       | 0.1 + 0.18 L            | 0.1, 1.72 | 1 + 0.1 L           | 1, 1.9     |
/// | cutout          | half the side: L pixels | 0, 9      | side 30 L / 2979    | 0, 2 / 32  |
///
/// Translations and boxes are whole pixels, rounded toward 0. Rotation, shear and translation have
/// a sign, drawn by a fair coin; with `even`, enhancers have one too: 1 - 0.1 L or 1 + 0.1 L.
///
/// Sources differ. The paper (table 6) states ranges, each with ten evenly spaced values: 30
/// degrees, 0.3, 150 pixels (of 331), 4 .. 8 bits, 0 .. 256, 0.1 .. 1.9, 60 pixels. The authors'
/// code for CIFAR-10 (tensorflow/models, research/autoaugment) divides by 10 instead of 9, keeps
/// 0 .. 4 bits and translates by L of 32 pixels: that is `published`, which Population Based
/// Augmentation adopted (`policy_parameter`); enhancers do nothing at level 5. In their later
/// code for ImageNet (tensorflow/tpu, efficientnet) posterize and solarize weaken as L grows. In
/// torchvision, and in DeepVoltaire/AutoAugment before it, every operation grows in strength from
/// none: that is `even`, with the same numbers as torchvision (whose solarize begins at 255, not
/// 256).
///
/// @throws std::invalid_argument for a level that is not in 0 .. 9
/// @par Departs
/// `published` translates by a share of the side, L pixels of 32, independent of the image size.
/// torchvision has no cutout; `even` uses the paper's range for it.
[[nodiscard]] ROLEWISE_INLINE double auto_augment_parameter(operation what, std::int64_t level,
                                                            std::int64_t height, std::int64_t width,
                                                            auto_augment_scale scale);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/policy/implementation/sub_policy.hpp>
#endif
