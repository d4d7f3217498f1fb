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
#include <rolewise/network/detail/width_changer.hpp>
#include <rolewise/network/layer_plan.hpp>
#include <rolewise/network/pass_precision.hpp>
#include <rolewise/quant/changing_scheme.hpp>
#include <rolewise/quant/layer_report.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rolewise {

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

namespace detail {

template<typename B>
inline constexpr bool has_changing_scheme = requires(const B body) {
  requires ChangingScheme<std::remove_cvref_t<decltype(body.scheme())>>;
};

}  // namespace detail

/// A network that is a value: copying it copies every tensor, so a copy can be frozen, trained or
/// cast and the original does not notice.
template<typename Body>
class network {
  static_assert(NetworkBody<Body>, "a network wants a body that satisfies NetworkBody");

 public:
  explicit network(Body body) : body_{std::move(body)} {}

  network(const network& other) : body_{other.body_}, epoch_{other.epoch_}, passes_{other.passes_}
  {
    detach_from_original();
  }
  network& operator=(const network& other)
  {
    if (this != &other) {
      body_ = other.body_;
      epoch_ = other.epoch_;
      passes_ = other.passes_;
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

  /// A forward pass that changes running statistics alone: each batch norm normalises by the batch,
  /// and its running statistics become those of all batches since `restart_statistics`.
  void gather_statistics(const batch& examples)
  {
    const torch::NoGradGuard without_graph;
    (void)body_.forward(inputs_of(examples), phase::statistics, {});
  }
  /// A forward pass of evaluation that ranges of quantizers, of weights and of activations, see as
  /// in training: those that have not begun begin, observed ones move on, nothing else changes.
  void calibrate(const batch& examples)
  {
    const torch::NoGradGuard without_graph;
    (void)body_.forward(inputs_of(examples), phase::calibration, {});
  }
  /// The next batch for `gather_statistics` is the first one.
  void restart_statistics()
  {
    for_each_part(body_, [](const std::string&, auto& part) {
      if constexpr (requires { part.restart_statistics(); }) part.restart_statistics();
    });
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

  /// Gives every layer the widths of another scheme; `layers()` and `bytes()` speak of them from
  /// then on. Weights stay. A state of a quantizer with `change_width(from, to)` is told, so that
  /// it can keep what of its range is worth keeping; it changes its tensors in place.
  ///
  /// Widths set in this way are no state: a network that is to read a checkpoint gets its widths
  /// first. A scheme that changes with epochs is set as it is in epoch 0.
  ///
  /// @return names of the learned ranges (`tensor_kind::range`) of the layers whose widths are new:
  ///         what an optimiser remembers of them is of another scale now
  /// @throws std::invalid_argument if the scheme knows layers that are not here, or wants few bits
  ///         of a quantizer that changes nothing; the widths are as they were then
  template<BitWidthScheme Scheme>
  std::vector<std::string> set_widths(const Scheme& scheme)
  {
    return change_widths(scheme, true);
  }

  /// The same with the scheme of an epoch, of a network that was made with a scheme that changes.
  /// Training steps call it; the epoch is part of the state.
  std::vector<std::string> begin_epoch(std::int64_t epoch)
    requires detail::has_changing_scheme<Body>
  {
    if (epoch == epoch_) return {};
    auto changed = change_widths(body_.scheme().at(epoch), true);
    epoch_ = epoch;
    return changed;
  }

  /// Moves every tensor to a device.
  void to(torch::Device device)
  {
    replace_tensors([&](const torch::Tensor& t) { return t.to(device); });
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

  /// Makes the convolutions compute in another precision (`network_options::precision` does from
  /// the start). It is no state: values keep their type, and so do their files.
  void set_precision(const pass_precisions& passes)
    requires requires(Body body) { body.set_precision(passes); }
  {
    body_.set_precision(passes);
    passes_ = passes;
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    body_.visit_state(archive);
    if constexpr (changes) {
      const auto before = epoch_;
      archive.value("epoch_of_widths", epoch_);
      // What was read belongs to those widths already.
      if (epoch_ != before) change_widths(body_.scheme().at(epoch_), false);
    }
  }

  /// What its body was made by, and what was changed of that later: widths by `set_widths`, the
  /// type by `cast`, the precision by `set_precision`.
  template<typename Archive>
  void visit_settings(Archive& archive) const
    requires requires(const Body body) { body.visit_settings(archive); }
  {
    body_.visit_settings(archive);
    if constexpr (!changes && requires { body_.scheme(); })
      for (const auto& layer : layers())
        if (layer.widths != widths_under(body_.scheme(), layer.place)) {
          archive.show("weight_bits." + layer.place.name, layer.widths.weights);
          archive.show("activation_bits." + layer.place.name, layer.widths.activations);
        }
    if constexpr (requires { body_.input_type(); }) archive.show("compute", body_.input_type());
    archive.show("passes", passes_);
  }

  [[nodiscard]] Body& body() noexcept { return body_; }
  [[nodiscard]] const Body& body() const noexcept { return body_; }

 private:
  static constexpr bool changes = detail::has_changing_scheme<Body>;

  template<BitWidthScheme Scheme>
  std::vector<std::string> change_widths(const Scheme& scheme, bool tell_states)
  {
    std::vector<layer_place> places;
    std::vector<planned_layer> wanted;
    for (auto& layer : layers()) {
      wanted.push_back({layer.place, widths_under(scheme, layer.place)});
      places.push_back(std::move(layer.place));
    }
    check_scheme(scheme, places);
    detail::width_changer changer{wanted, tell_states};
    body_.visit_state(changer);
    std::vector<std::string> ranges;
    for_each_tensor(body_, [&](std::string name, torch::Tensor&, tensor_kind kind) {
      if (kind == tensor_kind::range && changer.has_changed(name))
        ranges.push_back(std::move(name));
    });
    return ranges;
  }

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
    replace_tensors([](const torch::Tensor& t) { return t.clone(); });
  }

  /// Puts `make(tensor)` in the place of each tensor; what was one under two names stays one.
  template<typename Make>
  void replace_tensors(const Make& make)
  {
    // Weak references: no other tensor gets the place of one that has gone, and its numbers go.
    using reference = c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>;
    std::unordered_map<const c10::TensorImpl*, std::pair<reference, torch::Tensor>> made;
    for_each_tensor(body_, [&](const std::string&, torch::Tensor& t, tensor_kind) {
      if (!t.defined()) return;
      if (const auto known = made.find(t.unsafeGetTensorImpl()); known != made.end()) {
        t = known->second.second;
        return;
      }
      const auto* const before = t.unsafeGetTensorImpl();
      const reference of_before{t.getIntrusivePtr()};
      t = make(t.detach()).set_requires_grad(t.requires_grad());
      made.emplace(before, std::pair{of_before, t});
      made.emplace(t.unsafeGetTensorImpl(), std::pair{reference{t.getIntrusivePtr()}, t});
    });
  }

  Body body_;
  std::int64_t epoch_ = 0;                 ///< whose widths the layers have, if the scheme changes
  std::optional<pass_precisions> passes_;  ///< if they were set
};

}  // namespace rolewise
