// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/checkpoint.hpp>.

#include <rolewise/train/checkpoint.hpp>

namespace rolewise {

ROLEWISE_INLINE void write_snapshot(const std::string& path, const snapshot& entries)
{
  const auto [header, content] = detail::encoded_state(entries);
  detail::write_safetensors_file(path, header, content);
}

}  // namespace rolewise
