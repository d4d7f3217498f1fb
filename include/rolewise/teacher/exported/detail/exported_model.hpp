// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What teachers from exported models have in common: the file, the inputs and a first evaluation.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Returns what a file of a model is, as far as its bytes tell, or nothing.
[[nodiscard]] ROLEWISE_INLINE std::string_view kind_of_model(std::string_view bytes);

/// The same of the file at a path.
/// @throws std::runtime_error that names the file and the system's reason
[[nodiscard]] ROLEWISE_INLINE std::string_view kind_of_model_file(const std::string& path);

/// Checksum of the bytes of a file.
/// @throws std::runtime_error that names the file and the system's reason
[[nodiscard]] ROLEWISE_INLINE std::uint64_t sum_of_file(const std::string& path);

/// @param wanted the format, such as "a TorchScript file"
/// @param reason of LibTorch
/// @throws std::runtime_error that names the file and, if its bytes tell, what it is instead
[[noreturn]] ROLEWISE_INLINE void refuse_model_file(const std::string& path,
                                                    std::string_view wanted,
                                                    std::string_view reason);

/// Inputs as a model exported from Python gets them there: images normalized, contiguous; vectors
/// in a floating-point type; token indices as they are.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor exported_inputs(const batch& examples,
                                                            torch::ScalarType floating);

/// Two examples of a shape, not all zeros, for a first evaluation.
[[nodiscard]] ROLEWISE_INLINE batch two_examples(const sample_shape& shape, torch::Device device);

/// @throws std::invalid_argument unless the logits of the first evaluation have a class axis of the
///         shape's size
ROLEWISE_INLINE void require_classes(std::string_view who, const outputs& found,
                                     const sample_shape& shape);

/// @throws std::invalid_argument unless two evaluations of the same examples gave the same logits
ROLEWISE_INLINE void require_repeated(std::string_view who, const outputs& first,
                                      const outputs& second);

/// Shapes of one example from the features of a batch.
[[nodiscard]] ROLEWISE_INLINE feature_shapes shapes_of_examples(const outputs& found);

/// @throws std::invalid_argument unless the two sets are equal
ROLEWISE_INLINE void require_same_taps(std::string_view who, const taps& offered,
                                       const taps& listed);

/// Checks the taps of a list of features.
/// @throws std::invalid_argument unless they are those that the type of the teacher offers
template<typename Place>
void require_features(std::string_view who, const taps& offered,
                      const std::vector<std::pair<tap_id, Place>>& features)
{
  taps listed;
  for (const auto& [id, place] : features) listed.insert(id);
  require_same_taps(who, offered, listed);
}

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/teacher/exported/detail/implementation/exported_model.hpp>
#endif
