// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Which layer computes with how many bits.
///
/// core -> [quant] -> network -> teacher/student

#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise {

/// A number of bits, 1 to 32; 32 is full precision.
class bit_width {
 public:
  /// @throws std::invalid_argument unless `1 <= value <= 32`; in a constant, a compile error
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

/// The widths of one layer: of its weights, and of the activations that enter it.
struct layer_widths {
  bit_width weights{32};
  bit_width activations{32};

  friend constexpr bool operator==(const layer_widths&, const layer_widths&) = default;
};

enum class layer_kind { convolution, shortcut, linear };

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

/// Where a layer is in its network.
struct layer_place {
  std::string name;  ///< full name, such as `stage2.0.convolution1`
  layer_kind kind = layer_kind::convolution;
  std::int64_t index = 0;  ///< 0-based, in the order of the forward pass
  std::int64_t count = 1;  ///< of layers with weights in the network

  [[nodiscard]] bool is_first() const noexcept { return index == 0; }
  [[nodiscard]] bool is_last() const noexcept { return index == count - 1; }
};

namespace scheme_must {

template<typename S>
concept give_every_layer_its_widths = requires(const S scheme, const layer_place place) {
  { scheme(place) } -> std::same_as<layer_widths>;
};

}  // namespace scheme_must

/// From a layer's place to its widths. The same place always gets the same widths
/// (`tests/laws/bit_width_scheme.hpp`).
template<typename S>
concept BitWidthScheme = std::copyable<S> && scheme_must::give_every_layer_its_widths<S>;

/// Lets a scheme that knows layers by name refuse a network that does not have them: calls
/// `scheme.check(places)` if there is such a function.
template<BitWidthScheme S>
void check_scheme(const S& scheme, const std::vector<layer_place>& places)
{
  if constexpr (requires { scheme.check(places); }) scheme.check(places);
}

}  // namespace rolewise
