// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `embedding` layer: a table of learned vectors.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <utility>

namespace rolewise {

/// Embedding: learned vectors `[count, D]`, looked up by index, such as tokens of a vocabulary,
/// positions, or the one class token of an image.
///
/// It is never quantized: a lookup multiplies nothing. Reports count it among the other parameters,
/// in 32 bits. It is at least single precision.
class embedding {
 public:
  /// @param start `[count, D]`, such as of `weight_init::of_embedding`
  explicit embedding(const torch::Tensor& start) : weight_{start.detach().set_requires_grad(true)}
  {}

  /// The vectors of indices int64 of any shape.
  /// @return the shape of the indices, and D
  /// @throws c10::IndexError on the CPU for an index that is not in 0 .. count - 1
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& indices) const;

  /// All vectors, `[count, D]`.
  [[nodiscard]] const torch::Tensor& table() const { return weight_; }

  /// The first vectors, `[count, D]`.
  [[nodiscard]] torch::Tensor first(std::int64_t count) const
  {
    return weight_.narrow(0, 0, count);
  }

  void cast(torch::ScalarType type);

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", weight_);
  }

 private:
  torch::Tensor weight_;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/embedding.hpp>
#endif
