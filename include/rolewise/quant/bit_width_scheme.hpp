// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `BitWidthScheme` concept: maps each layer to its bit widths.
///
/// core -> [quant] -> network -> teacher/student

#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise {

/// A bit width, 1 to 32; 32 is full precision.
class bit_width {
 public:
  /// @throws std::invalid_argument unless `1 <= value <= 32`; in a constant expression, a
  ///         compile error
  constexpr explicit bit_width(int value) : value_{value}
  {
    if (value < 1 || value > 32)
      throw std::invalid_argument{"rolewise: bit_width must lie in 1 .. 32"};
  }

  [[nodiscard]] constexpr int value() const noexcept { return value_; }
  [[nodiscard]] constexpr bool is_full() const noexcept { return value_ == 32; }
  friend constexpr bool operator==(const bit_width&, const bit_width&) = default;

 private:
  int value_;
};

/// The bit widths of one layer: of its weights, and of the activations that enter it.
struct layer_bits {
  bit_width weights{32};
  bit_width activations{32};

  friend constexpr bool operator==(const layer_bits&, const layer_bits&) = default;
};

/// What a layer with weights is; a shortcut is the projection beside a residual block.
enum class layer_kind { convolution, shortcut, linear };

/// The name of a kind of layer, for reports.
[[nodiscard]] constexpr std::string_view name(layer_kind kind) noexcept
{
  switch (kind) {
    case layer_kind::convolution:
      return "convolution";
    case layer_kind::shortcut:
      return "shortcut";
    case layer_kind::linear:
      return "linear";
  }
  return "unknown";
}

/// What enters a layer with weights, for the quantizer of its activations.
enum class layer_input {
  rectified,  ///< no negative values
  has_signs,  ///< negative values too
  floating    ///< never quantized: negative values, and a quantizer that would clip them
};

/// The position of a layer in its network.
struct layer_id {
  std::string name;  ///< full name, such as `stage2.0.convolution1`
  layer_kind kind = layer_kind::convolution;
  std::int64_t index = 0;  ///< 0-based, in the order of the forward pass
  std::int64_t count = 1;  ///< number of layers with weights in the network
  layer_input input = layer_input::rectified;

  [[nodiscard]] bool is_first() const noexcept { return index == 0; }
  [[nodiscard]] bool is_last() const noexcept { return index == count - 1; }
  /// Whether its activations stay floating point under every scheme: those of the first layer are
  /// the network's input.
  [[nodiscard]] bool reads_floats() const noexcept
  {
    return is_first() || input == layer_input::floating;
  }
};

namespace scheme_must {

template<typename S>
concept give_every_layer_its_bits = requires(const S scheme, const layer_id place) {
  { scheme(place) } -> std::same_as<layer_bits>;
};

}  // namespace scheme_must

/// Maps a layer's place to its bit widths. The same place always gets the same widths
/// (`tests/laws/bit_width_scheme.hpp`).
template<typename S>
concept BitWidthScheme = std::copyable<S> && scheme_must::give_every_layer_its_bits<S>;

/// Calls `scheme.check(places)` if the scheme has it: a scheme that refers to layers by name
/// throws there for a network that lacks them.
template<BitWidthScheme S>
void check_scheme(const S& scheme, const std::vector<layer_id>& places)
{
  if constexpr (requires { scheme.check(places); }) scheme.check(places);
}

}  // namespace rolewise
