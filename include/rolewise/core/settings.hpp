// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The settings of a part: every option of it, by name and as text, so that runs can be compared.

#include <rolewise/core/detail/members.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise {

/// One setting, by name and value: `student_agent.magnitude` is `3`. The value of a part itself
/// is the name of its type.
struct setting {
  std::string name;
  std::string value;

  friend bool operator==(const setting&, const setting&) = default;
};

/// Minimal archive of settings; `visit_settings` is checked against it.
struct settings_archetype {
  template<typename T>
  void show(std::string_view, const T&)
  {}
};

namespace settings_must {

template<typename P>
concept be_shown =
    requires(const P part, settings_archetype& archive) { part.visit_settings(archive); };

template<typename P>
concept be_denied = requires { requires P::has_settings == false; };

/// Identified by a 64-bit fingerprint, as teachers are.
template<typename P>
concept be_summed = requires(const P part) {
  { part.fingerprint() } -> std::same_as<std::uint64_t>;
};

}  // namespace settings_must

namespace detail {

template<typename T>
inline constexpr bool is_optional = false;
template<typename T>
inline constexpr bool is_optional<std::optional<T>> = true;
template<typename T>
inline constexpr bool is_variant = false;
template<typename... T>
inline constexpr bool is_variant<std::variant<T...>> = true;
template<typename T>
inline constexpr bool is_shared_pointer = false;
template<typename T>
inline constexpr bool is_shared_pointer<std::shared_ptr<T>> = true;

/// A number wrapped in a class, such as `temperature`; the check of its size excludes other
/// members.
template<typename T>
concept StrongNumber = std::is_class_v<T> && requires(const T x) {
  requires std::is_arithmetic_v<std::remove_cvref_t<decltype(x.value())>>;
  requires sizeof(T) == sizeof(x.value());
};

template<typename T>
concept TupleLike = requires { std::tuple_size<T>::value; } && !std::ranges::range<T>;

template<typename T>
concept Text = std::convertible_to<const T&, std::string_view>;

/// A type that is one setting by itself: a number, string, enumerator, tensor or device.
template<typename T>
concept PlainSetting =
    std::is_arithmetic_v<T> || std::is_enum_v<T> || Text<T> || std::same_as<T, torch::Tensor> ||
    std::same_as<T, torch::Device> || StrongNumber<T>;

template<typename T>
consteval bool is_described();

template<typename T>
[[nodiscard]] consteval bool are_elements_described()
{
  if constexpr (is_optional<T>)
    return is_described<typename T::value_type>();
  else if constexpr (is_shared_pointer<T>)
    return is_described<std::remove_const_t<typename T::element_type>>();
  else if constexpr (std::ranges::input_range<const T>)
    return is_described<std::ranges::range_value_t<const T>>();
  else
    return []<std::size_t... I>(std::index_sequence<I...>) {
      if constexpr (is_variant<T>)
        return (is_described<std::variant_alternative_t<I, T>>() && ...);
      else
        return (is_described<std::remove_cvref_t<std::tuple_element_t<I, T>>>() && ...);
    }([] {
      if constexpr (is_variant<T>)
        return std::make_index_sequence<std::variant_size_v<T>>{};
      else
        return std::make_index_sequence<std::tuple_size_v<T>>{};
    }());
}

template<typename T>
concept Container = is_optional<T> || is_shared_pointer<T> || is_variant<T> ||
                    std::ranges::input_range<const T> || TupleLike<T>;

/// An aggregate whose members can be enumerated.
template<typename T>
concept ListedAggregate = std::is_aggregate_v<T> && std::is_class_v<T> && !has_base<T>();

template<typename T>
consteval bool is_described()
{
  if constexpr (settings_must::be_denied<T> || settings_must::be_shown<T> ||
                settings_must::be_summed<T> || PlainSetting<T>)
    return true;
  else if constexpr (Container<T>)
    return are_elements_described<T>();
  else if constexpr (ListedAggregate<T>)
    return with_members(never_made_of<T>.value, [](const auto&... members) {
      return std::bool_constant<(is_described<std::remove_cvref_t<decltype(members)>>() && ...)>{};
    });
  else
    return std::is_empty_v<T>;
}

}  // namespace detail

/// A part whose settings can be enumerated completely, so that a comparison of runs misses none.
/// One of
///
///   - a number (also one wrapped in a class, by `value()`), a string, an enumerator, a device, a
///     tensor (its dtype and shape: the values are state), and `std::optional`, `std::vector`,
///     `std::array`, `std::tuple`, `std::pair`, `std::variant` and `std::shared_ptr` of described
///     types;
///   - an aggregate of described members, without base classes: needs no code;
///   - a class with `visit_settings`:
///
///         template<typename Archive> void visit_settings(Archive& archive) const
///         {
///           archive.show("value", value_);
///         }
///
///   - a class with `std::uint64_t fingerprint() const`;
///   - an empty class, described by its type;
///   - a class with `static constexpr bool has_settings = false`, for what is not a setting, such
///     as a handle or a cache.
template<typename P>
concept Described = detail::is_described<std::remove_cvref_t<P>>();

namespace detail {

/// Archive that collects the addresses of a part's state values: they change in training, so they
/// are not settings.
class state_places {
 public:
  void parameter(std::string_view, torch::Tensor&) {}
  void range(std::string_view, torch::Tensor&) {}
  void buffer(std::string_view, torch::Tensor&) {}
  template<PlainState T>
  void value(std::string_view, T& x)
  {
    places_.push_back(&x);
  }
  /// Recurses into aggregates only: a class enumerates its settings itself.
  template<typename Part>
  void part(std::string_view, Part& inner)
  {
    if constexpr (ListedAggregate<Part>) inner.visit_state(*this);
  }
  [[nodiscard]] bool has(const void* place) const
  {
    return std::find(places_.begin(), places_.end(), place) != places_.end();
  }

 private:
  std::vector<const void*> places_;
};

/// Archive that records settings, each under its full name.
class settings_writer {
 public:
  explicit settings_writer(state_places state = {}) : state_{std::move(state)} {}

  /// @tparam T Described
  template<typename T>
  void show(std::string_view name, const T& x)
  {
    // Of a container or an aggregate, the error names the member at fault.
    static_assert(is_described<T>() || Container<T> || ListedAggregate<T>,
                  "a part of a run that is kept must tell its settings: be an aggregate of parts "
                  "that do, have visit_settings(archive) const, or say has_settings = false "
                  "(rolewise/core/settings.hpp)");
    if constexpr (!settings_must::be_denied<T>) {
      if constexpr (PlainState<T>)
        if (state_.has(&x)) return;
      const auto length = name_.size();
      if (!name_.empty() && !name.empty()) name_ += '.';
      name_ += name;
      write(x);
      name_.resize(length);
    }
  }

  [[nodiscard]] std::vector<setting> take() { return std::move(found_); }

 private:
  void put(std::string value) { found_.push_back({name_, std::move(value)}); }

  template<typename T>
  void write(const T& x)
  {
    if constexpr (settings_must::be_shown<T>) {
      put(type_name<T>());
      x.visit_settings(*this);
    } else if constexpr (settings_must::be_summed<T>) {
      put(type_name<T>());
      show("fingerprint", x.fingerprint());
    } else if constexpr (PlainSetting<T>) {
      put(text_of_setting(x));
    } else if constexpr (is_optional<T> || is_shared_pointer<T>) {
      if (x)
        write(*x);
      else
        put("none");
    } else if constexpr (is_variant<T>) {
      std::visit([&](const auto& each) { write(each); }, x);
    } else if constexpr (std::ranges::input_range<const T>) {
      write_range(x);
    } else if constexpr (TupleLike<T>) {
      std::size_t number = 0;
      std::apply([&](const auto&... each) { (show(std::to_string(number++), each), ...); }, x);
    } else {
      put(type_name<T>());
      if constexpr (ListedAggregate<T> && member_count<T>() > 0) {
        static constexpr auto names = member_names<T>();
        std::size_t number = 0;
        with_members(x, [&](const auto&... member) { (show(names[number++], member), ...); });
      }
    }
  }

  /// Writes plain settings in one line, anything else element by element.
  template<typename Range>
  void write_range(const Range& all)
  {
    if constexpr (PlainSetting<std::ranges::range_value_t<const Range>>) {
      std::string text = "[";
      for (const auto& each : all)
        text.append(text.size() > 1 ? ", " : "").append(text_of_setting(each));
      put(text + "]");
    } else {
      std::size_t number = 0;
      for (const auto& each : all) show(std::to_string(number++), each);
      show("count", number);
    }
  }

  template<typename T>
  [[nodiscard]] static std::string text_of_setting(const T& x)
  {
    if constexpr (std::same_as<T, bool>) {
      return x ? "true" : "false";
    } else if constexpr (std::same_as<T, torch::ScalarType>) {
      return c10::toString(x);
    } else if constexpr (requires {
                           { name(x) } -> std::convertible_to<std::string_view>;
                         }) {
      return std::string{std::string_view{name(x)}};
    } else if constexpr (std::is_enum_v<T>) {
      const auto number = static_cast<std::underlying_type_t<T>>(x);
      if constexpr (!std::is_convertible_v<T, std::underlying_type_t<T>>) {
        static constexpr auto names = enumerator_names<T>();
        if (number >= 0 && static_cast<std::size_t>(number) < names.size())
          return std::string{names[static_cast<std::size_t>(number)]};
      }
      return text_of_setting(number);
    } else if constexpr (std::is_arithmetic_v<T>) {
      std::array<char, 64> text{};
      const auto number = [&] {
        if constexpr (std::integral<T>)
          return static_cast<std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>(
              x);
        else
          return x;
      }();
      return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
    } else if constexpr (StrongNumber<T>) {
      return text_of_setting(x.value());
    } else if constexpr (std::same_as<T, torch::Tensor>) {
      if (!x.defined()) return "undefined";
      std::string text{c10::toString(x.scalar_type())};
      for (const auto size : x.sizes()) text.append(" ").append(std::to_string(size));
      return text;
    } else if constexpr (std::same_as<T, torch::Device>) {
      return x.str();
    } else {
      return std::string{std::string_view{x}};
    }
  }

  state_places state_;
  std::string name_;
  std::vector<setting> found_;
};

}  // namespace detail

namespace detail {

/// As `settings_of`, but a part that is not `Described` is a compile error that names it.
template<typename P>
[[nodiscard]] std::vector<setting> all_settings_of(const P& part)
{
  state_places state;
  if constexpr (state_must::be_shown<P>) const_cast<P&>(part).visit_state(state);
  settings_writer writer{std::move(state)};
  writer.show("", part);
  return writer.take();
}

}  // namespace detail

/// Returns all settings of a part, in the order of its members, without its state.
template<Described P>
[[nodiscard]] std::vector<setting> settings_of(const P& part)
{
  return detail::all_settings_of(part);
}

namespace detail {

/// A setting whose values differ between two lists; `nothing` where one of them lacks it.
struct changed_setting {
  std::string name, stored, current;

  [[nodiscard]] bool holds(const changed_setting& other) const
  {
    return name.empty() ? !other.name.empty() : other.name.starts_with(name + ".");
  }
  /// Whether both values are types of one template, with different arguments.
  [[nodiscard]] bool is_of_one_template() const;
};

[[nodiscard]] ROLEWISE_INLINE std::vector<changed_setting> changed_settings(
    const std::vector<setting>& stored, const std::vector<setting>& current);

}  // namespace detail

/// Describes the differences between two lists of settings: `optimizer.momentum 0.9 (now
/// 0.8)`; empty if there are none. Lists at most six. The settings of a part that has another type
/// are omitted. If only the template arguments differ and a setting of the part does too, the part
/// itself is omitted instead.
[[nodiscard]] ROLEWISE_INLINE std::string differences(const std::vector<setting>& stored,
                                                      const std::vector<setting>& current);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/core/implementation/settings.hpp>
#endif
