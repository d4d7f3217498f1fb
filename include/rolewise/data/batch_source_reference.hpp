// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `batch_source_reference` and `batch_source_pointer`: any `BatchSource`, by reference.

#include <rolewise/core/batch.hpp>
#include <rolewise/data/batch_options.hpp>
#include <rolewise/data/batch_source.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>

namespace rolewise {

/// The batches of one epoch: what `epoch` of any `BatchSource` returns.
using epoch_batches = std::function<batch(std::int64_t step, batch_memory& memory)>;

/// A reference to a `BatchSource` of any type, so that a training loop is compiled once for all of
/// them. It owns nothing: the source must outlive it. A `BatchSource` itself.
class batch_source_reference {
 public:
  template<typename S>
    requires(!std::same_as<S, batch_source_reference>) && BatchSource<S>
  batch_source_reference(const S& source)  // NOLINT: as a source is passed to a function
      : source_{&source}, calls_{&calls_of<S>}
  {}

  [[nodiscard]] std::int64_t size() const { return calls_->size(source_); }
  [[nodiscard]] std::string name() const { return calls_->name(source_); }
  [[nodiscard]] sample_shape shape() const { return calls_->shape(source_); }
  [[nodiscard]] std::uint64_t fingerprint() const { return calls_->fingerprint(source_); }
  [[nodiscard]] epoch_batches epoch(const batch_options& options) const
  {
    return calls_->epoch(source_, options);
  }
  [[nodiscard]] std::int64_t batch_count(const batch_options& options) const
  {
    return calls_->batch_count(source_, options);
  }
  /// Whether batches have `batch_options::size` examples and the last one what is left: those of a
  /// source without `batch_count`.
  [[nodiscard]] bool is_regular() const { return calls_->is_regular; }
  /// All examples as one batch, of a source that shows them.
  [[nodiscard]] std::optional<batch> examples() const { return calls_->examples(source_); }

 private:
  struct calls {
    std::int64_t (*size)(const void*);
    std::string (*name)(const void*);
    sample_shape (*shape)(const void*);
    std::uint64_t (*fingerprint)(const void*);
    epoch_batches (*epoch)(const void*, const batch_options&);
    std::int64_t (*batch_count)(const void*, const batch_options&);
    std::optional<batch> (*examples)(const void*);
    bool is_regular;
  };

  template<typename S>
  [[nodiscard]] static const S& from(const void* source)
  {
    return *static_cast<const S*>(source);
  }
  template<typename S>
  [[nodiscard]] static std::optional<batch> examples_of(const void* source)
  {
    if constexpr (shows_examples<S>())
      return from<S>(source).examples();
    else
      return std::nullopt;
  }

  template<typename S>
  static constexpr calls calls_of{
      [](const void* s) { return static_cast<std::int64_t>(from<S>(s).size()); },
      [](const void* s) { return detail::name_of(from<S>(s)); },
      [](const void* s) { return detail::shape_of(from<S>(s)); },
      [](const void* s) { return from<S>(s).fingerprint(); },
      [](const void* s, const batch_options& o) { return epoch_batches{from<S>(s).epoch(o)}; },
      [](const void* s, const batch_options& o) { return rolewise::batch_count(from<S>(s), o); },
      &batch_source_reference::examples_of<S>,
      !counts_batches<S>()};

  friend class batch_source_pointer;
  batch_source_reference() = default;  // of no source

  const void* source_ = nullptr;
  const calls* calls_ = nullptr;
};

static_assert(BatchSource<batch_source_reference>);

/// A pointer to a `BatchSource` of any type, or null; set from a pointer or, without a copy, from
/// the source itself. It owns nothing: the source must outlive it, and a temporary is refused.
///
///     fit(step, train, {.validation = test});  // or &test
class batch_source_pointer {
 public:
  batch_source_pointer() = default;
  batch_source_pointer(std::nullptr_t) {}  // NOLINT: as a pointer is set
  template<BatchSource S>
  batch_source_pointer(const S* source)  // NOLINT: as a pointer is set
  {
    if (source != nullptr) target_ = batch_source_reference{*source};
  }
  template<BatchSource S>
  batch_source_pointer(const S& source)  // NOLINT: as a reference is bound
      : target_{source}
  {}
  template<BatchSource S>
    requires(!std::is_lvalue_reference_v<S> && !std::same_as<S, batch_source_reference>)
  batch_source_pointer(S&&)  // NOLINT: as a reference is bound
  {
    static_assert(std::is_void_v<S>,
                  "a data set that is referred to must outlive the reference, but this one is a "
                  "temporary: keep it in a variable");
  }

  /// @pre not null
  [[nodiscard]] const batch_source_reference& operator*() const { return target_; }
  [[nodiscard]] const batch_source_reference* operator->() const { return &target_; }
  [[nodiscard]] explicit operator bool() const { return target_.source_ != nullptr; }
  [[nodiscard]] friend bool operator==(const batch_source_pointer& a, std::nullptr_t)
  {
    return !static_cast<bool>(a);
  }

 private:
  batch_source_reference target_{};  // of no source: g++ 12 warns of a value in an std::optional
};

}  // namespace rolewise
