// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/straight_through.hpp>.

#include <rolewise/agent/straight_through.hpp>

#include <rolewise/agent/detail/in_places.hpp>
#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/policy/sub_policy.hpp>
#include <rolewise/support/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor straight_through(const torch::Tensor& value,
                                               const torch::Tensor& stands_in)
{
  if (!value.defined() || !stands_in.defined() || value.sizes() != stands_in.sizes())
    throw_invalid_argument("straight_through", "want a value and a stand-in of one shape");
  return value.detach() + (stands_in - stands_in.detach());
}

ROLEWISE_INLINE torch::Tensor with_unit_slope(const torch::Tensor& images,
                                              const torch::Tensor& magnitudes)
{
  if (!images.defined() || images.dim() < 1 || !images.is_floating_point() ||
      !magnitudes.defined() || magnitudes.dim() > 1 ||
      (magnitudes.dim() == 1 && magnitudes.size(0) != images.size(0)))
    throw_invalid_argument("with_unit_slope",
                           "want images [N, ...] of floating point and magnitudes [N] or []");
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(images.dim()), 1);
  if (magnitudes.dim() == 1) sizes[0] = images.size(0);
  return images + (magnitudes - magnitudes.detach()).view(sizes).to(images.scalar_type());
}

ROLEWISE_INLINE torch::Tensor straight_through_operation(const torch::Tensor& images,
                                                         operation what,
                                                         const torch::Tensor& magnitudes,
                                                         const torch::Tensor& upward,
                                                         const normalization& of)
{
  constexpr std::string_view who = "straight_through_operation";
  if (!images.defined() || images.dim() != 4 || !images.is_floating_point() ||
      (images.size(1) != 1 && images.size(1) != 3))
    throw_invalid_argument(who, "want images [N, C, H, W] of floating point, C = 1 or 3");
  const auto count = images.size(0);
  if (!magnitudes.defined() || magnitudes.dim() != 1 || magnitudes.size(0) != count ||
      !magnitudes.is_floating_point())
    throw_invalid_argument(who, "want magnitudes [", count, "] of floating point");
  if (upward.defined() &&
      (upward.dim() != 1 || upward.size(0) != count || upward.scalar_type() != torch::kBool))
    throw_invalid_argument(who, "want upward [", count, "] of bool");
  if (what == operation::cutout)
    throw_invalid_argument(who, "cutout has a place besides its magnitude; use the cutout agent");
  if (count == 0) return images;

  const auto strengths =
      magnitudes.detach().to(torch::kCPU, torch::kDouble).clamp(0.0, 1.0).contiguous();
  if (strengths.isnan().any().item<bool>())
    throw_invalid_argument(who, "want magnitudes that are numbers, got NaN");
  const auto up = upward.defined() ? upward.to(torch::kCPU).contiguous() : torch::Tensor{};
  auto bytes = detail::in_places(who, {.inputs = images, .labels = {}, .ids = {}});
  bytes.normalization = of;
  require_images(who, bytes);
  const auto view = detail::planned_view(
      [&](const image_subjects& subjects, image_program& program) {
        const auto steps = program.add_operations();
        for (std::size_t n = 0; n < subjects.size(); ++n) {
          const auto at = subjects.ids[n];
          const auto level = nearest_magnitude_level(strengths.const_data_ptr<double>()[at]);
          const auto value = auto_augment_parameter(what, level, subjects.height, subjects.width,
                                                    auto_augment_scale::even);
          const bool is_up = !up.defined() || up.const_data_ptr<bool>()[at];
          const auto turned = is_enhancer(what) ? 2.0 - value : has_sign(what) ? -value : value;
          steps[n] = {what, is_up ? value : turned};
        }
        program.add_fill();
      },
      bytes);
  const auto value = view.inputs.to(images.options().requires_grad(false)) / 255.0;
  const auto seen = straight_through(value, images);
  return has_magnitude(what) ? with_unit_slope(seen, magnitudes) : seen;
}

}  // namespace rolewise
