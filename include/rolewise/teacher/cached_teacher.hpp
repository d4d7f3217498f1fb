// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A teacher with an on-disk cache of its logits.

#include <rolewise/core/checksum.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/teacher/cached_logits_origin.hpp>
#include <rolewise/teacher/detail/cached_logits_codec.hpp>
#include <rolewise/teacher/detail/cached_logits_store.hpp>
#include <rolewise/teacher/detail/graph_to_inputs.hpp>
#include <rolewise/teacher/teacher.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// A teacher with a fingerprint, such as `frozen` and `module_teacher`.
template<typename T>
concept FingerprintedTeacher = Teacher<T> && requires(const T teacher) {
  { teacher.fingerprint() } -> std::same_as<std::uint64_t>;
};

struct cache_options {
  std::string path{};  ///< of the file, created if missing; its directory is not
  /// Number of highest logits stored per example, besides the mass of the others; 0: all logits.
  std::int64_t keep = 0;
  torch::ScalarType as = torch::kFloat32;  ///< stored dtype; or kFloat16, kBFloat16
  /// With `keep` above 0: the other classes get equal logits such that at this temperature, and
  /// only there, their total probability mass is preserved.
  temperature mass_at{1.0};
  bool read_only = false;      ///< take no lock, store nothing; the file must exist
  std::int64_t probes = 1024;  ///< example views computed to detect changed agents
};

/// Hits and misses of a cached teacher, in examples.
struct cache_statistics {
  std::int64_t found = 0;  ///< cache hits
  std::int64_t kept = 0;   ///< computed by the teacher and stored
  /// Computed by the teacher and not stored: batches of no recurring view, examples that are not
  /// in the data set, pixels that differ from those stored under the same number, and misses of a
  /// read-only cache.
  std::int64_t passed_on = 0;
};

/// Teacher that reads its logits from a file and calls the wrapped teacher on a cache miss;
/// `cached(...)` makes one.
///
/// A row belongs to (view number, id). The number comes with the batch (`batch::view`). A row is
/// a hit only if its checksum of the pixels, as the network receives them (`normalized_inputs`),
/// matches: whatever was done to a view after it got its number, the logits of another image are
/// never returned. If a batch lacks any row, the teacher computes the whole batch, so that
/// rounding does not depend on the content of the cache.
///
/// Logits are returned as float32. Stored in full as float32, they have the teacher's bits. As
/// half or bfloat16, they are stored as distances from the row's maximum; a distance has a
/// relative error of at most 2^-11 (half; saturates at 65504) or 2^-8 (bfloat16). With `keep`,
/// see `cache_options`. In each case the first call returns the values that later calls read.
///
/// Copies share the file. One process at a time may write, others may read; a row is stored as a
/// whole or not at all, also after a kill. `forward` may be called by several threads. Inputs on
/// another device are copied to the CPU for the checksum, which synchronizes with the device.
template<typename Wrapped>
class cached_teacher {
  static_assert(FingerprintedTeacher<Wrapped>,
                "cached_teacher wants a Teacher with std::uint64_t fingerprint() const; "
                "frozen(network) has one");

 public:
  static constexpr bool has_state = false;  // the cache changes no result

  /// @throws std::invalid_argument for invalid options, and for a file made for other data,
  ///         views, teacher or options; the message lists the differences
  /// @throws std::runtime_error if the file cannot be created or opened, is damaged or truncated,
  ///         is locked by another writer, or does not fit on the disk
  cached_teacher(Wrapped teacher, const cache_options& options, cached_logits_origin origin,
                 std::int64_t classes)
      : teacher_{std::move(teacher)},
        form_{classes, options.keep == 0 ? classes : options.keep, options.as,
              options.mass_at.value()}
  {
    detail::require_form(form_);
    origin.teacher_sum = teacher_.fingerprint();
    kept_ = std::make_shared<kept>(options.path, origin, form_, options.read_only);
  }

  /// Where the inputs require a gradient, the wrapped teacher computes the outputs.
  /// @throws std::invalid_argument if features are requested, ids are not `[N]` int64, or logits
  ///         to be stored are not `[N, classes]` of float32 or less
  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {}) const
  {
    if (wanted.features)
      throw_invalid_argument("cached_teacher",
                             "features are not kept; take a loss on logits, or ask the teacher "
                             "itself");
    // Stored logits have no graph.
    const bool wants_graph = detail::wants_input_gradient(examples);
    const torch::AutoGradMode mode{wants_graph};
    if (wants_graph || examples.view.count != kept_->store.views() || examples.size() == 0) {
      {
        const std::lock_guard lock{kept_->guard};
        kept_->tally.passed_on += examples.size();
      }
      return teacher_.forward(examples);
    }
    const auto asked = places_of(examples);
    auto bytes = torch::empty({examples.size(), form_.bytes()}, torch::kByte);
    if (!read(asked, bytes)) ask(examples, asked, bytes);
    return {.logits = detail::decoded(bytes, form_).to(examples.inputs.device()), .features = {}};
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
    archive.show("form", form_);
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

  struct kept {
    kept(const std::string& path, const cached_logits_origin& origin,
         const detail::cached_logits_format& form, bool read_only)
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
    const auto x = normalized_inputs(examples).cpu();
    const auto bytes = x.nbytes() / static_cast<std::size_t>(examples.size());
    const auto* pixels = static_cast<const char*>(x.const_data_ptr());
    std::vector<place> places;
    places.reserve(static_cast<std::size_t>(examples.size()));
    for (std::int64_t n = 0; n < examples.size(); ++n, pixels += bytes) {
      checksum sum;
      sum.add(pixels, bytes);
      places.push_back(
          {kept_->store.row_of(id.const_data_ptr<std::int64_t>()[n], examples.view.number),
           sum.value()});
    }
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

  /// Calls the teacher and stores the missing rows.
  void ask(const batch& examples, const std::vector<place>& asked, torch::Tensor& bytes) const
  {
    const auto logits = teacher_.forward(examples).logits;
    if (!logits.defined() || logits.dim() != 2 || logits.size(0) != examples.size() ||
        logits.size(1) != form_.classes || !logits.is_floating_point() || logits.element_size() > 4)
      throw_invalid_argument("cached_teacher", "want logits of Float [", examples.size(), ", ",
                             form_.classes, "], got ",
                             logits.defined()
                                 ? detail::classic_text(logits.scalar_type(), " ", logits.sizes())
                                 : "an undefined tensor");
    const auto given = detail::encoded(logits.cpu().to(torch::kFloat32), form_);
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
  detail::cached_logits_format form_;
  std::shared_ptr<kept> kept_;
};

}  // namespace rolewise
