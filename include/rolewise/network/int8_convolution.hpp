// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `int8_convolution`: a convolution from uint8 to uint8.

#include <rolewise/network/byte_grid.hpp>
#include <rolewise/network/detail/byte_output_probe.hpp>
#include <rolewise/network/detail/folded.hpp>
#include <rolewise/network/detail/kept.hpp>
#include <rolewise/network/detail/last_arithmetic.hpp>
#include <rolewise/network/detail/last_positions.hpp>
#include <rolewise/network/network.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

namespace rolewise {

namespace detail {

/// Quantizes weights to symmetric int8 codes and a scale `[O]` per output channel, whose largest
/// magnitude gets the code 127.
[[nodiscard]] ROLEWISE_INLINE std::pair<torch::Tensor, torch::Tensor> signed_bytes(
    const torch::Tensor& w);

[[nodiscard]] ROLEWISE_INLINE layer_arithmetic arithmetic_for_bytes(const torch::Tensor& x,
                                                                    std::int64_t length,
                                                                    std::int64_t groups);

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
  [[nodiscard]] layer_report report() const;

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
  detail::last_positions positions_;
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

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/int8_convolution.hpp>
#endif
