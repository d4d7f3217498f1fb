// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// All function bodies of `systems/`, for the unit that compiles them.

#include <rolewise/systems/detail/implementation/teach_augment_parts.hpp>
#include <rolewise/systems/detail/implementation/tst_parts.hpp>
#include <rolewise/systems/implementation/dada.hpp>
#include <rolewise/systems/implementation/fast_auto_augment.hpp>
#include <rolewise/systems/implementation/faster_auto_augment.hpp>
#include <rolewise/systems/implementation/lightweight_teacher.hpp>
#include <rolewise/systems/implementation/meta_pseudo_labels.hpp>
#include <rolewise/systems/implementation/search_cost.hpp>
#include <rolewise/systems/implementation/search_splits.hpp>
#include <rolewise/systems/implementation/teach_augment.hpp>
