// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `BatchSource` concept: the batches of each epoch, as training and evaluation take them.
///
/// [data] -> agent -> teacher/student -> loss -> train -> report

#include <rolewise/core/batch.hpp>
#include <rolewise/data/batch_options.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>

namespace rolewise {

namespace source_must {

template<typename S>
concept count_the_examples_of_an_epoch = requires(const S source) {
  { source.size() } -> std::convertible_to<std::int64_t>;
};

template<typename S>
concept carry_a_name_for_the_report = requires(const S source) {
  { source.name } -> std::convertible_to<std::string>;
} || requires(const S source) {
  { source.name() } -> std::convertible_to<std::string>;
};

template<typename S>
concept tell_the_shape_of_an_example = requires(const S source) {
  { source.shape } -> std::convertible_to<sample_shape>;
} || requires(const S source) {
  { source.shape() } -> std::convertible_to<sample_shape>;
};

template<typename S>
concept have_a_fingerprint = requires(const S source) {
  { source.fingerprint() } -> std::same_as<std::uint64_t>;
};

template<typename E>
concept make_the_batch_of_a_step =
    std::copy_constructible<E> && requires(const E epoch, std::int64_t step, batch_memory memory) {
      { epoch(step, memory) } -> std::same_as<batch>;
    };

template<typename S>
concept begin_an_epoch = requires(const S source, const batch_options options) {
  { source.epoch(options) } -> make_the_batch_of_a_step;
};

}  // namespace source_must

/// A source of batches: what `fit`, `evaluate`, calibration and searches take as data. A `dataset`
/// is one; others generate their examples, group them (`class_groups`) or cut them from a stream.
///
///   - `size()`: the number of examples of an epoch
///   - `name`, a string, and `shape`, a `sample_shape`: members, or member functions without
///     arguments. `shape.classes` bounds the hard labels
///   - `fingerprint()`, 64 bits: identifies the examples. A run records it and is not resumed on a
///     source with another one
///   - `epoch(options)`: the batches of one epoch, as a function `(step, memory)` that returns the
///     `batch` of a step, 0 .. number of batches - 1. It is asked for any step, in any order
///
/// Optional:
///   - `batch_count(options)`: the number of batches of an epoch, the same in every epoch. Without
///     it, batches have `options.size` examples, and the last one what is left
///     (`options.drop_last` leaves it out)
///   - `examples()`: all examples as one batch that shares their memory. Labels are then checked
///     before the first step instead of batch by batch, and evaluation copies nothing
///
/// Required beyond the syntax (`tests/laws/batch_source.hpp`): a batch is a function of the source,
/// of the step and of the options `size`, `seed`, `epoch`, `shuffle` and `drop_last` alone, with
/// draws as in `core/draws.hpp`. Several threads call the function at the same time, each with a
/// `memory` of its own, which the function may take its tensors from, and in a search the members
/// of the source too. The function outlives the source, so it owns or shares what it reads. A batch
/// has an id for each example. Its tensors are not written once they are returned.
template<typename S>
concept BatchSource =
    source_must::count_the_examples_of_an_epoch<S> && source_must::carry_a_name_for_the_report<S> &&
    source_must::tell_the_shape_of_an_example<S> && source_must::have_a_fingerprint<S> &&
    source_must::begin_an_epoch<S>;

namespace detail {

/// The name of a source, whether it is a member or a function.
template<source_must::carry_a_name_for_the_report S>
[[nodiscard]] std::string name_of(const S& source)
{
  if constexpr (requires { source.name(); })
    return source.name();
  else
    return source.name;
}

/// The shape of the examples of a source, whether it is a member or a function.
template<source_must::tell_the_shape_of_an_example S>
[[nodiscard]] sample_shape shape_of(const S& source)
{
  if constexpr (requires { source.shape(); })
    return source.shape();
  else
    return source.shape;
}

}  // namespace detail

/// Whether a source shows all its examples: it has `examples()`.
template<typename S>
[[nodiscard]] consteval bool shows_examples()
{
  return requires(const S source) {
    { source.examples() } -> std::same_as<batch>;
  };
}

/// Whether a source counts its batches itself, so that their sizes may be any.
template<typename S>
[[nodiscard]] consteval bool counts_batches()
{
  return requires(const S source, const batch_options options) {
    { source.batch_count(options) } -> std::convertible_to<std::int64_t>;
  };
}

/// Number of batches of a whole epoch of a source, without regard to `first_step`.
/// @throws std::invalid_argument unless the size of a batch is above 0
template<BatchSource S>
[[nodiscard]] std::int64_t batch_count(const S& source, const batch_options& options)
{
  const auto regular = batch_count(static_cast<std::int64_t>(source.size()), options);
  if constexpr (counts_batches<S>())
    return source.batch_count(options);
  else
    return regular;
}

}  // namespace rolewise
