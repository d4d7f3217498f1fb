// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `event_writer`: writes numbers, images and histograms as an event file of TensorBoard.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/report/detail/event_records.hpp>
#include <rolewise/report/quantization_report.hpp>
#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace rolewise::report {

namespace detail {

/// The histogram of numbers that are finite and not empty: a bin for each distinct one, as levels
/// have; of more than 64 distinct ones 64 bins of one width.
[[nodiscard]] ROLEWISE_INLINE value_histogram histogram_of(const torch::Tensor& numbers);

}  // namespace detail

/// A writer of one event file, `events.out.tfevents.<seconds>.<host>.<process>.<number>`: a file of
/// its own for each writer, as TensorBoard reads all those of a folder. Copies write to the same
/// file. Names of numbers, images and histograms (tags) are UTF-8; those with a common `prefix/`
/// are shown together.
///
/// @par Source
/// TensorFlow: event.proto and summary.proto; events of the version `brain.Event:2`.
class event_writer {
 public:
  /// Wall time in seconds since 1970.
  using clock = std::function<double()>;

  event_writer() = default;
  /// @param folder has to exist
  /// @param now of the events and the file's name; empty: the time of the system
  /// @throws std::runtime_error that names the file if it cannot be written
  explicit event_writer(const std::string& folder, clock now = {});

  [[nodiscard]] const std::string& path() const { return path_; }

  void add_scalar(std::string_view tag, double value, std::int64_t step);
  /// @param image `[1, H, W]` or `[3, H, W]`, uint8
  void add_image(std::string_view tag, const torch::Tensor& image, std::int64_t step);
  /// The images of a view side by side, normalization undone.
  /// @param view `[N, C, H, W]`, 1 or 3 channels
  /// @param columns at least 1
  void add_view(std::string_view tag, const batch& view, std::int64_t step,
                std::int64_t columns = 8);
  /// @param numbers of any shape, not empty and finite
  void add_histogram(std::string_view tag, const torch::Tensor& numbers, std::int64_t step);

  /// A histogram for each layer of a network with fewer than 32 bits, of the levels that its
  /// weights have in evaluation: `levels/<layer>`.
  template<typename Network>
  void add_levels(Network& of, std::int64_t step)
  {
    const torch::NoGradGuard without_graph;
    detail::quantizer_walk walk{
        [&](auto& weights) {
          weights.show_levels(
              [&](const layer_id& place, bit_width bits, const torch::Tensor&, const quantized& q) {
                if (!bits.is_full()) add_histogram("levels/" + place.name, q.levels, step);
              });
        },
        [](auto&) {}};
    of.visit_state(walk);
  }

  /// Begins the steps of a run, from `step`: TensorBoard drops those of earlier files from there
  /// on, which a killed run wrote after its last checkpoint.
  void begin_at(std::int64_t step);

  /// Writes what was added.
  /// @throws std::runtime_error that names the file if it cannot be written; the file then ends
  ///         with a whole event, and what was added since the last `flush` is lost
  void flush();

 private:
  void add(const detail::protobuf_message& value, std::int64_t step);
  [[nodiscard]] detail::protobuf_message event_at(std::int64_t step) const;

  clock now_{};
  std::string path_{}, waiting_{};
  std::shared_ptr<const rolewise::detail::descriptor> file_{};
};

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/event_writer.hpp>
#endif
