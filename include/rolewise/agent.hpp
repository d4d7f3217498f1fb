// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Who changes the examples, for whom.

#include <rolewise/agent/aug_mix.hpp>
#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/augmentation_policy.hpp>
#include <rolewise/agent/auto_augment.hpp>
#include <rolewise/agent/auto_augment_policies.hpp>
#include <rolewise/agent/cached.hpp>
#include <rolewise/agent/cutmix.hpp>
#include <rolewise/agent/cutout.hpp>
#include <rolewise/agent/fast.hpp>
#include <rolewise/agent/hardest_view.hpp>
#include <rolewise/agent/image_program.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/interpolation.hpp>
#include <rolewise/agent/mixture.hpp>
#include <rolewise/agent/mixup.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/operation.hpp>
#include <rolewise/agent/operation_by_name.hpp>
#include <rolewise/agent/operations.hpp>
#include <rolewise/agent/operations_colour.hpp>
#include <rolewise/agent/operations_geometric.hpp>
#include <rolewise/agent/operations_histogram.hpp>
#include <rolewise/agent/operations_warp.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/partners.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/agent/policy_agent.hpp>
#include <rolewise/agent/policy_log.hpp>
#include <rolewise/agent/policy_text.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/agent/recurring_views.hpp>
#include <rolewise/agent/searched_schedule.hpp>
#include <rolewise/agent/sequence.hpp>
#include <rolewise/agent/students_view.hpp>
#include <rolewise/agent/sub_policy.hpp>
#include <rolewise/agent/trivial_augment.hpp>
#include <rolewise/agent/trivial_augment_wide.hpp>
#include <rolewise/agent/uniform_augment.hpp>
#include <rolewise/agent/view_of.hpp>
#include <rolewise/agent/views.hpp>
#include <rolewise/agent/warp.hpp>
