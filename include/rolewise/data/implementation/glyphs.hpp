// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/glyphs.hpp>.

#include <rolewise/data/glyphs.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE dataset drawn_glyphs(const glyph_options& options,
                                     const std::vector<glyph>& alphabet, std::int64_t first,
                                     std::int64_t count)
{
  dataset result;
  result.shape = {options.channels, options.height, options.width, options.classes};
  result.inputs = at::empty({count, options.channels, options.height, options.width}, torch::kByte);
  result.labels = at::arange(count, torch::kLong).remainder_(options.classes);
  result.ids = at::arange(first, first + count, torch::kLong);
  result.name = "glyphs";
  auto* const out = result.inputs.mutable_data_ptr<std::uint8_t>();
  const auto key = options.seed.split(purpose{"glyph images"});
  const auto bytes = options.channels * options.height * options.width;
  parallel_for_ranges(count, 16, [&](std::int64_t begin, std::int64_t end) {
    for (auto n = begin; n < end; ++n)
      draw_glyph(alphabet[static_cast<std::size_t>(n % options.classes)], key, first + n,
                 result.shape, out + n * bytes);
  });
  return result;
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE dataset_splits glyphs(const glyph_options& options)
{
  if (options.classes < 2 || options.classes > 1000)
    throw_invalid_argument("glyphs", "want 2 to 1000 classes, got ", options.classes);
  if (options.height < 8 || options.width < 8)
    throw_invalid_argument("glyphs", "want images of at least 8 x 8 pixels, got ", options.height,
                           " x ", options.width);
  if (options.channels != 1 && options.channels != 3)
    throw_invalid_argument("glyphs", "want 1 or 3 channels, got ", options.channels);
  if (options.train < options.classes)
    throw_invalid_argument("glyphs", "want at least one training example for each of ",
                           options.classes, " classes, got ", options.train);
  if (options.test < 0)
    throw_invalid_argument("glyphs", "want 0 or more test examples, got ", options.test);

  const auto alphabet =
      detail::glyph_alphabet(options.seed.split(purpose{"glyph alphabet"}), options.classes);
  dataset_splits result;
  result.train = detail::drawn_glyphs(options, alphabet, 0, options.train);
  result.test = detail::drawn_glyphs(options, alphabet, options.train, options.test);
  result.shape = result.train.shape;
  result.train.normalization = result.test.normalization = normalization_of(result.train.inputs);
  return result;
}

}  // namespace rolewise
