// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// All function bodies of `policy/`, for the unit that compiles them.

#include <rolewise/policy/detail/implementation/read_levels.hpp>
#include <rolewise/policy/detail/implementation/read_policy_json.hpp>
#include <rolewise/policy/detail/implementation/read_sub_policy_json.hpp>
#include <rolewise/policy/implementation/augmentation_policy.hpp>
#include <rolewise/policy/implementation/auto_augment_policies.hpp>
#include <rolewise/policy/implementation/operation_by_name.hpp>
#include <rolewise/policy/implementation/policy_log.hpp>
#include <rolewise/policy/implementation/policy_text.hpp>
#include <rolewise/policy/implementation/searched_schedule.hpp>
#include <rolewise/policy/implementation/sub_policy.hpp>
#include <rolewise/policy/implementation/sub_policy_text.hpp>
