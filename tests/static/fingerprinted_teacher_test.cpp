// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/teacher/cached_teacher.hpp>
#include <rolewise/teacher/frozen.hpp>

#include <cstdint>

namespace {

using rolewise::batch;
using rolewise::FingerprintedTeacher;
using rolewise::outputs;
using rolewise::taps;
using rolewise::Teacher;

struct least_that_conforms {
  outputs forward(const batch&, taps) const { return {}; }
  std::uint64_t fingerprint() const { return 1; }
};
static_assert(FingerprintedTeacher<least_that_conforms>);

// Each of these violates one requirement.

struct without_a_fingerprint {
  outputs forward(const batch&, taps) const { return {}; }
};
static_assert(Teacher<without_a_fingerprint> && !FingerprintedTeacher<without_a_fingerprint>);

struct prints_half : without_a_fingerprint {
  std::uint32_t fingerprint() const { return 1; }
};
static_assert(!FingerprintedTeacher<prints_half>);

struct is_changed_by_its_print : without_a_fingerprint {
  std::uint64_t fingerprint() { return 1; }
};
static_assert(!FingerprintedTeacher<is_changed_by_its_print>);

struct prints_and_is_silent {
  std::uint64_t fingerprint() const { return 1; }
};
static_assert(!FingerprintedTeacher<prints_and_is_silent>);

// A cached teacher satisfies the concept, so it can be cached again.
static_assert(FingerprintedTeacher<rolewise::cached_teacher<least_that_conforms>>);
static_assert(!rolewise::cached_teacher<least_that_conforms>::has_state);

}  // namespace
