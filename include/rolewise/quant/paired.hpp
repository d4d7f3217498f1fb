// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `paired`: combines a weight quantizer with an activation quantizer.

#include <rolewise/quant/quantizer.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace rolewise {

namespace detail {

/// `weights+activations`: both names, joined.
template<typename W, typename A>
struct paired_name {
  static constexpr std::string_view first = W::name, second = A::name;
  static constexpr std::size_t size = first.size() + 1 + second.size();
  static constexpr std::array<char, size> characters = [] {
    std::array<char, size> all{};
    auto* const middle = std::copy(first.begin(), first.end(), all.data());
    *middle = '+';
    std::copy(second.begin(), second.end(), middle + 1);
    return all;
  }();
};

}  // namespace detail

/// A quantizer that combines one for weights and one for activations:
///
///     resnet20(shape, paired{apot{}, dorefa{}}, inner_bits<4>)
///
/// Each needs to satisfy only the concept of its half. To keep a half in full precision, give it
/// 32 bits in the scheme: no quantizer quantizes at 32 bits, and reports count the right width.
template<typename W, typename A>
struct paired {
  static_assert(WeightQuantizer<W>,
                "paired: the first part must satisfy WeightQuantizer, such as dorefa{}");
  static_assert(ActivationQuantizer<A>,
                "paired: the second part must satisfy ActivationQuantizer, such as dorefa{}");
  static_assert(!changes_nothing<W>() && !changes_nothing<A>(),
                "paired: for weights or activations in full precision give them 32 bits in the "
                "scheme; no_quantizer does not pair");

  static constexpr std::string_view name{detail::paired_name<W, A>::characters.data(),
                                         detail::paired_name<W, A>::size};
  static constexpr bool rectifies = rolewise::rectifies<A>();

  W weights;
  A activations;

  [[nodiscard]] auto start_weights(const layer_id& place) const
  {
    return weights.start_weights(place);
  }
  [[nodiscard]] auto start_activations(const layer_id& place) const
  {
    return activations.start_activations(place);
  }
};

template<typename W, typename A>
paired(W, A) -> paired<W, A>;

}  // namespace rolewise
