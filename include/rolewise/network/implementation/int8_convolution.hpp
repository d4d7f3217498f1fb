// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/int8_convolution.hpp>.

#include <rolewise/network/int8_convolution.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE std::pair<torch::Tensor, torch::Tensor> signed_bytes(const torch::Tensor& w)
{
  const auto rows = w.flatten(1);
  const auto each = rows.abs().amax(1) / 127;
  const auto scale = each.masked_fill(each.eq(0), 1);
  auto codes = (rows / scale.unsqueeze(1)).round_().clamp_(-127, 127).view(w.sizes());
  return {codes.to(torch::kChar), scale};
}

ROLEWISE_INLINE layer_arithmetic arithmetic_for_bytes(const torch::Tensor& x, std::int64_t length,
                                                      std::int64_t groups)
{
  if (!x.device().is_cpu()) return layer_arithmetic::other_device;
  if (length * 255 * 127 > INT32_MAX) return layer_arithmetic::sums_too_long;
  if (without_integers::active()) return layer_arithmetic::switched_off;
  const auto is_able = [&](const integer_support& support) {
    return support.available && (groups == 1 || support.problem_of_groups.empty());
  };
  return is_able(integer_forward_support()) && is_able(byte_output_support())
             ? layer_arithmetic::integer
             : layer_arithmetic::no_operators;
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE layer_report int8_convolution::report() const
{
  return {.place = {name_, kind_},
          .widths = {bit_width{8}, bit_width{8}},
          .weights = codes_.numel(),
          .positions = positions_.get(),
          .arithmetic = arithmetic_.get()};
}

ROLEWISE_INLINE byte_map int8_convolution::operator()(const byte_map& x, bool rectify,
                                                      byte_map* added)
{
  const auto over = detail::geometry_of(shape_, x.codes);
  const auto arithmetic = detail::arithmetic_for_bytes(x.codes, shape_.fan_in(), shape_.groups);
  arithmetic_.set(arithmetic);
  auto y = arithmetic == layer_arithmetic::integer ? by_integers(x, rectify, added, over)
                                                   : by_floats(x, rectify, added, over);
  positions_.set(y.size(2) * y.size(3));
  return {std::move(y), out_};
}

ROLEWISE_INLINE std::shared_ptr<const int8_convolution::prepared> int8_convolution::prepare(
    const torch::Tensor& x, const detail::convolution_geometry& over)
{
  detail::version_archive archive;
  archive.parameter("weight", codes_);
  archive.parameter("scale", scale_);
  auto versions = archive.versions();
  if (auto before = kept_.get(); before && !versions.empty() && before->of == versions)
    return before;
  const auto& packs = detail::integer_operators::found();
  auto packed =
      over.is_even()
          ? packs.pack_convolution(codes_, over.stride, over.rows.before, over.groups, x.sizes())
          : packs.pack_convolution(codes_, over.stride, 0, over.groups,
                                   detail::sizes_with_margins(x.sizes(), over));
  auto made = std::make_shared<const prepared>(
      prepared{std::move(packed), scale_ * in_.scale, std::move(versions)});
  kept_.set(made);
  return made;
}

ROLEWISE_INLINE torch::Tensor int8_convolution::by_integers(
    const byte_map& x, bool rectify, byte_map* added, const detail::convolution_geometry& over)
{
  const auto ready = prepare(x.codes, over);
  const auto [codes, padding] = detail::padded(x.codes, over, x.grid.zero);
  detail::byte_output to{.bias = bias_, .rectify = rectify, .scale = out_.scale, .zero = out_.zero};
  if (added) {
    to.accumulator = added->codes;
    to.accumulator_scale = added->grid.scale;
    to.accumulator_zero = added->grid.zero;
  }
  return detail::integer_operators::found().convolution(
      {codes, x.grid.zero, ready->packed, ready->scale}, over.stride, padding, over.groups, to);
}

ROLEWISE_INLINE torch::Tensor int8_convolution::by_floats(
    const byte_map& x, bool rectify, const byte_map* added,
    const detail::convolution_geometry& over) const
{
  const auto [levels, padding] = detail::padded(x.codes.to(torch::kFloat).sub_(x.grid.zero), over);
  auto y = at::conv2d(levels, codes_.to(torch::kFloat), {}, over.stride, padding, 1, over.groups)
               .mul_((scale_ * in_.scale).view({1, -1, 1, 1}))
               .add_(bias_.view({1, -1, 1, 1}));
  if (added) y.add_(added->values());
  if (rectify) y.relu_();
  return byte_map::of(y, out_).codes;
}

}  // namespace rolewise
