// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Bit widths that decrease during training: in stages, or weights before activations.

#include <rolewise/quant/changing_scheme.hpp>
#include <rolewise/quant/schemes.hpp>
#include <rolewise/support/error.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise {

/// One stage: a scheme and its number of epochs.
template<typename Scheme>
struct scheme_stage {
  Scheme scheme{};
  std::int64_t epochs = 1;  ///< at least 1
};

/// Progressive quantization: one scheme after the other; the last one lasts until training ends.
/// Each stage starts from the weights of the one before.
///
///     progressive<>{{{inner_bits<32>, 4}, {inner_bits<8>, 2}, {inner_bits<2>, 2}}}
///     bits_falling<32, 8, 4, 2>(2)      stages of constant widths, two epochs each
///
/// @par Source
/// Zhuang, Shen, Tan, Liu, Reid: Toward Effective Low-bitwidth Convolutional Neural Networks,
/// CVPR 2018, arXiv:1711.00205: progressive quantization. The length of its stages is not
/// published.
template<typename Scheme = full_precision_ends>
struct progressive {
  static_assert(BitWidthScheme<Scheme>, "progressive wants stages of a BitWidthScheme");

  std::vector<scheme_stage<Scheme>> stages;

  /// @throws std::invalid_argument without a stage
  [[nodiscard]] Scheme at(std::int64_t epoch) const
  {
    if (stages.empty()) throw_invalid_argument("progressive", "has no stages");
    std::size_t current = 0;
    for (; current + 1 < stages.size() && epoch >= stages[current].epochs; ++current)
      epoch -= stages[current].epochs;
    return stages[current].scheme;
  }

  [[nodiscard]] layer_bits operator()(const layer_id& place) const { return at(0)(place); }

  /// @throws std::invalid_argument without a stage, or for one without an epoch
  void check(const std::vector<layer_id>& places) const
  {
    if (stages.empty()) throw_invalid_argument("progressive", "has no stages");
    for (const auto& stage : stages) {
      if (stage.epochs < 1)
        throw_invalid_argument("progressive", "want stages of 1 epoch or more, got ", stage.epochs);
      check_scheme(stage.scheme, places);
    }
  }
};

/// The scheme of `two_step` in one of its two steps.
template<typename Scheme>
struct two_step_stage {
  Scheme scheme{};
  bool activations_in_full = false;

  [[nodiscard]] layer_bits operator()(const layer_id& place) const
  {
    auto widths = scheme(place);
    if (activations_in_full) widths.activations = bit_width{32};
    return widths;
  }
};

/// Quantizes weights from the start, activations only after `epochs` epochs, so that the two
/// never start together.
///
///     two_step{.scheme = inner_bits<2>, .epochs = 4}
///
/// The scheme may itself change over epochs.
///
/// @par Source
/// Zhuang et al., 2018, arXiv:1711.00205: two-stage optimization, as a schedule over epochs.
template<typename Scheme = full_precision_ends>
struct two_step {
  static_assert(BitWidthScheme<Scheme>, "two_step wants a BitWidthScheme");

  Scheme scheme{};
  std::int64_t epochs = 1;  ///< with activations in full precision, at least 1

  [[nodiscard]] auto at(std::int64_t epoch) const
  {
    return two_step_stage<decltype(scheme_at(scheme, epoch))>{scheme_at(scheme, epoch),
                                                              epoch < epochs};
  }

  [[nodiscard]] layer_bits operator()(const layer_id& place) const { return at(0)(place); }

  /// @throws std::invalid_argument unless the first step has an epoch or more
  void check(const std::vector<layer_id>& places) const
  {
    if (epochs < 1)
      throw_invalid_argument("two_step", "want 1 epoch or more of weights alone, got ", epochs);
    check_scheme(scheme, places);
  }
};

/// `progressive` with constant widths, the same for weights and activations, first and last layer
/// exempt.
/// @param epochs_each of every stage but the last, which lasts until training ends
template<int... Bits>
[[nodiscard]] progressive<> bits_falling(std::int64_t epochs_each)
{
  static_assert(sizeof...(Bits) > 0, "bits_falling wants the bits of each stage");
  static_assert(((Bits >= 1 && Bits <= 32) && ...),
                "bits_falling wants 1 to 32 bits; 32 is full precision");
  return {{{inner_bits<Bits>, epochs_each}...}};
}

static_assert(ChangingScheme<progressive<>>);
static_assert(ChangingScheme<two_step<>>);
static_assert(ChangingScheme<two_step<progressive<>>>);

}  // namespace rolewise
