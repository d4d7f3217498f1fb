// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Residual blocks: two or three convolutions and a shortcut.

#include <rolewise/network/detail/layer_factory.hpp>
#include <rolewise/network/layered.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace rolewise {

/// The convolutions of a residual block, and where its batch norms and ReLUs are: after them, or
/// before them.
enum class residual_form {
  post_activation,  ///< two of 3x3
  pre_activation,   ///< two of 3x3, after batch norm and ReLU
  bottleneck        ///< 1x1, 3x3, 1x1 with a quarter of the channels inside; post-activation
};

/// The channels of a bottleneck block's output for each one inside.
inline constexpr std::int64_t bottleneck_expansion = 4;

/// Residual block.
///
/// Post-activation: relu(BN(conv(relu(BN(conv(x))))) + shortcut(x)). The shortcut is x, or BN of a
/// 1x1 convolution with the block's stride where shapes differ ("type B"). With a quantizer, the
/// block's input is quantized once and feeds the first convolution and the shortcut, the identity
/// too (as in Role-KD's released code).
///
/// Bottleneck: the same with three convolutions, each with BN: 1x1 to a quarter of the output's
/// channels, 3x3 with the block's stride, 1x1 to the output's channels.
///
/// Pre-activation: a = relu(BN(x)); conv(relu(BN(conv(a)))) + shortcut. The shortcut is x itself,
/// or a 1x1 convolution of a without batch norm where the numbers of channels differ. Only the
/// second batch norm follows a convolution and can be folded. With a quantizer, both rectified
/// tensors are quantized; residual sums stay floating point.
///
/// If the scheme gives a projection another activation width, its input is quantized separately.
///
/// @par Source
/// He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385,
/// section 3.3, and for the bottleneck section 4.1.
/// @par Departs
/// The paper's bottleneck has its stride in the first convolution. In the 3x3 one, as in
/// torchvision, it leaves out no pixel.
template<Quantizer Q, residual_form Form = residual_form::post_activation>
class residual_block : public layered<residual_block<Q, Form>> {
 public:
  /// @param whole channels, stride and padding of the block, with a kernel of 3
  residual_block(const detail::layer_factory<Q>& make, const std::string& name,
                 const convolution_shape& whole)
      : input_{make.activation(name + ".convolution1")},
        convolution1_{make.convolution(name + ".convolution1", first_of(whole))},
        batch_norm1_{make.batch_norm(is_pre ? whole.in : first_of(whole).out)},
        inner_{make.activation(name + ".convolution2")},
        convolution2_{make.convolution(name + ".convolution2", second_of(whole))},
        batch_norm2_{make.batch_norm(second_of(whole).out)}
  {
    if constexpr (is_bottleneck) {
      const auto third = name + ".convolution3";
      expansion_.emplace(expansion{make.activation(third),
                                   make.convolution(third, {.in = second_of(whole).out,
                                                            .out = whole.out,
                                                            .kernel = 1,
                                                            .padding = whole.padding}),
                                   make.batch_norm(whole.out)});
    }
    if (whole.in == whole.out && (is_pre || whole.stride == 1)) return;
    auto shape = whole;
    shape.kernel = 1;
    const auto shortcut = name + ".shortcut";
    shortcut_.emplace(projection{make.activation(shortcut, layer_kind::shortcut),
                                 make.convolution(shortcut, shape, layer_kind::shortcut),
                                 {}});
    if (!is_pre) shortcut_->norm.emplace(make.batch_norm(whole.out));
  }

  /// @param x `[N, I, H, W]`, unchanged. Post-activation: a pre-activation sum if
  ///        `fuses_relu<Q>()`, else rectified. Pre-activation: a residual sum without activation
  /// @param kept null, or receives the sum before the last ReLU; x after the first batch norm
  /// @return `[N, O, H', W']`, likewise
  template<typename Map>
  [[nodiscard]] Map operator()(Map x, phase when, torch::Tensor* kept = nullptr)
  {
    if constexpr (is_pre)
      return pre_activation(x, when, kept);
    else
      return post_activation(std::move(x), when, kept);
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    if constexpr (is_pre) {
      f("batch_norm1", self.batch_norm1_);
      f("input", self.input_);
      f("convolution1", self.convolution1_, "batch_norm2", self.batch_norm2_);
      f("inner", self.inner_);
      f("convolution2", self.convolution2_);
    } else {
      f("input", self.input_);
      f("convolution1", self.convolution1_, "batch_norm1", self.batch_norm1_);
      f("inner", self.inner_);
      f("convolution2", self.convolution2_, "batch_norm2", self.batch_norm2_);
    }
    if constexpr (is_bottleneck) {
      auto& [inner, convolution, norm] = *self.expansion_;
      f("inner2", inner);
      f("convolution3", convolution, "batch_norm3", norm);
    }
    if (!self.shortcut_) return;
    auto& [input, convolution, norm] = *self.shortcut_;
    f("shortcut_input", input);
    if constexpr (is_pre)
      f("shortcut", convolution);
    else
      f("shortcut", convolution, "shortcut_batch_norm", *norm);
  }

 private:
  static constexpr bool is_pre = Form == residual_form::pre_activation;
  static constexpr bool is_bottleneck = Form == residual_form::bottleneck;

  [[nodiscard]] static convolution_shape first_of(const convolution_shape& whole)
  {
    if (!is_bottleneck) return whole;
    return {.in = whole.in,
            .out = whole.out / bottleneck_expansion,
            .kernel = 1,
            .padding = whole.padding};
  }
  [[nodiscard]] static convolution_shape second_of(const convolution_shape& whole)
  {
    const auto channels = first_of(whole).out;
    return {.in = channels,
            .out = channels,
            .stride = is_bottleneck ? whole.stride : 1,
            .padding = whole.padding};
  }

  /// The third convolution of a bottleneck.
  struct expansion {
    activation<Q> inner;
    rolewise::convolution<Q> convolution;
    batch_norm norm;
  };

  struct projection {
    activation<Q> input;
    rolewise::convolution<Q> convolution;
    std::optional<batch_norm> norm;  ///< with post-activation
  };

  [[nodiscard]] bool reads_input_quantized_apart() const
  {
    return shortcut_ && shortcut_->input.bits() != input_.bits();
  }

  template<typename Map>
  [[nodiscard]] Map post_activation(Map x, phase when, torch::Tensor* kept)
  {
    if (reads_input_quantized_apart()) (void)x.tensor();
    const auto in = input_.of_handed_on(x, when);
    auto y = convolution1_.normalized(in, batch_norm1_, when);
    y = convolution2_.normalized(inner_.rectify(std::move(y), when), batch_norm2_, when);
    if constexpr (is_bottleneck) {
      auto& [inner, convolution, norm] = *expansion_;
      y = convolution.normalized(inner.rectify(std::move(y), when), norm, when);
    }
    auto sum = shortcut_ ? std::move(y).plus(projected(x, in, when)) : std::move(y).plus(in);
    return detail::handed_on<Q>(std::move(sum), kept);
  }

  template<typename Map, typename Input>
  [[nodiscard]] auto projected(Map& x, const Input& in, phase when)
  {
    auto& [input, convolution, norm] = *shortcut_;
    if (!reads_input_quantized_apart()) return convolution.normalized(in, *norm, when).taken();
    return convolution.normalized(input.of_handed_on(x, when), *norm, when).taken();
  }

  template<typename Map>
  [[nodiscard]] Map pre_activation(const Map& x, phase when, torch::Tensor* kept)
  {
    auto a = batch_norm1_.pending(x, when);
    detail::keep_copy(a, kept);
    if (!shortcut_) return add_to(branch(input_.rectify(std::move(a), when), when), x);
    auto& [input, convolution, norm] = *shortcut_;
    if (!reads_input_quantized_apart()) {
      const auto in = input_.rectify(std::move(a), when);
      auto y = branch(in, when);
      return add_to(std::move(y), convolution(in, when));
    }
    const auto rectified = std::move(a).rectified();
    const auto aside = convolution(input.of_rectified(rectified, when), when);
    return add_to(branch(input_.of_rectified(rectified, when), when), aside);
  }

  template<typename Input>
  [[nodiscard]] auto branch(const Input& in, phase when)
  {
    auto a = convolution1_.normalized(in, batch_norm2_, when);
    return convolution2_(inner_.rectify(std::move(a), when), when);
  }

  activation<Q> input_;
  convolution<Q> convolution1_;
  batch_norm batch_norm1_;
  activation<Q> inner_;
  convolution<Q> convolution2_;
  batch_norm batch_norm2_;
  std::optional<expansion> expansion_;
  std::optional<projection> shortcut_;
};

}  // namespace rolewise
