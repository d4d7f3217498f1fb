// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// All function bodies of `data/`, for the unit that compiles them.

#include <rolewise/data/detail/implementation/decode_jpeg.hpp>
#include <rolewise/data/detail/implementation/decode_png.hpp>
#include <rolewise/data/detail/implementation/decoded_image.hpp>
#include <rolewise/data/detail/implementation/file_bytes.hpp>
#include <rolewise/data/detail/implementation/glyph_alphabet.hpp>
#include <rolewise/data/detail/implementation/glyph_drawing.hpp>
#include <rolewise/data/detail/implementation/joined.hpp>
#include <rolewise/data/detail/implementation/picture_folders.hpp>
#include <rolewise/data/detail/implementation/read_picture.hpp>
#include <rolewise/data/implementation/batch_options.hpp>
#include <rolewise/data/implementation/batches.hpp>
#include <rolewise/data/implementation/cifar.hpp>
#include <rolewise/data/implementation/class_groups.hpp>
#include <rolewise/data/implementation/class_labels.hpp>
#include <rolewise/data/implementation/composed_digits.hpp>
#include <rolewise/data/implementation/dataset.hpp>
#include <rolewise/data/implementation/gathered_batches.hpp>
#include <rolewise/data/implementation/glyphs.hpp>
#include <rolewise/data/implementation/idx.hpp>
#include <rolewise/data/implementation/image_folder.hpp>
#include <rolewise/data/implementation/normalization_of.hpp>
#include <rolewise/data/implementation/open.hpp>
#include <rolewise/data/implementation/relabeled.hpp>
#include <rolewise/data/implementation/sample_tuples.hpp>
#include <rolewise/data/implementation/splits.hpp>
