// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `network_options` common to all networks, and helpers shared by their bodies.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/network/activation.hpp>
#include <rolewise/network/batch_norm.hpp>
#include <rolewise/network/detail/folded.hpp>
#include <rolewise/network/pass_precision.hpp>
#include <rolewise/network/weight_init.hpp>
#include <rolewise/quant/layer_report.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

/// Options of the functions that make networks.
struct network_options {
  rolewise::seed seed{0};                             ///< of the weight initialization
  std::optional<conv_init> convolutions{};            ///< none: the choice of the network's authors
  std::optional<batch_norm_options> normalization{};  ///< likewise
  pass_precisions precision{};                        ///< of the convolutions
  /// Folds each batch norm that follows a convolution into its weights before they are quantized
  /// (formulas at `batch_norm`), so that the trained network is the one deployed without batch
  /// norm. Requires a quantizer whose values scale with the weights (`takes_folded_weights`) and
  /// costs a second convolution in training. State and tensor names are the same with and without
  /// it. Start from a trained network: the running statistics set the scale in which filters are
  /// quantized.
  bool fold_batch_norm = false;
};

namespace detail {

/// The options of a network's batch norms.
/// @throws std::invalid_argument if they are to be folded into weights whose quantizer does not
///         have `takes_folded_weights`
template<typename Q>
[[nodiscard]] batch_norm_options normalization_of(std::string_view network,
                                                  const network_options& options,
                                                  const batch_norm_options& of_authors = {})
{
  auto found = options.normalization.value_or(of_authors);
  found.folded = found.folded || options.fold_batch_norm;
  if (found.folded && !takes_folded_weights<Q>())
    throw_invalid_argument(
        network, "batch norm cannot be folded into weights that are quantized by ", Q::name,
        ": its levels do not follow the size of each filter; take lsq, lsq_plus or "
        "uniform_affine");
  return found;
}

/// Height and width of a feature map.
struct map_size {
  std::int64_t height = 1;
  std::int64_t width = 1;

  /// The size after a convolution of stride 2; rounded up, with either padding rule.
  [[nodiscard]] constexpr map_size halved() const { return {(height + 1) / 2, (width + 1) / 2}; }
  [[nodiscard]] constexpr std::int64_t pixels() const { return height * width; }
};

/// The output pixels of the layers of one entry in the list of a network of stages (see `layered`):
/// of the stem (0), of a stage (1 .. stages, every one but the first halves the size), or of what
/// follows (1).
[[nodiscard]] constexpr std::int64_t positions_of_stages(map_size size, std::size_t stages,
                                                         std::size_t entry)
{
  if (entry > stages) return 1;
  for (std::size_t s = 1; s < entry; ++s) size = size.halved();
  return size.pixels();
}

[[nodiscard]] inline std::string block_name(std::size_t stage, std::int64_t block)
{
  return "stage" + std::to_string(stage + 1) + "." + std::to_string(block);
}

ROLEWISE_INLINE void require_shape(std::string_view network, const sample_shape& shape);

ROLEWISE_INLINE void require_images(std::string_view network, const torch::Tensor& x,
                                    std::int64_t channels);

/// Casts a 16-bit tensor to single precision; returns any other unchanged.
[[nodiscard]] inline torch::Tensor widened(const torch::Tensor& x)
{
  return c10::isReducedFloatingType(x.scalar_type()) ? x.to(torch::kFloat) : x;
}

/// Global average pooling from `[N, D, H, W]` to `[N, D]`, in at least single precision.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor pooled(const torch::Tensor& x);

[[nodiscard]] inline torch::Tensor max_pooled(deferred_batch_norm& x, const max_pooling& by = {})
{
  return by(x.tensor());
}

/// The size of the images of a forward pass: their own or, in a trace, that of the network's shape.
[[nodiscard]] inline map_size size_of(const torch::Tensor& images, const sample_shape&)
{
  return {images.size(2), images.size(3)};
}
[[nodiscard]] inline map_size size_of(const traced_map&, const sample_shape& shape)
{
  return {shape.height, shape.width};
}

/// The taps of a network of stages: the stem and every stage, each after its last activation and
/// before it, and the penultimate vector.
[[nodiscard]] consteval taps taps_of_stages(std::size_t stages)
{
  taps all{tap::penultimate};
  for (std::size_t s = 0; s <= stages; ++s) {
    const auto index = static_cast<std::uint8_t>(s);
    all.insert({tap_kind::stage, index});
    all.insert({tap_kind::before_activation, index});
  }
  return all;
}

/// The features of one forward pass: keeps what is wanted, in at least single precision.
class tapped_features {
 public:
  explicit tapped_features(taps wanted) : wanted_{wanted} {}

  [[nodiscard]] bool wants(tap_kind kind, std::size_t index = 0) const
  {
    return wanted_.contains({kind, static_cast<std::uint8_t>(index)});
  }
  /// Keeps the value of `make()` if the tap is wanted.
  template<typename Make>
  void keep(tap_kind kind, std::size_t index, Make&& make)
  {
    if (wants(kind, index)) values_.set({kind, static_cast<std::uint8_t>(index)}, widened(make()));
  }
  [[nodiscard]] tapped<torch::Tensor> taken() { return std::move(values_); }

 private:
  taps wanted_;
  tapped<torch::Tensor> values_;
};

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/network_options.hpp>
#endif
