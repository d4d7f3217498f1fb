// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A teacher with an on-disk cache of its outputs.

#include <rolewise/core/device_of.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/require_taps.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/teacher/cache_options.hpp>
#include <rolewise/teacher/cached_logits_origin.hpp>
#include <rolewise/teacher/detail/cached_logits_codec.hpp>
#include <rolewise/teacher/detail/cached_logits_store.hpp>
#include <rolewise/teacher/detail/cached_row_codec.hpp>
#include <rolewise/teacher/detail/example_checksums.hpp>
#include <rolewise/teacher/detail/graph_to_inputs.hpp>
#include <rolewise/teacher/teacher.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

/// A teacher with a fingerprint, such as `frozen` and `module_teacher`.
template<typename T>
concept FingerprintedTeacher = Teacher<T> && requires(const T teacher) {
  { teacher.fingerprint() } -> std::same_as<std::uint64_t>;
};

/// Teacher that reads its logits, and the features of the taps in `Stored`, from a file and calls
/// the wrapped teacher on a cache miss; `cached(...)` makes one. It offers the taps that it stores.
///
/// A row belongs to (view number, id). The number comes with the batch (`batch::view`). A row is
/// a hit only if its checksum of the pixels, as the network receives them (`normalized_inputs`),
/// or of the tokens and their mask, matches: whatever was done to a view after it got its number,
/// the outputs of another example are never returned. If a batch lacks any row, the teacher
/// computes the whole batch, with all stored taps, so that rounding does not depend on the content
/// of the cache.
///
/// Logits and features are returned as float32. Stored in full as float32, they have the teacher's
/// bits. As half or bfloat16, logits are stored as distances from the row's maximum; a distance has
/// a relative error of at most 2^-11 (half; saturates at 65504) or 2^-8 (bfloat16). Features are
/// cast, with the same relative error (half: below 2^-14 an absolute one of 2^-25; saturates at
/// 65504). With `keep`, see `cache_options`. In each case the first call returns the values that
/// later calls read.
///
/// Copies share the file. One process at a time may write, others may read; a row is stored as a
/// whole or not at all, also after a kill. `forward` may be called by several threads. Inputs on
/// another device are copied to the CPU for the checksum, which synchronizes with the device.
template<typename Wrapped, taps Stored = taps{}>
class cached_teacher {
  static_assert(FingerprintedTeacher<Wrapped>,
                "cached_teacher wants a Teacher with std::uint64_t fingerprint() const; "
                "frozen(network) has one");
  static_assert(rolewise::offered_taps<Wrapped>().contains(Stored),
                "cached_teacher: want to store a tap that the teacher does not offer");

 public:
  static constexpr bool has_state = false;  // the cache changes no result
  static constexpr taps offered_taps = Stored;

  /// @throws std::invalid_argument for invalid options, and for a file made for other data,
  ///         views, teacher, taps or options; the message lists the differences
  /// @throws std::runtime_error if the file cannot be created or opened, is damaged or truncated,
  ///         is locked by another writer, or does not fit on the disk
  cached_teacher(Wrapped teacher, const cache_options& options, cached_logits_origin origin,
                 output_shapes shapes)
      : teacher_{std::move(teacher)}, form_{form_for(std::move(shapes), options)}
  {
    detail::require_form(form_.logits);
    origin.teacher_sum = teacher_.fingerprint();
    kept_ = std::make_shared<kept>(options.path, origin, form_, options.read_only);
  }
  /// A cache of logits `[N, classes]` alone.
  cached_teacher(Wrapped teacher, const cache_options& options, cached_logits_origin origin,
                 std::int64_t classes)
    requires(Stored.empty())
      : cached_teacher{std::move(teacher), options, std::move(origin), output_shapes{{classes}}}
  {}

  /// Where the inputs require a gradient, the wrapped teacher computes the outputs.
  /// @throws std::invalid_argument if taps are wanted that are not stored, ids are not `[N]` int64,
  ///         or outputs to be stored have other sizes than before or more than 32 bits
  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {}) const
  {
    detail::require_offered("cached_teacher", Stored, wanted);
    // Stored logits have no graph.
    const bool wants_graph = detail::wants_input_gradient(examples);
    const torch::AutoGradMode mode{wants_graph};
    if (wants_graph || examples.view.count != kept_->store.views() || examples.size() == 0) {
      {
        const std::lock_guard lock{kept_->guard};
        kept_->tally.passed_on += examples.size();
      }
      return teacher_.forward(examples, wanted);
    }
    const auto asked = places_of(examples);
    auto bytes = at::empty({examples.size(), form_.bytes()}, torch::kByte);
    if (!read(asked, bytes)) ask(examples, asked, bytes);
    const auto device = examples.inputs.device();
    outputs result{.logits = detail::decoded_logits(bytes, form_).to(device), .features = {}};
    for (const auto& [id, value] : detail::decoded_features(bytes, form_, wanted))
      result.features.set(id, value.to(device));
    return result;
  }

  /// Shapes of the stored features of one example.
  /// @throws std::invalid_argument if a tap is not stored
  [[nodiscard]] feature_shapes tap_shapes(taps wanted) const
  {
    detail::require_offered("cached_teacher", Stored, wanted);
    feature_shapes shapes;
    wanted.for_each([&](tap_id id) { shapes.set(id, form_.features[id]); });
    return shapes;
  }

  void to(torch::Device device)
    requires requires(Wrapped t) { t.to(device); }
  {
    teacher_.to(device);
  }

  [[nodiscard]] torch::Device device() const
    requires detail::says_device<Wrapped>
  {
    return teacher_.device();
  }

  [[nodiscard]] const Wrapped& teacher() const noexcept { return teacher_; }
  /// Fingerprint of the wrapped teacher.
  [[nodiscard]] std::uint64_t fingerprint() const { return teacher_.fingerprint(); }
  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("teacher", teacher_);
    archive.show("form", form_.logits);
    if constexpr (!Stored.empty()) archive.show("taps", detail::to_text(form_.features));
  }
  [[nodiscard]] cache_statistics tally() const
  {
    const std::lock_guard lock{kept_->guard};
    return kept_->tally;
  }
  /// Number of valid rows in the file; reads all of it.
  [[nodiscard]] std::int64_t size() const
  {
    const std::lock_guard lock{kept_->guard};
    return kept_->store.count();
  }

 private:
  using found = detail::cached_logits_store::found;

  [[nodiscard]] static detail::cached_row_format form_for(output_shapes shapes,
                                                          const cache_options& options)
  {
    if (shapes.logits.empty() || shapes.features.available() != Stored)
      throw_invalid_argument("cached_teacher", "want the shapes of logits and of the features ",
                             to_text(Stored), ", got those of ",
                             to_text(shapes.features.available()));
    const auto classes = shapes.logits.front();
    return {.logits = {classes, options.keep == 0 ? classes : options.keep, options.as,
                       options.mass_at.value()},
            .positions = {shapes.logits.begin() + 1, shapes.logits.end()},
            .features = std::move(shapes.features)};
  }

  struct kept {
    kept(const std::string& path, const cached_logits_origin& origin,
         const detail::cached_row_format& form, bool read_only)
        : store{path, origin, form, read_only}
    {}
    std::mutex guard;
    detail::cached_logits_store store;
    cache_statistics tally;
  };

  /// Row of an example in the file, and the checksum of its pixels.
  struct place {
    std::int64_t row;
    std::uint64_t pixels;
  };

  [[nodiscard]] std::vector<place> places_of(const batch& examples) const
  {
    const auto& ids = examples.ids;
    if (!ids.defined() || ids.scalar_type() != torch::kLong || ids.dim() != 1 ||
        ids.size(0) != examples.size())
      throw_invalid_argument("cached_teacher", "want ids of int64 [", examples.size(), "], got ",
                             ids.defined()
                                 ? detail::classic_text(ids.scalar_type(), " ", ids.sizes())
                                 : "an undefined tensor");
    const auto id = ids.cpu().contiguous();
    const auto sums = detail::example_checksums(examples);
    std::vector<place> places;
    places.reserve(sums.size());
    for (std::size_t n = 0; n < sums.size(); ++n)
      places.push_back(
          {kept_->store.row_of(id.const_data_ptr<std::int64_t>()[n], examples.view.number),
           sums[n]});
    return places;
  }

  /// @return whether every row was a hit
  [[nodiscard]] bool read(const std::vector<place>& asked, torch::Tensor& bytes) const
  {
    auto* to = static_cast<char*>(bytes.mutable_data_ptr());
    const std::lock_guard lock{kept_->guard};
    for (const auto& [row, pixels] : asked) {
      if (row < 0 || kept_->store.read(row, pixels, to) != found::answer) return false;
      to += form_.bytes();
    }
    kept_->tally.found += static_cast<std::int64_t>(asked.size());
    return true;
  }

  /// The teacher's outputs that a row holds, on the CPU.
  [[nodiscard]] outputs computed(const batch& examples) const
  {
    auto all = teacher_.forward(examples, Stored);
    const auto checked = [&](std::string_view what, const torch::Tensor& t, at::IntArrayRef sizes) {
      if (!t.defined() || t.sizes() != sizes || !t.is_floating_point() || t.element_size() > 4)
        throw_invalid_argument("cached_teacher", "want ", what, " of Float ", sizes, ", got ",
                               detail::form_of(t));
      return t.cpu();
    };
    outputs result{.logits = checked("logits", all.logits, form_.logits_sizes(examples.size())),
                   .features = {}};
    all = detail::delivered("cached_teacher", std::move(all), Stored, examples.size());
    for (const auto& [id, shape] : form_.features) {
      auto sizes = shape;
      sizes.insert(sizes.begin(), examples.size());
      result.features.set(id, checked(tap_name{id}.view(), all.features[id], sizes));
    }
    return result;
  }

  /// Calls the teacher and stores the missing rows.
  void ask(const batch& examples, const std::vector<place>& asked, torch::Tensor& bytes) const
  {
    const auto given = detail::encoded(computed(examples), form_);
    const auto* from = static_cast<const char*>(given.const_data_ptr());
    auto* to = static_cast<char*>(bytes.mutable_data_ptr());
    const auto count = static_cast<std::size_t>(form_.bytes());
    const std::lock_guard lock{kept_->guard};
    for (const auto& [row, pixels] : asked) {
      const auto there = row < 0 ? found::other_pixels : kept_->store.read(row, pixels, to);
      if (there == found::answer) {
        ++kept_->tally.found;
      } else {
        std::memcpy(to, from, count);
        const bool keeps = there == found::nothing && !kept_->store.is_read_only();
        if (keeps) kept_->store.write(row, pixels, from);
        ++(keeps ? kept_->tally.kept : kept_->tally.passed_on);
      }
      to += count;
      from += count;
    }
  }

  Wrapped teacher_;
  detail::cached_row_format form_;
  std::shared_ptr<kept> kept_;
};

}  // namespace rolewise
