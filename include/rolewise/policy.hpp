// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `policy/`: augmentation policies, their schedules, texts and logs.

#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/auto_augment_policies.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/policy/operation_by_name.hpp>
#include <rolewise/policy/policy_log.hpp>
#include <rolewise/policy/policy_text.hpp>
#include <rolewise/policy/searched_schedule.hpp>
#include <rolewise/policy/sub_policy.hpp>
#include <rolewise/policy/sub_policy_text.hpp>
