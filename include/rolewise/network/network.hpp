// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Networks as values: a copy is deep.
///
/// core, quant -> [network] -> teacher/student

#include <rolewise/core/batch.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/core/phase.hpp>
#include <rolewise/core/response.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/network/backward_precision.hpp>
#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/layer_arithmetic.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// A layer with weights, for reports.
struct layer_report {
  layer_place place;
  layer_widths widths;
  std::int64_t weights = 0;  ///< number of weights that have `widths.weights` bits
  /// What the last forward pass multiplied, and if not integers, why.
  layer_arithmetic arithmetic = layer_arithmetic::not_run;
};

namespace network_must {

template<typename B>
concept turn_inputs_into_a_response =
    requires(B body, const torch::Tensor inputs, const phase when, const taps wanted) {
      { body.forward(inputs, when, wanted) } -> std::same_as<response>;
    };

template<typename B>
concept show_their_state = state_must::be_shown<B>;

template<typename B>
concept report_their_layers = requires(const B body) {
  { body.layers() } -> std::same_as<std::vector<layer_report>>;
  { body.name() } -> std::convertible_to<std::string>;
};

}  // namespace network_must

/// The layers of a network, put together.
///
/// `forward` takes normalised inputs `[N, C, H, W]`, floating point, channels last. In
/// `phase::evaluation` it changes nothing of the body. All tensors are shown by `visit_state`.
template<typename B>
concept NetworkBody = std::copyable<B> && network_must::turn_inputs_into_a_response<B> &&
                      network_must::show_their_state<B> && network_must::report_their_layers<B>;

/// A network that is a value: copying it copies every tensor, so a copy can be frozen, trained or
/// cast and the original does not notice.
template<typename Body>
class network {
  static_assert(NetworkBody<Body>, "a network wants a body that satisfies NetworkBody");

 public:
  explicit network(Body body) : body_{std::move(body)} {}

  network(const network& other) : body_{other.body_} { detach_from_original(); }
  network& operator=(const network& other)
  {
    if (this != &other) {
      body_ = other.body_;
      detach_from_original();
    }
    return *this;
  }
  network(network&&) noexcept = default;
  network& operator=(network&&) noexcept = default;
  ~network() = default;

  /// The forward pass of training: running statistics and observed ranges move on.
  [[nodiscard]] response respond(const batch& examples, taps wanted = {})
  {
    return body_.forward(inputs_of(examples), phase::training, wanted);
  }

  /// The forward pass of evaluation: nothing of the network changes.
  [[nodiscard]] response probe(const batch& examples, taps wanted = {}) const
  {
    return mutable_body().forward(inputs_of(examples), phase::evaluation, wanted);
  }

  /// The learned tensors under their full names, ranges of quantizers among them; they share memory
  /// with the network.
  [[nodiscard]] std::vector<named_tensor> parameters() const
  {
    return tensors_of([](tensor_kind kind) { return is_learned(kind); });
  }
  /// The tensors that are kept but not learned, such as running statistics.
  [[nodiscard]] std::vector<named_tensor> buffers() const
  {
    return tensors_of([](tensor_kind kind) { return !is_learned(kind); });
  }
  /// Number of learned values.
  [[nodiscard]] std::int64_t parameter_count() const
  {
    std::int64_t count = 0;
    for (const auto& p : parameters()) count += p.value.numel();
    return count;
  }

  [[nodiscard]] std::vector<layer_report> layers() const { return body_.layers(); }
  [[nodiscard]] std::string name() const { return body_.name(); }

  /// Bytes of what is learned, each layer's weights at their width and the rest at 32 bits;
  /// running statistics are not counted.
  [[nodiscard]] double bytes() const
  {
    double bits = 32.0 * static_cast<double>(parameter_count());
    for (const auto& layer : layers())
      bits += static_cast<double>(layer.weights) * (layer.widths.weights.value() - 32);
    return bits / 8.0;
  }

  /// Moves every tensor to a device.
  void to(torch::Device device)
  {
    for_each_tensor(body_, [&](const std::string&, torch::Tensor& t, tensor_kind) {
      if (t.defined()) t = t.detach().to(device).set_requires_grad(t.requires_grad());
    });
  }

  /// Makes the network compute in another floating type. In a 16-bit one (bfloat16, half) the
  /// convolutions compute; batch norm, classifier and weights of few bits stay in single precision,
  /// and so do logits and features.
  void cast(torch::ScalarType type)
    requires requires(Body body) { body.cast(type); }
  {
    if (!c10::isFloatingType(type)) refuse("network", "cannot compute in ", type);
    body_.cast(type);
  }

  /// Makes the quantised convolutions compute their gradients in another precision
  /// (`network_options::backward` does from the start). Layers in full precision don't change.
  void set_backward(backward_precision precision)
    requires requires(Body body) { body.set_backward(precision); }
  {
    body_.set_backward(precision);
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    body_.visit_state(archive);
  }

  [[nodiscard]] Body& body() noexcept { return body_; }
  [[nodiscard]] const Body& body() const noexcept { return body_; }

 private:
  [[nodiscard]] Body& mutable_body() const { return const_cast<Body&>(body_); }

  /// A body that computes in another type than fp32 says so by `input_type()`.
  [[nodiscard]] torch::Tensor inputs_of(const batch& examples) const
  {
    if constexpr (requires { body_.input_type(); })
      return normalised_inputs(examples, body_.input_type());
    else
      return normalised_inputs(examples);
  }

  [[nodiscard]] std::vector<named_tensor> tensors_of(bool (*wanted)(tensor_kind)) const
  {
    std::vector<named_tensor> found;
    for_each_tensor(mutable_body(), [&](std::string name, torch::Tensor& t, tensor_kind kind) {
      if (wanted(kind) && t.defined()) found.push_back({std::move(name), t, kind});
    });
    return found;
  }

  void detach_from_original()
  {
    for_each_tensor(body_, [](const std::string&, torch::Tensor& t, tensor_kind) {
      if (t.defined()) t = t.detach().clone().set_requires_grad(t.requires_grad());
    });
  }

  Body body_;
};

}  // namespace rolewise
