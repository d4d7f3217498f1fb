// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `data/`: data sets, readers, splits, batches.

#include <rolewise/data/batches.hpp>
#include <rolewise/data/cifar.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/data/glyphs.hpp>
#include <rolewise/data/idx.hpp>
#include <rolewise/data/image_folder.hpp>
#include <rolewise/data/normalization_of.hpp>
#include <rolewise/data/open.hpp>
#include <rolewise/data/relabeled.hpp>
#include <rolewise/data/splits.hpp>
