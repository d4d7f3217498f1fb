// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The pre-activation residual block: batch norm and ReLU before each convolution.

#include <rolewise/network/layered.hpp>
#include <rolewise/network/network_options.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// Pre-activation block: a = relu(BN(x)); conv(relu(BN(conv(a)))) + shortcut. The shortcut is x
/// itself, or a 1x1 convolution of a without batch norm where the numbers of channels differ.
///
/// Only the second batch norm follows a convolution and can be folded.
///
/// With a quantizer, both rectified tensors are quantized; residual sums stay floating point. If
/// the scheme gives a projection another activation width, its input is quantized separately.
template<Quantizer Q>
class wide_residual_block : public layered<wide_residual_block<Q>> {
 public:
  [[nodiscard]] static bool projects(const convolution_shape& first)
  {
    return first.in != first.out;
  }

  /// Names and kinds of the layers, in the order of the forward pass.
  static void list(const std::string& name, const convolution_shape& first,
                   std::vector<std::pair<std::string, layer_kind>>& layers)
  {
    layers.emplace_back(name + ".convolution1", layer_kind::convolution);
    layers.emplace_back(name + ".convolution2", layer_kind::convolution);
    if (projects(first)) layers.emplace_back(name + ".shortcut", layer_kind::shortcut);
  }

  wide_residual_block(const Q& q, const layer_plan& plan, const std::string& name,
                      const convolution_shape& first, batch_norm_options normalization,
                      const weight_init& start)
      : batch_norm1_{first.in, normalization},
        input_{q, plan.at(name + ".convolution1")},
        convolution1_{q, plan.at(name + ".convolution1"), first, start},
        batch_norm2_{first.out, normalization},
        inner_{q, plan.at(name + ".convolution2")},
        convolution2_{
            q, plan.at(name + ".convolution2"), {.in = first.out, .out = first.out}, start}
  {
    if (!projects(first)) return;
    auto shape = first;
    shape.kernel = 1;
    const auto& planned = plan.at(name + ".shortcut");
    shortcut_.emplace(projection{{q, planned}, {q, planned, shape, start}});
  }

  /// @param x `[N, I, H, W]`, a residual sum without activation; unchanged
  /// @param kept null, or receives x after the block's first batch norm
  /// @return `[N, O, H', W']`, likewise a residual sum
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x, phase when,
                                         torch::Tensor* kept = nullptr)
  {
    auto a = batch_norm1_.pending(x, when);
    if (kept) *kept = a.tensor().clone();  // ReLU may overwrite a
    if (!shortcut_) return branch(input_.rectify(std::move(a), when), when).add_(x);
    auto& [input, convolution] = *shortcut_;
    if (input.bits() == input_.bits()) {
      const auto in = input_.rectify(std::move(a), when);
      return branch(in, when).add_(convolution(in, when));
    }
    const auto rectified = std::move(a).rectified();
    const auto aside = convolution(input.of_rectified(rectified, when), when);
    return branch(input_.of_rectified(rectified, when), when).add_(aside);
  }

  /// The block for inference only: the inner batch norm folded into the first convolution.
  [[nodiscard]] detail::folded_wide_block<detail::folded_convolution, detail::folded_normalization>
  folded(const std::string& name) const
    requires(changes_nothing<Q>())
  {
    const auto bare = [](const convolution<Q>& c) {
      const auto outputs = c.outputs();
      return c.folded(torch::ones(outputs, torch::kFloat), torch::zeros(outputs, torch::kFloat));
    };
    detail::folded_wide_block<detail::folded_convolution, detail::folded_normalization> result{
        {name + ".batch_norm1", batch_norm1_.factor(), batch_norm1_.shift()},
        convolution1_.folded(batch_norm2_.factor(), batch_norm2_.shift()),
        bare(convolution2_),
        std::nullopt};
    if (shortcut_) result.aside = bare(shortcut_->convolution);
    return result;
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("batch_norm1", self.batch_norm1_);
    f("input", self.input_);
    f("convolution1", self.convolution1_, "batch_norm2", self.batch_norm2_);
    f("inner", self.inner_);
    f("convolution2", self.convolution2_);
    if (!self.shortcut_) return;
    f("shortcut_input", self.shortcut_->input);
    f("shortcut", self.shortcut_->convolution);
  }

 private:
  struct projection {
    activation<Q> input;
    rolewise::convolution<Q> convolution;
  };

  [[nodiscard]] torch::Tensor branch(const carried<Q>& in, phase when)
  {
    auto a = convolution1_.normalized(in, batch_norm2_, when);
    return convolution2_(inner_.rectify(std::move(a), when), when);
  }

  batch_norm batch_norm1_;
  activation<Q> input_;
  convolution<Q> convolution1_;
  batch_norm batch_norm2_;
  activation<Q> inner_;
  convolution<Q> convolution2_;
  std::optional<projection> shortcut_;
};

}  // namespace rolewise
