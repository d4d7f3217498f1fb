// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `systems/`: complete methods, composed of the parts of the other stages.

#include <rolewise/systems/backward_kd.hpp>
#include <rolewise/systems/comparative_distillation.hpp>
#include <rolewise/systems/cutmix_pick.hpp>
#include <rolewise/systems/dada.hpp>
#include <rolewise/systems/fast_auto_augment.hpp>
#include <rolewise/systems/faster_auto_augment.hpp>
#include <rolewise/systems/function_matching.hpp>
#include <rolewise/systems/generations.hpp>
#include <rolewise/systems/ikd.hpp>
#include <rolewise/systems/lightweight_teacher.hpp>
#include <rolewise/systems/meta_pseudo_labels.hpp>
#include <rolewise/systems/nasty_teacher.hpp>
#include <rolewise/systems/policy_search.hpp>
#include <rolewise/systems/relational_representation.hpp>
#include <rolewise/systems/role_wise_search.hpp>
#include <rolewise/systems/search_cost.hpp>
#include <rolewise/systems/search_rewards.hpp>
#include <rolewise/systems/search_splits.hpp>
#include <rolewise/systems/student_search.hpp>
#include <rolewise/systems/teach_augment.hpp>
#include <rolewise/systems/teacher_search.hpp>
#include <rolewise/systems/tst.hpp>
