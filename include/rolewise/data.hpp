// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `data/`: data sets, readers, splits, batches and other sources of them.

#include <rolewise/data/batch_cycle.hpp>
#include <rolewise/data/batch_options.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/data/cifar.hpp>
#include <rolewise/data/class_groups.hpp>
#include <rolewise/data/class_labels.hpp>
#include <rolewise/data/composed_digits.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/data/gathered_batches.hpp>
#include <rolewise/data/glyphs.hpp>
#include <rolewise/data/idx.hpp>
#include <rolewise/data/image_folder.hpp>
#include <rolewise/data/normalization_of.hpp>
#include <rolewise/data/open.hpp>
#include <rolewise/data/relabeled.hpp>
#include <rolewise/data/sample_tuples.hpp>
#include <rolewise/data/splits.hpp>
