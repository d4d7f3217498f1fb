// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// First and last layer of an 8-bit network: `int8_stem`, `int8_classifier`.

#include <rolewise/network/int8_convolution.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace rolewise {

namespace detail {

ROLEWISE_INLINE void require_predicting(std::string_view who, phase when);

[[noreturn]] inline void refuse_no_inputs(std::string_view who)
{
  throw_invalid_argument(who, "want batches to see the ranges of its maps on, got none");
}

}  // namespace detail

/// The first convolution, from floating point to uint8; computed in 8 bits or in full precision.
class int8_stem {
 public:
  /// @param in the quantization grid of the input; none for full precision
  int8_stem(const detail::folded_convolution& trained, const std::optional<byte_grid>& in,
            const byte_grid& out, bool rectify)
      : in_{in}, out_{out}, rectify_{rectify}
  {
    if (in)
      bytes_.emplace(trained, *in, out);
    else
      full_ = trained;
  }

  [[nodiscard]] byte_map operator()(const torch::Tensor& x);

  [[nodiscard]] std::string name() const { return report().place.name; }
  [[nodiscard]] layer_report report() const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    if (bytes_) {
      bytes_->visit_state(archive);
      archive.part("input", *in_);
    } else {
      archive.parameter("weight", full_->weight);
      archive.parameter("bias", full_->bias);
      archive.part("out", out_);
    }
  }

 private:
  std::optional<int8_convolution> bytes_;
  std::optional<detail::folded_convolution> full_;
  std::optional<byte_grid> in_;
  byte_grid out_;
  bool rectify_;
  detail::last_positions positions_;  ///< in full precision
};

/// The classifier, with weights and input in 8 bits or in full precision, and logits in full
/// precision. It has few sums, so they are computed in floating point.
class int8_classifier {
 public:
  /// @param in the quantization grid of the input; none for full precision
  int8_classifier(std::string name, const torch::Tensor& weight, const torch::Tensor& bias,
                  const std::optional<byte_grid>& in)
      : name_{std::move(name)},
        weight_{weight.detach().to(torch::kFloat).clone()},
        bias_{bias.detach().to(torch::kFloat).clone()},
        in_{in}
  {
    if (in_) std::tie(weight_, scale_) = detail::signed_bytes(weight_);
  }

  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x) const;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] layer_report report() const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", weight_);
    archive.parameter("bias", bias_);
    if (!in_) return;
    archive.parameter("scale", scale_);
    archive.part("input", *in_);
  }

 private:
  std::string name_;
  torch::Tensor weight_, scale_, bias_;
  std::optional<byte_grid> in_;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/int8_layers.hpp>
#endif
