// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `write_integer_weights`: exports a low-bit network as integer codes and scales, for other
/// programs.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/network/quantized_weight.hpp>
#include <rolewise/quant/layer_report.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/safetensors.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

namespace detail {

/// A layer whose weights are exported as integers.
struct integer_layer {
  std::string name;  ///< its tensors have this prefix, such as `stage1.0.convolution1`
  std::string_view quantizer;
  layer_bits widths;
  bool is_folded = false;  ///< whether the weights hold the factor of the batch norm after them
};

/// Adds codes, scale and offset of a layer, and its description, to a file.
/// @throws std::invalid_argument that names the layer if its levels are not integers
/// @throws std::runtime_error that names the layer if its weights are not finite
ROLEWISE_INLINE void add_integer_layer(support::safetensors& file, const integer_layer& layer,
                                       const quantized& weight);

/// Archive that adds every tensor of a network to a file, weights of few bits as integers.
class integer_archive {
 public:
  explicit integer_archive(support::safetensors& file) : file_{file} {}

  void parameter(std::string_view name, torch::Tensor& t) { add(name, t); }
  void range(std::string_view name, torch::Tensor& t) { add(name, t); }
  void buffer(std::string_view name, torch::Tensor& t) { add(name, t); }
  template<PlainState T>
  void value(std::string_view, T&)
  {}
  template<typename Part>
  void part(std::string_view name, Part& inner)
  {
    const auto length = prefix_.size();
    prefix_.append(name).append(".");
    inner.visit_state(*this);
    prefix_.resize(length);
  }
  /// After the tensors of these weights.
  template<Quantizer Q>
  void weights(quantized_weight<Q>& of_layer)
  {
    if (of_layer.is_full()) return;
    of_layer.show_levels([&](const layer_id&, bit_width, const torch::Tensor&, const quantized& q) {
      const auto latent = prefix_ + "weight";
      std::erase_if(file_.tensors, [&](const auto& each) { return each.first == latent; });
      add_integer_layer(file_,
                        {.name = prefix_.substr(0, prefix_.size() - 1),
                         .quantizer = Q::name,
                         .widths = of_layer.report().widths,
                         .is_folded = of_layer.shows_folded()},
                        q);
    });
    has_integers_ = true;
  }

  [[nodiscard]] bool has_integers() const { return has_integers_; }

 private:
  void add(std::string_view name, const torch::Tensor& t)
  {
    if (t.defined()) file_.tensors.emplace_back(prefix_ + std::string{name}, t.detach());
  }

  support::safetensors& file_;
  std::string prefix_;
  bool has_integers_ = false;
};

}  // namespace detail

/// Writes a network as a safetensors file for other programs: the weights of layers with fewer than
/// 32 bits as the integer codes and scales that evaluation multiplies, every other tensor as it is.
///
///     write_integer_weights(training.student, "student.safetensors");
///
/// For such a layer `NAME` the file has
///
/// - `NAME.weight`, the codes, in the smallest of int8, uint8, int16, int32, int64 that holds all;
/// - `NAME.weight_scale`, floating point, 0-dimensional or one for each output channel;
/// - `NAME.weight_offset`, floating point, 0-dimensional, only where the quantizer has one;
/// - the metadata `layer.NAME`, JSON: `quantizer`, `bits`, `activation_bits`, `zero_point`,
///   `folded`.
///
/// The weights are `(NAME.weight - zero_point) * NAME.weight_scale + NAME.weight_offset`, computed
/// in the type of the scale, in this order, to the bit. Where `folded` is true they hold the factor
/// of the batch norm after the layer, of which only the shift is left to add. The full-precision
/// weights that are trained are left out; ranges of quantizers are among the other tensors.
///
/// The write is an atomic rename. The network does not change.
/// @param network with value semantics, such as `residual_network` or `wide_resnet`
/// @throws std::invalid_argument if no layer has fewer than 32 bits, or the quantizer of one has no
///         integer levels (`lq_nets`, `ttq`); nothing is written
/// @throws std::runtime_error if weights are not finite, or the file cannot be written
template<typename Network>
void write_integer_weights(const Network& network, const std::string& path)
{
  static_assert(
      std::copyable<Network> && state_must::be_shown<Network>,
      "write_integer_weights wants a network that can be copied and shows its state, such "
      "as resnet8(shape, dorefa{})");
  const torch::NoGradGuard without_graph;
  auto shown = network;
  support::safetensors file{.tensors = {},
                            .metadata = {{"format", "pt"}, {"rolewise.integer_weights", "1"}}};
  detail::integer_archive archive{file};
  shown.visit_state(archive);
  if (!archive.has_integers())
    throw_invalid_argument("write_integer_weights",
                           "want a network with a layer of fewer than 32 bits, this one has none");
  support::write_safetensors(path, file);
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/integer_weights.hpp>
#endif
