// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A teacher whose answers are kept on the disk and asked for once.

#include <rolewise/core/checksum.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/teacher/answer_origin.hpp>
#include <rolewise/teacher/detail/answer_codec.hpp>
#include <rolewise/teacher/detail/answer_store.hpp>
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

/// A teacher that can be told from another one, as `frozen` and `module_teacher` can.
template<typename T>
concept FingerprintedTeacher = Teacher<T> && requires(const T teacher) {
  { teacher.fingerprint() } -> std::same_as<std::uint64_t>;
};

struct cache_options {
  std::string path{};  ///< of the file; it is made if it is not there, its folder is not
  /// Highest logits of an answer that are kept, beside the mass of the others; 0: all of them.
  std::int64_t keep = 0;
  torch::ScalarType as = torch::kFloat32;  ///< or kFloat16, kBFloat16
  /// Where few are kept: the others get equal logits, so high that at this temperature, and there
  /// alone, they have together the mass that they had.
  temperature mass_at{1.0};
  bool read_only = false;      ///< take no lock and keep nothing new; the file must be there
  std::int64_t probes = 1024;  ///< views that are made to see whether the agents are the same ones
};

/// How often a cached teacher was asked, in examples.
struct cache_tally {
  std::int64_t found = 0;  ///< answers that were there
  std::int64_t kept = 0;   ///< given by the teacher and kept
  /// Given by the teacher and not kept: batches of no recurring view, examples that are not of the
  /// data set, pixels that differ from those that were answered before under the same number.
  std::int64_t passed_on = 0;
};

/// Answers from a file what the wrapped teacher has answered before; `cached(...)` makes one.
///
/// A row belongs to (number of the view, id). The number comes with the batch (`batch::view`), and
/// a row counts only if the pixels that it was given for, as the network takes them
/// (`normalised_inputs`), have the sum of the pixels that are asked about: whatever was done to a
/// view after it got its number, an answer is never that to another image. Where a batch lacks one
/// answer, the teacher is asked about the whole batch, so that rounding does not depend on what is
/// there.
///
/// Answers are float32. Kept whole as float32 they have the teacher's bits. As half or bfloat16,
/// logits are kept as distances from the highest of the row: a distance is off by at most 2^-11
/// (half; beyond 65504 it stays there) or 2^-8 (bfloat16) of itself. With `keep`, see
/// `cache_options`. In each case the first answer is already the one that will be read later.
///
/// Copies share the file. One process at a time may write, any may read along; a row is there whole
/// or not at all, after a kill too. Several threads may ask. Inputs on another device are copied to
/// the CPU to be summed, which waits for them.
template<typename Wrapped>
class cached_teacher {
  static_assert(FingerprintedTeacher<Wrapped>,
                "cached_teacher wants a Teacher with std::uint64_t fingerprint() const; "
                "frozen(network) has one");

 public:
  static constexpr bool has_state = false;  // what is kept changes no answer

  /// @throws std::invalid_argument for options that make no sense, and for a file that was made for
  ///         other data, views, teacher or options; it says what differs
  /// @throws std::runtime_error if the file cannot be made or opened, is damaged or truncated, is
  ///         written by somebody else, or there is no space for it
  cached_teacher(Wrapped teacher, const cache_options& options, answer_origin origin,
                 std::int64_t classes)
      : teacher_{std::move(teacher)},
        form_{classes, options.keep == 0 ? classes : options.keep, options.as,
              options.mass_at.value()}
  {
    detail::require_form(form_);
    origin.teacher_sum = teacher_.fingerprint();
    kept_ = std::make_shared<kept>(options.path, origin, form_, options.read_only);
  }

  /// @throws std::invalid_argument if features are wanted, or an answer to be kept is not float32,
  ///         or less, of `[N, classes]`
  [[nodiscard]] response respond(const batch& examples, taps wanted = {}) const
  {
    if (wanted.features)
      refuse("cached_teacher",
             "features are not kept; take a loss on logits, or ask the teacher "
             "itself");
    const torch::NoGradGuard without_graph;
    if (examples.view.count != kept_->store.views() || examples.size() == 0) {
      {
        const std::lock_guard lock{kept_->guard};
        kept_->tally.passed_on += examples.size();
      }
      return teacher_.respond(examples);
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

  [[nodiscard]] const Wrapped& teacher() const noexcept { return teacher_; }
  /// Of the wrapped teacher.
  [[nodiscard]] std::uint64_t fingerprint() const { return teacher_.fingerprint(); }
  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("teacher", teacher_);
    archive.show("form", form_);
  }
  [[nodiscard]] cache_tally tally() const
  {
    const std::lock_guard lock{kept_->guard};
    return kept_->tally;
  }
  /// Answers in the file that are whole; reads all of it.
  [[nodiscard]] std::int64_t size() const
  {
    const std::lock_guard lock{kept_->guard};
    return kept_->store.count();
  }

 private:
  using found = detail::answer_store::found;

  struct kept {
    kept(const std::string& path, const answer_origin& origin, const detail::answer_form& form,
         bool read_only)
        : store{path, origin, form, read_only}
    {}
    std::mutex guard;
    detail::answer_store store;
    cache_tally tally;
  };

  /// Where the answer to an example is, and to which pixels.
  struct place {
    std::int64_t row;
    std::uint64_t pixels;
  };

  [[nodiscard]] std::vector<place> places_of(const batch& examples) const
  {
    const auto& ids = examples.ids;
    if (!ids.defined() || ids.scalar_type() != torch::kLong || ids.dim() != 1 ||
        ids.size(0) != examples.size())
      refuse("cached_teacher", "want ids of int64 [", examples.size(), "], got ",
             ids.defined() ? detail::classic_text(ids.scalar_type(), " ", ids.sizes())
                           : "an undefined tensor");
    const auto id = ids.cpu().contiguous();
    const auto x = normalised_inputs(examples).cpu();
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

  /// @return whether every answer was there
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

  /// Asks the teacher; keeps what is not there.
  void ask(const batch& examples, const std::vector<place>& asked, torch::Tensor& bytes) const
  {
    const auto logits = teacher_.respond(examples).logits;
    if (!logits.defined() || logits.dim() != 2 || logits.size(0) != examples.size() ||
        logits.size(1) != form_.classes || !logits.is_floating_point() || logits.element_size() > 4)
      refuse("cached_teacher", "want logits of Float [", examples.size(), ", ", form_.classes,
             "], got ",
             logits.defined() ? detail::classic_text(logits.scalar_type(), " ", logits.sizes())
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
  detail::answer_form form_;
  std::shared_ptr<kept> kept_;
};

}  // namespace rolewise
