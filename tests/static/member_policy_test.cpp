// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/teacher/selected_teacher.hpp>

#include <cstddef>
#include <tuple>
#include <vector>

namespace {

using namespace rolewise::policy_must;
using rolewise::batch;
using rolewise::MemberPolicy;
using rolewise::outputs;
using rolewise::taps;
using rolewise::TeacherMembers;

struct least_by_logits {
  torch::Tensor operator()(const std::vector<torch::Tensor>&, const batch&) const { return {}; }
};
static_assert(choose_by_logits<least_by_logits> && !choose_in_advance<least_by_logits>);
static_assert(MemberPolicy<least_by_logits>);

struct least_in_advance {
  torch::Tensor operator()(std::size_t, const batch&) const { return {}; }
};
static_assert(choose_in_advance<least_in_advance> && !choose_by_logits<least_in_advance>);
static_assert(MemberPolicy<least_in_advance>);

// Each of these violates one requirement.

struct chooses_one_for_all {
  std::size_t operator()(std::size_t, const batch&) const { return 0; }
};
static_assert(!MemberPolicy<chooses_one_for_all>);

struct changes_as_it_chooses {
  torch::Tensor operator()(std::size_t, const batch&) { return {}; }
};
static_assert(!MemberPolicy<changes_as_it_chooses>);

struct cannot_be_copied : least_in_advance {
  cannot_be_copied(const cannot_be_copied&) = delete;
};
static_assert(choose_in_advance<cannot_be_copied>);
static_assert(!MemberPolicy<cannot_be_copied>);

// Members: frozen teachers.

struct still {
  static constexpr bool has_state = false;
  outputs forward(const batch&, taps) const { return {}; }
};
struct moving {
  outputs forward(const batch&, taps) const { return {}; }
};
static_assert(TeacherMembers<std::vector<still>> && TeacherMembers<std::tuple<still, still>>);
static_assert(!TeacherMembers<std::vector<moving>> && !TeacherMembers<std::tuple<still, moving>>);
static_assert(!TeacherMembers<std::tuple<>> && !TeacherMembers<still>);

}  // namespace
