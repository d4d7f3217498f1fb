// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `NetworkBody` concept and `network`, a value type: copies are deep.
///
/// core, quant -> [network] -> teacher/student

#include <rolewise/core/batch.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/phase.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/network/detail/bit_width_changer.hpp>
#include <rolewise/network/detail/shown_layers.hpp>
#include <rolewise/network/layer_plan.hpp>
#include <rolewise/network/pass_precision.hpp>
#include <rolewise/quant/changing_scheme.hpp>
#include <rolewise/quant/layer_report.hpp>
#include <rolewise/support/error.hpp>

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

/// A body that reads the inputs of a batch itself, such as tokens and their mask.
template<typename B>
concept turn_a_batch_into_outputs =
    requires(B body, const batch examples, const phase when, const taps wanted) {
      { body.forward(examples, when, wanted) } -> std::same_as<outputs>;
    };

template<typename B>
concept turn_inputs_into_outputs =
    turn_a_batch_into_outputs<B> ||
    requires(B body, const torch::Tensor inputs, const phase when, const taps wanted) {
      { body.forward(inputs, when, wanted) } -> std::same_as<outputs>;
    };

template<typename B>
concept show_their_state = state_must::be_shown<B>;

template<typename B>
concept report_their_layers = requires(const B body) {
  { body.layers() } -> std::same_as<std::vector<layer_report>>;
  { body.name() } -> std::convertible_to<std::string>;
};

}  // namespace network_must

/// The `NetworkBody` concept: the composed layers of a network.
///
/// `forward` takes normalized inputs `[N, C, H, W]`, floating point, channels last; or a batch as
/// it is, and then reads its inputs itself. It returns those features that are wanted and no
/// others; a constant `offered_taps` says which there are, none without one. In
/// `phase::evaluation` it does not change the body. `visit_state` visits all tensors. A body that
/// has `sample_shape shape() const`, the shape of its inputs, has `network::tap_shapes`.
template<typename B>
concept NetworkBody = std::copyable<B> && network_must::turn_inputs_into_outputs<B> &&
                      network_must::show_their_state<B> && network_must::report_their_layers<B>;

namespace detail {

template<typename B>
inline constexpr bool has_changing_scheme = requires(const B body) {
  requires ChangingScheme<std::remove_cvref_t<decltype(body.scheme())>>;
};

}  // namespace detail

/// A network with value semantics: a copy clones every tensor, so it can be frozen, trained or
/// cast without affecting the original.
template<typename Body>
class network {
  static_assert(NetworkBody<Body>, "a network wants a body that satisfies NetworkBody");

 public:
  /// The features that the network offers.
  static constexpr taps offered_taps = rolewise::offered_taps<Body>();

  /// @throws std::invalid_argument if the body shows other layers in `visit_state` than it reports
  ///         in `layers()`
  explicit network(Body body) : body_{std::move(body)}
  {
    detail::shown_layers shown;
    body_.visit_state(shown);
    detail::require_same_layers(name(), shown, layers());
  }

  network(const network& other)
      : body_{other.body_},
        epoch_{other.epoch_},
        passes_{other.passes_},
        shows_all_{other.shows_all_}
  {
    detach_from_original();
  }
  network& operator=(const network& other)
  {
    if (this != &other) {
      body_ = other.body_;
      epoch_ = other.epoch_;
      passes_ = other.passes_;
      shows_all_ = other.shows_all_;
      detach_from_original();
    }
    return *this;
  }
  network(network&&) noexcept = default;
  network& operator=(network&&) noexcept = default;
  ~network() = default;

  /// Training forward pass: updates running statistics and observed ranges.
  /// @throws std::invalid_argument if a wanted tap is not offered, or if the first pass reads a
  ///         leaf that requires a gradient and that `visit_state` does not show; not looked for
  ///         where the inputs have a graph of their own
  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {})
  {
    require_offered(wanted);
    auto found = body_.forward(inputs_of(examples), phase::training, wanted);
    if (!shows_all_) require_all_shown(examples, found.logits);
    return found;
  }

  /// Evaluation forward pass: changes nothing in the network.
  /// @throws std::invalid_argument if a wanted tap is not offered
  [[nodiscard]] outputs predict(const batch& examples, taps wanted = {}) const
  {
    require_offered(wanted);
    return mutable_body().forward(inputs_of(examples), phase::evaluation, wanted);
  }

  /// The shapes of wanted features of one example, without N, such as `[D, H, W]`: those of inputs
  /// of the network's own shape. Known before training: one evaluation of zeros, which leaves no
  /// trace in the network.
  /// @throws std::invalid_argument if a wanted tap is not offered, or the body has no `shape()`
  [[nodiscard]] feature_shapes tap_shapes(taps wanted) const
  {
    require_offered(wanted);
    if constexpr (requires(const Body body) {
                    { body.shape() } -> std::convertible_to<sample_shape>;
                  })
      return shapes_for(body_.shape(), wanted);
    else
      throw_invalid_argument(name(),
                             "want the shapes of features, but the body does not tell the "
                             "shape of its inputs: give it sample_shape shape() const");
  }

  /// Forward pass that updates only running statistics: each batch norm normalizes by the batch,
  /// and its running statistics become those of all batches since `restart_statistics`.
  void gather_statistics(const batch& examples)
  {
    const torch::NoGradGuard without_graph;
    (void)body_.forward(inputs_of(examples), phase::statistics, {});
  }
  /// Calibration: an evaluation forward pass in which the quantizer ranges of weights and
  /// activations are observed as in training. Ranges without a value are initialized, observed
  /// ones are updated; nothing else changes.
  void calibrate(const batch& examples)
  {
    const torch::NoGradGuard without_graph;
    (void)body_.forward(inputs_of(examples), phase::calibration, {});
  }
  /// Restarts `gather_statistics`: its next batch is the first one.
  void restart_statistics()
  {
    for_each_part(body_, [](const std::string&, auto& part) {
      if constexpr (requires { part.restart_statistics(); }) part.restart_statistics();
    });
  }

  /// The learned tensors with their full names, including quantizer ranges; they share memory
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

  /// Size of the learned parameters in bytes: each layer's weights at their bit width, the rest
  /// at 32 bits; running statistics are not counted.
  [[nodiscard]] double bytes() const
  {
    double bits = 32.0 * static_cast<double>(parameter_count());
    for (const auto& layer : layers())
      bits += static_cast<double>(layer.weights) * (layer.widths.weights.value() - 32);
    return bits / 8.0;
  }

  /// Sets every layer's bit widths from another scheme; `layers()` and `bytes()` then report the
  /// new widths. Weights are unchanged. Calls `change_bits(from, to)` of the quantizer states
  /// that have it, so that they keep what remains valid of their ranges; they change their
  /// tensors in place.
  ///
  /// Widths set this way are not part of the state: set them before loading a checkpoint. A
  /// scheme that changes with epochs is applied as in epoch 0.
  ///
  /// @return names of the learned ranges (`tensor_kind::range`) of the layers with new widths,
  ///         for which optimizer state has the old scale
  /// @throws std::invalid_argument if the scheme names layers that do not exist, or sets fewer
  ///         than 32 bits for a quantizer that changes nothing; the widths are then unchanged
  template<BitWidthScheme Scheme>
  std::vector<std::string> set_bits(const Scheme& scheme)
  {
    return change_bits(scheme, true);
  }

  /// The same with the scheme of an epoch, for a network made with a changing scheme. Training
  /// steps call it; the epoch is part of the state.
  std::vector<std::string> begin_epoch(std::int64_t epoch)
    requires detail::has_changing_scheme<Body>
  {
    if (epoch == epoch_) return {};
    auto changed = change_bits(body_.scheme().at(epoch), true);
    epoch_ = epoch;
    return changed;
  }

  /// Moves every tensor to a device.
  void to(torch::Device device)
  {
    replace_tensors([&](const torch::Tensor& t) { return t.to(device); });
  }

  /// Sets the floating-point dtype of computation. With a 16-bit one (bfloat16, half),
  /// convolutions compute in it; batch norm, classifier and low-bit weights stay in single
  /// precision, and so do logits and features.
  void cast(torch::ScalarType type)
    requires requires(Body body) { body.cast(type); }
  {
    if (!c10::isFloatingType(type)) throw_invalid_argument("network", "cannot compute in ", type);
    body_.cast(type);
  }

  /// Sets the precision of the convolutions (`network_options::precision` sets the initial one).
  /// It is not part of the state: tensors and checkpoints keep their dtype.
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
      // The tensors just read already have these widths.
      if (epoch_ != before) change_bits(body_.scheme().at(epoch_), false);
    }
  }

  /// Visits the settings of the body, and what was changed later: widths by `set_bits`, dtype
  /// by `cast`, precision by `set_precision`.
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
  std::vector<std::string> change_bits(const Scheme& scheme, bool tell_states)
  {
    std::vector<layer_id> places;
    std::vector<planned_layer> wanted;
    for (auto& layer : layers()) {
      wanted.push_back({layer.place, widths_under(scheme, layer.place)});
      places.push_back(std::move(layer.place));
    }
    check_scheme(scheme, places);
    detail::bit_width_changer changer{wanted, tell_states};
    body_.visit_state(changer);
    std::vector<std::string> ranges;
    for_each_tensor(body_, [&](std::string name, torch::Tensor&, tensor_kind kind) {
      if (kind == tensor_kind::range && changer.has_changed(name))
        ranges.push_back(std::move(name));
    });
    return ranges;
  }

  [[nodiscard]] Body& mutable_body() const { return const_cast<Body&>(body_); }

  void require_offered(const taps& wanted) const
  {
    if (!offered_taps.contains(wanted))
      throw_invalid_argument(name(), "want the features ", to_text(wanted.without(offered_taps)),
                             ", the network offers ", to_text(offered_taps));
  }

  /// Inputs with a graph of their own hide what the network itself reads.
  void require_all_shown(const batch& examples, const torch::Tensor& logits)
  {
    if (!logits.requires_grad() || examples.inputs.requires_grad()) return;
    detail::require_shown(name(), logits, tensors_of([](tensor_kind) { return true; }));
    shows_all_ = true;
  }

  [[nodiscard]] feature_shapes shapes_for(const sample_shape& shape, taps wanted) const
  {
    const torch::NoGradGuard without_graph;
    auto sizes = shape.sizes();
    sizes.insert(sizes.begin(), 1);
    const auto type = shape.kind == sample_kind::tokens ? torch::kLong : torch::kFloat;
    const auto example = detail::on_device_of(
        *this, {at::zeros(sizes, type), at::zeros(1, torch::kLong), at::arange(1), {}});
    auto body = body_;  // shares the tensors; takes what the layers note about their last pass
    feature_shapes shapes;
    for (const auto& [id, value] :
         body.forward(inputs_of(example), phase::evaluation, wanted).features)
      shapes.set(id, value.sizes().slice(1).vec());
    return shapes;
  }

  /// What the body reads: the batch, or the normalized inputs, in its `input_type()` if it has one,
  /// otherwise in fp32.
  [[nodiscard]] decltype(auto) inputs_of(const batch& examples) const
  {
    if constexpr (network_must::turn_a_batch_into_outputs<Body>)
      return (examples);
    else if constexpr (requires { body_.input_type(); })
      return normalized_inputs(examples, body_.input_type());
    else
      return normalized_inputs(examples);
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

  /// Replaces each tensor by `make(tensor)`; a tensor with two names stays shared.
  template<typename Make>
  void replace_tensors(const Make& make)
  {
    // Weak references: the address of a freed tensor is not reused, but its data is freed.
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
  std::int64_t epoch_ = 0;                 ///< epoch of the current widths, with a changing scheme
  std::optional<pass_precisions> passes_;  ///< if `set_precision` was called
  bool shows_all_ = false;                 ///< whether a training forward pass was checked
};

}  // namespace rolewise
