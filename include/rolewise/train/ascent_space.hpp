// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Where an `ascent` moves examples that two networks read: inputs, or embeddings of tokens.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/batch.hpp>
#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/network/token_table.hpp>
#include <rolewise/support/inline.hpp>

#include <concepts>
#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise {

/// A space in which examples are moved: `start` gives the points of a batch, `[N, ...]` floating
/// point, `movable` what of them may move (undefined for all), `for_student` and `for_teacher`
/// the batches that the networks read at other points. `begin(student, teacher)` comes before these
/// whenever the student is another.
template<typename S>
concept AscentSpace =
    std::copyable<S> && requires(const S space, const batch examples, const torch::Tensor points) {
      { space.movable(examples) } -> std::same_as<torch::Tensor>;
      { space.for_student(examples, points) } -> std::same_as<batch>;
      { space.for_teacher(examples, points) } -> std::same_as<batch>;
    };

/// The inputs themselves, which both networks share: normalized images, or vectors.
struct input_space {
  static constexpr bool has_state = false;

  template<typename S, typename T>
  void begin(const S&, const T&) const
  {}
  template<typename S>
  [[nodiscard]] torch::Tensor start(const batch& examples, const S&) const
  {
    return examples.inputs;
  }
  [[nodiscard]] torch::Tensor movable(const batch&) const { return {}; }
  [[nodiscard]] batch for_student(batch examples, const torch::Tensor& points) const
  {
    examples.inputs = points;
    return examples;
  }
  [[nodiscard]] batch for_teacher(batch examples, const torch::Tensor& points) const
  {
    return for_student(std::move(examples), points);
  }
};

/// The embeddings of tokens, which have no gradient themselves: points are those of the student,
/// and the teacher reads e Q with the linear map Q from the student's table to its own
/// (`embedding_map`), made whenever the student is another.
///
/// Padding and `special_tokens` stay as they are. The networks have one vocabulary and read
/// embeddings (`ReadsEmbeddings`), as `text_transformer` does.
struct embedding_space {
  std::vector<std::int64_t> special_tokens{};  ///< indices that do not move, such as separators

  owned_tensor map{};  ///< Q, state; do not set

  /// @throws std::invalid_argument for tables of different vocabularies
  template<typename S, typename T>
  void begin(const S& student, const T& teacher)
  {
    static_assert(ReadsEmbeddings<S> && ReadsEmbeddings<T>,
                  "embedding_space: student and teacher must read embeddings in the place of "
                  "tokens and show their token_table() (rolewise/network/token_table.hpp)");
    map = owned_tensor{embedding_map(token_table(student), token_table(teacher))};
  }
  template<typename S>
  [[nodiscard]] torch::Tensor start(const batch& examples, const S& student) const
  {
    return embeddings_of(examples, token_table(student)).detach();
  }
  /// @return `[N, L, 1]` bool
  [[nodiscard]] torch::Tensor movable(const batch& examples) const;
  [[nodiscard]] batch for_student(batch examples, const torch::Tensor& points) const
  {
    examples.inputs = points;
    return examples;
  }
  /// @throws std::invalid_argument before `begin`
  [[nodiscard]] batch for_teacher(batch examples, const torch::Tensor& points) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.buffer("map", *map);
  }
  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("special_tokens", special_tokens);
  }
};

static_assert(AscentSpace<input_space> && AscentSpace<embedding_space>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/ascent_space.hpp>
#endif
