// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/event_writer.hpp>.

#include <rolewise/report/event_writer.hpp>

#include <rolewise/report/contact_sheet.hpp>
#include <rolewise/report/detail/levels_found.hpp>
#include <rolewise/report/png.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/utf8.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace rolewise::report::detail {

/// Distinct values with their counts, at most 64: more are joined in bins, each at its center.
[[nodiscard]] ROLEWISE_INLINE std::vector<level_use> bins_of(const torch::Tensor& numbers)
{
  constexpr std::int64_t at_most = 64;
  auto all = distinct_in(numbers);
  if (all.size() <= at_most) return all;
  const double lowest = all.front().at, width = (all.back().at - lowest) / at_most;
  std::vector<level_use> bins(at_most);
  for (std::size_t i = 0; i < bins.size(); ++i)
    bins[i].at = lowest + width * (static_cast<double>(i) + 0.5);
  for (const auto& [at, count] : all) {
    const auto bin = static_cast<std::int64_t>((at - lowest) / width);
    bins[static_cast<std::size_t>(std::clamp<std::int64_t>(bin, 0, at_most - 1))].count += count;
  }
  return bins;
}

ROLEWISE_INLINE value_histogram histogram_of(const torch::Tensor& numbers)
{
  const auto values = numbers.detach().to(torch::kCPU, torch::kDouble);
  value_histogram found{.lowest = values.min().item<double>(),
                        .highest = values.max().item<double>(),
                        .count = static_cast<double>(values.numel()),
                        .sum = values.sum().item<double>(),
                        .squares = values.square().sum().item<double>()};
  const auto bins = bins_of(values);
  for (std::size_t i = 0; i < bins.size(); ++i) {
    const bool is_last = i + 1 == bins.size();
    const double gap =
        is_last ? (i == 0 ? 1.0 : bins[i].at - bins[i - 1].at) : bins[i + 1].at - bins[i].at;
    found.limits.push_back(bins[i].at + gap / 2);
    found.counts.push_back(static_cast<double>(bins[i].count));
  }
  return found;
}

/// A batch as one image, `columns` examples side by side.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor side_by_side(const batch& view, std::int64_t columns)
{
  if (!view.inputs.defined() || view.inputs.dim() != 4 || view.inputs.numel() == 0 || columns < 1)
    throw_invalid_argument("event_writer",
                           "want a view [N, C, H, W] that is not empty, and columns >= 1");
  const auto images = visible(view);
  const auto across = std::min(columns, images.size(0));
  const auto rows = (images.size(0) + across - 1) / across;
  auto whole =
      at::zeros({rows * across, images.size(1), images.size(2), images.size(3)}, images.options());
  whole.narrow(0, 0, images.size(0)).copy_(images);
  return whole.view({rows, across, images.size(1), images.size(2), images.size(3)})
      .permute({2, 0, 3, 1, 4})
      .reshape({images.size(1), rows * images.size(2), across * images.size(3)});
}

/// The begin of a value of a summary.
[[nodiscard]] ROLEWISE_INLINE protobuf_message value_named(std::string_view tag)
{
  if (!rolewise::detail::is_utf8(tag))
    throw_invalid_argument("event_writer", "the name '", rolewise::detail::valid_utf8(tag),
                           "' is no UTF-8, and readers would refuse the file");
  return protobuf_message{}.text(1, tag);
}

/// Creates the file of a writer; no other one has its name.
[[nodiscard]] ROLEWISE_INLINE std::pair<std::string, rolewise::detail::descriptor> new_event_file(
    const std::string& folder, double seconds)
{
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0') host = {"localhost"};
  for (int number = 0;; ++number) {
    std::array<char, 400> name{};
    (void)std::snprintf(name.data(), name.size(), "/events.out.tfevents.%010lld.%s.%lld.%d",
                        static_cast<long long>(seconds), host.data(),
                        static_cast<long long>(::getpid()), number);
    auto path = folder + name.data();
    auto file = rolewise::detail::open_file(path, O_WRONLY | O_CREAT | O_EXCL);
    if (file.is_open()) return {std::move(path), std::move(file)};
    if (errno != EEXIST)
      throw_runtime_error(path, "cannot be written: ", rolewise::detail::reason_of(errno));
  }
}

}  // namespace rolewise::report::detail

namespace rolewise::report {

ROLEWISE_INLINE event_writer::event_writer(const std::string& folder, clock now)
    : now_{std::move(now)}
{
  if (!now_)
    now_ = [] {
      using namespace std::chrono;
      return duration<double>(system_clock::now().time_since_epoch()).count();
    };
  if (folder.empty()) throw_invalid_argument("event_writer", "want a folder");
  const double seconds = now_();
  auto [path, file] = detail::new_event_file(folder, seconds);
  path_ = std::move(path);
  file_ = std::make_shared<const rolewise::detail::descriptor>(std::move(file));
  detail::protobuf_message version;
  version.number(1, seconds).text(3, "brain.Event:2");
  waiting_ = detail::event_record(version.bytes());
  flush();
}

ROLEWISE_INLINE detail::protobuf_message event_writer::event_at(std::int64_t step) const
{
  if (!file_) throw_invalid_argument("event_writer", "has no file: make it with a folder");
  detail::protobuf_message event;
  event.number(1, now_()).integer(2, step);
  return event;
}

ROLEWISE_INLINE void event_writer::add(const detail::protobuf_message& value, std::int64_t step)
{
  detail::protobuf_message summary;
  summary.message(1, value);
  waiting_ += detail::event_record(event_at(step).message(5, summary).bytes());
}

ROLEWISE_INLINE void event_writer::add_scalar(std::string_view tag, double value, std::int64_t step)
{
  add(detail::value_named(tag).single(2, static_cast<float>(value)), step);
}

ROLEWISE_INLINE void event_writer::add_image(std::string_view tag, const torch::Tensor& image,
                                             std::int64_t step)
{
  const auto png = png_bytes(image);
  detail::protobuf_message picture;
  picture.integer(1, image.size(1)).integer(2, image.size(2)).integer(3, image.size(0));
  picture.text(4, png);
  add(detail::value_named(tag).message(4, picture), step);
}

ROLEWISE_INLINE void event_writer::add_view(std::string_view tag, const batch& view,
                                            std::int64_t step, std::int64_t columns)
{
  add_image(tag, detail::side_by_side(view, columns), step);
}

ROLEWISE_INLINE void event_writer::add_histogram(std::string_view tag, const torch::Tensor& numbers,
                                                 std::int64_t step)
{
  if (!numbers.defined() || numbers.numel() == 0)
    throw_invalid_argument("event_writer", "want numbers for the histogram ", tag, ", got none");
  if (!numbers.isfinite().all().item<bool>())
    throw_runtime_error("event_writer", "the numbers of the histogram ", tag,
                        " are not all finite");
  const auto found = detail::histogram_of(numbers);
  detail::protobuf_message histogram;
  histogram.number(1, found.lowest).number(2, found.highest).number(3, found.count);
  histogram.number(4, found.sum).number(5, found.squares);
  histogram.numbers(6, found.limits).numbers(7, found.counts);
  add(detail::value_named(tag).message(5, histogram), step);
}

ROLEWISE_INLINE void event_writer::begin_at(std::int64_t step)
{
  constexpr std::int64_t start = 1;  // SessionLog.START
  detail::protobuf_message session;
  session.integer(1, start);
  waiting_ += detail::event_record(event_at(step).message(7, session).bytes());
}

ROLEWISE_INLINE void event_writer::flush()
{
  if (!file_ || waiting_.empty()) return;
  const auto bytes = std::exchange(waiting_, {});
  const auto end = ::lseek(file_->number(), 0, SEEK_CUR);
  if (const int error = rolewise::detail::write_all(*file_, bytes); error != 0) {
    // Readers would take nothing after part of a record.
    if (end < 0 || ::ftruncate(file_->number(), end) != 0 ||
        ::lseek(file_->number(), end, SEEK_SET) != end)
      file_ = {};
    throw_runtime_error(path_, "cannot be written: ", rolewise::detail::reason_of(error));
  }
}

}  // namespace rolewise::report
