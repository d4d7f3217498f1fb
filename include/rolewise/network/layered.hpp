// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `layered` base: state, dtype, precision and reports of a block or network, from one list of
/// its layers.

#include <rolewise/network/convolution.hpp>
#include <rolewise/network/pass_precision.hpp>
#include <rolewise/quant/layer_report.hpp>
#include <rolewise/support/inline.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace rolewise {

namespace detail {

/// The layer reports with index and count of each place filled in.
[[nodiscard]] ROLEWISE_INLINE std::vector<layer_report> numbered(std::vector<layer_report> layers);

}  // namespace detail

/// Base of a block or network, which lists its layers once, in the order of the forward pass:
///
///     template<typename Self, typename F> static void for_each_layer(Self& self, F&& f)
///     {
///       f("convolution1", self.convolution1_, "batch_norm1", self.batch_norm1_);
///       f("inner", self.inner_);
///       f("stage1", self.stage1_);
///     }
///
/// A layer is any part with state, also another block. A convolution comes with the batch norm
/// that follows it and may be folded into it. `Self` is `Derived`, const or not. The names are
/// those of the state and of `layer_id`.
template<typename Derived>
// NOLINTNEXTLINE(bugprone-crtp-constructor-accessibility): blocks may be aggregates
class layered {
 public:
  void cast(torch::ScalarType type)
  {
    for_each(self(), [&](auto& layer) {
      if constexpr (requires { layer.cast(type); }) layer.cast(type);
    });
  }

  void set_precision(const pass_precisions& passes)
  {
    for_each(self(), [&](auto& layer) {
      if constexpr (requires { layer.set_precision(passes); }) layer.set_precision(passes);
    });
  }

  /// Adds the reports of all layers with weights; positions are those of the last forward pass.
  void report(std::vector<layer_report>& all) const
  {
    for_each(self(), [&](const auto& layer) { add_report(layer, all); });
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    Derived::for_each_layer(self(), [&](std::string_view name, auto& layer, auto&&... norm) {
      if constexpr (sizeof...(norm) == 0)
        archive.part(name, layer);
      else
        visit_normalized(archive, name, layer, norm...);
    });
  }

 protected:
  /// The reports of all layers of a network, with positions that it knows before a forward pass.
  /// @param positions `positions(entry)`: the output pixels of all layers of an entry of the list,
  ///        from 0; or `positions(entry, index)`: those of one layer with weights of an entry
  template<typename Positions>
  [[nodiscard]] std::vector<layer_report> reports(const Positions& positions) const
  {
    std::vector<layer_report> all;
    std::size_t entry = 0;
    Derived::for_each_layer(self(), [&](std::string_view, const auto& layer, auto&&...) {
      const auto first = all.size();
      add_report(layer, all);
      for (auto i = first; i < all.size(); ++i)
        if constexpr (std::invocable<const Positions&, std::size_t, std::size_t>)
          all[i].positions = positions(entry, i - first);
        else
          all[i].positions = positions(entry);
      ++entry;
    });
    return detail::numbered(std::move(all));
  }

  /// The same, with the positions of each layer's last forward pass.
  [[nodiscard]] std::vector<layer_report> reports() const
  {
    std::vector<layer_report> all;
    report(all);
    return detail::numbered(std::move(all));
  }

 private:
  [[nodiscard]] Derived& self() { return static_cast<Derived&>(*this); }
  [[nodiscard]] const Derived& self() const { return static_cast<const Derived&>(*this); }

  template<typename Layer>
  static void add_report(const Layer& layer, std::vector<layer_report>& all)
  {
    if constexpr (requires { layer.report(all); })
      layer.report(all);
    else if constexpr (requires { all.push_back(layer.report()); })
      all.push_back(layer.report());
  }

  template<typename Self, typename F>
  static void for_each(Self& self, const F& f)
  {
    Derived::for_each_layer(self, [&](std::string_view, auto& layer, auto&&... norm) {
      f(layer);
      if constexpr (sizeof...(norm) == 2) f(std::get<1>(std::tie(norm...)));
    });
  }
};

namespace detail {

/// A list of parts of one type, named by index.
template<typename Part>
struct part_list : layered<part_list<Part>> {
  std::vector<Part> parts;

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    for (std::size_t i = 0; i < self.parts.size(); ++i) f(std::to_string(i), self.parts[i]);
  }
};

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/layered.hpp>
#endif
