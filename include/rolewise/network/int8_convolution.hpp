// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `int8_convolution`: a convolution from uint8 to uint8.

#include <rolewise/network/byte_grid.hpp>
#include <rolewise/network/detail/byte_output_probe.hpp>
#include <rolewise/network/detail/folded.hpp>
#include <rolewise/network/detail/kept.hpp>
#include <rolewise/network/detail/last_arithmetic.hpp>
#include <rolewise/network/network.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

namespace rolewise {

namespace detail {

/// Quantizes weights to symmetric int8 codes and a scale `[O]` per output channel, whose largest
/// magnitude gets the code 127.
[[nodiscard]] inline std::pair<torch::Tensor, torch::Tensor> signed_bytes(const torch::Tensor& w)
{
  const auto rows = w.flatten(1);
  const auto each = rows.abs().amax(1) / 127;
  const auto scale = each.masked_fill(each.eq(0), 1);
  auto codes = (rows / scale.unsqueeze(1)).round_().clamp_(-127, 127).view(w.sizes());
  return {codes.to(torch::kChar), scale};
}

[[nodiscard]] inline layer_arithmetic arithmetic_for_bytes(const torch::Tensor& x,
                                                           std::int64_t length)
{
  if (!x.device().is_cpu()) return layer_arithmetic::other_device;
  if (length * 255 * 127 > INT32_MAX) return layer_arithmetic::sums_too_long;
  if (without_integers::active()) return layer_arithmetic::switched_off;
  return byte_output_support().available ? layer_arithmetic::integer
                                         : layer_arithmetic::no_operators;
}

}  // namespace detail

/// Convolution with bias from uint8 to uint8, with batch norm folded in and an optional residual
/// addition and ReLU.
///
/// Weights have 255 symmetric levels with a scale per output channel, in which the largest code
/// magnitude is 127. On the CPU, one of LibTorch's oneDNN operators computes all of it (see
/// `integer_forward_support`); elsewhere floating-point tensors do the same arithmetic, but sums
/// in another order may round to the neighboring code.
class int8_convolution {
 public:
  int8_convolution(const detail::folded_convolution& trained, const byte_grid& in,
                   const byte_grid& out);

  /// @param added null, or a residual map of the output's shape, which may be overwritten
  [[nodiscard]] byte_map operator()(const byte_map& x, bool rectify, byte_map* added);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] layer_report report() const
  {
    return {.place = {name_, kind_},
            .widths = {bit_width{8}, bit_width{8}},
            .weights = codes_.numel(),
            .arithmetic = arithmetic_.get()};
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    kept_.reset();  // the archive may write
    archive.parameter("weight", codes_);
    archive.parameter("scale", scale_);
    archive.parameter("bias", bias_);
    archive.part("in", in_);
    archive.part("out", out_);
  }

 private:
  struct prepared {
    torch::Tensor packed;
    torch::Tensor scale;  ///< of the integer sums
    detail::tensor_versions of;
  };

  [[nodiscard]] std::shared_ptr<const prepared> prepare(const torch::Tensor& x,
                                                        const detail::convolution_geometry& over);
  [[nodiscard]] torch::Tensor by_integers(const byte_map& x, bool rectify, byte_map* added,
                                          const detail::convolution_geometry& over);
  [[nodiscard]] torch::Tensor by_floats(const byte_map& x, bool rectify, const byte_map* added,
                                        const detail::convolution_geometry& over) const;

  std::string name_;
  torch::Tensor codes_, scale_, bias_;
  convolution_shape shape_;
  layer_kind kind_;
  byte_grid in_, out_;
  detail::kept<prepared> kept_;
  detail::last_arithmetic arithmetic_;
};

inline int8_convolution::int8_convolution(const detail::folded_convolution& trained,
                                          const byte_grid& in, const byte_grid& out)
    : name_{trained.name},
      bias_{trained.bias.detach().to(torch::kFloat).clone()},
      shape_{trained.shape},
      kind_{trained.kind},
      in_{in},
      out_{out}
{
  std::tie(codes_, scale_) = detail::signed_bytes(trained.weight.detach().to(torch::kFloat));
}

inline byte_map int8_convolution::operator()(const byte_map& x, bool rectify, byte_map* added)
{
  const auto over = detail::geometry_of(shape_, x.codes);
  const auto arithmetic =
      detail::arithmetic_for_bytes(x.codes, shape_.in * shape_.kernel * shape_.kernel);
  arithmetic_.set(arithmetic);
  return {arithmetic == layer_arithmetic::integer ? by_integers(x, rectify, added, over)
                                                  : by_floats(x, rectify, added, over),
          out_};
}

inline std::shared_ptr<const int8_convolution::prepared> int8_convolution::prepare(
    const torch::Tensor& x, const detail::convolution_geometry& over)
{
  detail::version_archive archive;
  archive.parameter("weight", codes_);
  archive.parameter("scale", scale_);
  auto versions = archive.versions();
  if (auto before = kept_.get(); before && !versions.empty() && before->of == versions)
    return before;
  const auto& packs = detail::integer_operators::found();
  auto packed = over.is_even()
                    ? packs.pack_convolution(codes_, over.stride, over.rows.before, x.sizes())
                    : packs.pack_convolution(codes_, over.stride, 0,
                                             detail::sizes_with_margins(x.sizes(), over));
  auto made = std::make_shared<const prepared>(
      prepared{std::move(packed), scale_ * in_.scale, std::move(versions)});
  kept_.set(made);
  return made;
}

inline torch::Tensor int8_convolution::by_integers(const byte_map& x, bool rectify, byte_map* added,
                                                   const detail::convolution_geometry& over)
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
      {codes, x.grid.zero, ready->packed, ready->scale}, over.stride, padding, to);
}

inline torch::Tensor int8_convolution::by_floats(const byte_map& x, bool rectify,
                                                 const byte_map* added,
                                                 const detail::convolution_geometry& over) const
{
  const auto [levels, padding] = detail::padded(x.codes.to(torch::kFloat).sub_(x.grid.zero), over);
  auto y = at::conv2d(levels, codes_.to(torch::kFloat), {}, over.stride, padding)
               .mul_((scale_ * in_.scale).view({1, -1, 1, 1}))
               .add_(bias_.view({1, -1, 1, 1}));
  if (added) y.add_(added->values());
  if (rectify) y.relu_();
  return byte_map::of(y, out_).codes;
}

}  // namespace rolewise
