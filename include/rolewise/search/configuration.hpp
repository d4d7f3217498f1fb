// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `configuration` type: one configuration of a search space.

#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise::search {

/// A configuration: values by name, in the order in which they were set.
class configuration {
 public:
  using value = std::variant<double, std::int64_t, std::string>;

  /// @throws std::invalid_argument if there is no value of that name or it has another type
  [[nodiscard]] double real(std::string_view name) const { return get<double>(name, "a real"); }
  [[nodiscard]] std::int64_t integer(std::string_view name) const
  {
    return get<std::int64_t>(name, "an integer");
  }
  [[nodiscard]] const std::string& choice(std::string_view name) const
  {
    return get<std::string>(name, "a choice");
  }

  /// Sets the value of `name`, replacing an earlier one.
  configuration& set(std::string_view name, value x);

  /// The value of `name`, or null.
  [[nodiscard]] const value* find(std::string_view name) const
  {
    for (const auto& [known, x] : values_)
      if (known == name) return &x;
    return nullptr;
  }

  [[nodiscard]] const std::vector<std::pair<std::string, value>>& values() const { return values_; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    std::vector<std::string> names, choices;
    std::vector<std::int64_t> kinds, integers;
    std::vector<double> reals;
    for (const auto& [name, x] : values_) {
      names.push_back(name);
      kinds.push_back(static_cast<std::int64_t>(x.index()));
      reals.push_back(x.index() == 0 ? std::get<0>(x) : 0.0);
      integers.push_back(x.index() == 1 ? std::get<1>(x) : 0);
      choices.push_back(x.index() == 2 ? std::get<2>(x) : std::string{});
    }
    archive.value("names", names);
    archive.value("kinds", kinds);
    archive.value("reals", reals);
    archive.value("integers", integers);
    archive.value("choices", choices);
    const auto count = names.size();
    if (kinds.size() != count || reals.size() != count || integers.size() != count ||
        choices.size() != count)
      throw_runtime_error("configuration", "its state has ", count,
                          " names and not as many values of each kind");
    values_.clear();
    for (std::size_t i = 0; i < count; ++i) {
      if (kinds[i] == 0)
        set(names[i], reals[i]);
      else if (kinds[i] == 1)
        set(names[i], integers[i]);
      else if (kinds[i] == 2)
        set(names[i], choices[i]);
      else
        throw_runtime_error("configuration", "its state gives '", names[i],
                            "' a value of the unknown kind ", kinds[i]);
    }
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    for (const auto& [name, x] : values_) archive.show(name, x);
  }

  friend bool operator==(const configuration&, const configuration&) = default;

 private:
  template<typename T>
  [[nodiscard]] const T& get(std::string_view name, const char* wanted) const
  {
    const auto* found = find(name);
    if (found == nullptr)
      throw_invalid_argument("configuration", "has no value named '", name, "'; it has ",
                             all_names());
    if (!std::holds_alternative<T>(*found)) {
      constexpr const char* kinds[] = {"a real", "an integer", "a choice"};
      throw_invalid_argument("configuration", "'", name, "' is ", kinds[found->index()], ", not ",
                             wanted);
    }
    return std::get<T>(*found);
  }

  [[nodiscard]] std::string all_names() const;

  std::vector<std::pair<std::string, value>> values_;
};

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/configuration.hpp>
#endif
