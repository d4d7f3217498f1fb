// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `sanitized`: whether the address sanitizer watches this program. Without optimization and
/// watched, loops take ten to forty times as long, and no repetition tells the sanitizer more than
/// the first ones. Tests of distributions, of searches and of large networks therefore do less
/// there; in a plain build they do everything.

namespace rolewise::tests {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

/// How often something is repeated.
template<typename Count>
[[nodiscard]] constexpr Count repetitions(Count plain, Count watched)
{
  return sanitized ? watched : plain;
}

}  // namespace rolewise::tests
