// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The basic residual block: two convolutions and a shortcut.

#include <rolewise/network/layered.hpp>
#include <rolewise/network/network_options.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// Basic block: relu(BN(conv(relu(BN(conv(x))))) + shortcut(x)). The shortcut is x, or BN of a
/// 1x1 convolution with the block's stride where shapes differ ("type B").
///
/// With a quantizer, the block's input is quantized once and feeds the first convolution and the
/// shortcut, the identity too (as in Role-KD's released code). If the scheme gives a projection
/// another activation width, its input is quantized separately.
template<Quantizer Q>
class residual_block : public layered<residual_block<Q>> {
 public:
  [[nodiscard]] static bool projects(const convolution_shape& first)
  {
    return first.stride != 1 || first.in != first.out;
  }

  /// Names and kinds of the layers, in the order of the forward pass.
  static void list(const std::string& name, const convolution_shape& first,
                   std::vector<std::pair<std::string, layer_kind>>& layers)
  {
    layers.emplace_back(name + ".convolution1", layer_kind::convolution);
    layers.emplace_back(name + ".convolution2", layer_kind::convolution);
    if (projects(first)) layers.emplace_back(name + ".shortcut", layer_kind::shortcut);
  }

  residual_block(const Q& q, const layer_plan& plan, const std::string& name,
                 const convolution_shape& first, batch_norm_options normalization,
                 const weight_init& start)
      : input_{q, plan.at(name + ".convolution1")},
        convolution1_{q, plan.at(name + ".convolution1"), first, start},
        batch_norm1_{first.out, normalization},
        inner_{q, plan.at(name + ".convolution2")},
        convolution2_{q,
                      plan.at(name + ".convolution2"),
                      {.in = first.out, .out = first.out, .padding = first.padding},
                      start},
        batch_norm2_{first.out, normalization}
  {
    if (!projects(first)) return;
    auto shape = first;
    shape.kernel = 1;
    const auto& planned = plan.at(name + ".shortcut");
    shortcut_.emplace(
        projection{{q, planned}, {q, planned, shape, start}, batch_norm{first.out, normalization}});
  }

  /// @param x `[N, I, H, W]`, a pre-activation sum if `fuses_relu<Q>()`, else rectified;
  ///        unchanged
  /// @param kept null, or receives the sum before the last ReLU
  /// @return `[N, O, H', W']`, likewise
  [[nodiscard]] detail::deferred_batch_norm operator()(detail::deferred_batch_norm x, phase when,
                                                       torch::Tensor* kept = nullptr)
  {
    if (shortcut_ && shortcut_->input.bits() != input_.bits()) (void)x.tensor();
    const auto in = input_.of_handed_on(x, when);
    auto y = convolution1_.normalized(in, batch_norm1_, when);
    y = convolution2_.normalized(inner_.rectify(std::move(y), when), batch_norm2_, when);
    auto sum = shortcut_ ? std::move(y).plus(projected(x, in, when)) : std::move(y).plus(in);
    return detail::handed_on<Q>(std::move(sum), kept);
  }

  /// The block for inference only: batch norm folded into the convolutions.
  [[nodiscard]] detail::folded_block<detail::folded_convolution> folded() const
    requires(changes_nothing<Q>())
  {
    const auto fold = [](const convolution<Q>& c, const batch_norm& norm) {
      return c.folded(norm.factor(), norm.shift());
    };
    detail::folded_block<detail::folded_convolution> result{
        fold(convolution1_, batch_norm1_), fold(convolution2_, batch_norm2_), std::nullopt};
    if (shortcut_) result.aside = fold(shortcut_->convolution, shortcut_->norm);
    return result;
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("input", self.input_);
    f("convolution1", self.convolution1_, "batch_norm1", self.batch_norm1_);
    f("inner", self.inner_);
    f("convolution2", self.convolution2_, "batch_norm2", self.batch_norm2_);
    if (!self.shortcut_) return;
    auto& [input, convolution, norm] = *self.shortcut_;
    f("shortcut_input", input);
    f("shortcut", convolution, "shortcut_batch_norm", norm);
  }

 private:
  struct projection {
    activation<Q> input;
    rolewise::convolution<Q> convolution;
    batch_norm norm;
  };

  [[nodiscard]] torch::Tensor projected(detail::deferred_batch_norm& x, const carried<Q>& in,
                                        phase when)
  {
    auto& [input, convolution, norm] = *shortcut_;
    if (input.bits() == input_.bits()) return convolution.normalized(in, norm, when).taken();
    return convolution.normalized(input.of_handed_on(x, when), norm, when).taken();
  }

  activation<Q> input_;
  convolution<Q> convolution1_;
  batch_norm batch_norm1_;
  activation<Q> inner_;
  convolution<Q> convolution2_;
  batch_norm batch_norm2_;
  std::optional<projection> shortcut_;
};

}  // namespace rolewise
