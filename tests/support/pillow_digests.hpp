// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// CRC-32 of what Pillow 13.0.0 makes of the test images; written by pillow_digests.py.

#include <rolewise/agent/image_layers.hpp>
#include <rolewise/agent/resampling.hpp>
#include <rolewise/policy/operation.hpp>

#include <cstdint>

namespace rolewise::tests {

/// One operation, all its parameters and all patterns.
struct pillow_digest {
  operation what;
  std::int64_t channels, height, width;
  std::uint32_t crc;
};

inline constexpr pillow_digest pillow_digests[] = {
    {operation::rotate, 3, 7, 9, 0x1E346965},
    {operation::translate_x, 3, 7, 9, 0x1A83294E},
    {operation::translate_y, 3, 7, 9, 0x5802953F},
    {operation::brightness, 3, 7, 9, 0xB0611554},
    {operation::color, 3, 7, 9, 0xD321CDE5},
    {operation::invert, 3, 7, 9, 0xED2DCBC2},
    {operation::sharpness, 3, 7, 9, 0xF0993720},
    {operation::posterize, 3, 7, 9, 0x3A6F2932},
    {operation::shear_x, 3, 7, 9, 0x2A5650C3},
    {operation::solarize, 3, 7, 9, 0x69E28A1F},
    {operation::shear_y, 3, 7, 9, 0xDCC0584F},
    {operation::equalize, 3, 7, 9, 0x61FF521C},
    {operation::autocontrast, 3, 7, 9, 0x4910CE9B},
    {operation::cutout, 3, 7, 9, 0x58409685},
    {operation::contrast, 3, 7, 9, 0x94DBAD22},
    {operation::rotate, 3, 32, 32, 0x53319929},
    {operation::translate_x, 3, 32, 32, 0x555D8D5C},
    {operation::translate_y, 3, 32, 32, 0x783BFF1A},
    {operation::brightness, 3, 32, 32, 0x090E60C6},
    {operation::color, 3, 32, 32, 0x4C0E9188},
    {operation::invert, 3, 32, 32, 0x82CE6E9A},
    {operation::sharpness, 3, 32, 32, 0x20337F50},
    {operation::posterize, 3, 32, 32, 0x415F27C1},
    {operation::shear_x, 3, 32, 32, 0xFDFFB10C},
    {operation::solarize, 3, 32, 32, 0xA97DB125},
    {operation::shear_y, 3, 32, 32, 0xA759B239},
    {operation::equalize, 3, 32, 32, 0x393D6767},
    {operation::autocontrast, 3, 32, 32, 0x954F1FB1},
    {operation::cutout, 3, 32, 32, 0x868E7C33},
    {operation::contrast, 3, 32, 32, 0xCED7AC06},
    {operation::rotate, 3, 2, 5, 0x77DE36A7},
    {operation::translate_x, 3, 2, 5, 0xD2756975},
    {operation::translate_y, 3, 2, 5, 0xA62E7F7D},
    {operation::brightness, 3, 2, 5, 0x6BC7152C},
    {operation::color, 3, 2, 5, 0x244A6EBC},
    {operation::invert, 3, 2, 5, 0xC5DDE804},
    {operation::sharpness, 3, 2, 5, 0xC09D20ED},
    {operation::posterize, 3, 2, 5, 0xF8E2EB43},
    {operation::shear_x, 3, 2, 5, 0x80F281F3},
    {operation::solarize, 3, 2, 5, 0xFAC77D41},
    {operation::shear_y, 3, 2, 5, 0x6128A9CD},
    {operation::equalize, 3, 2, 5, 0xB527B244},
    {operation::autocontrast, 3, 2, 5, 0xAE0B9467},
    {operation::cutout, 3, 2, 5, 0x3B2819D2},
    {operation::contrast, 3, 2, 5, 0x6E7034B7},
    {operation::rotate, 3, 24, 40, 0x58435C97},
    {operation::translate_x, 3, 24, 40, 0xC5A7C52B},
    {operation::translate_y, 3, 24, 40, 0x63664FE1},
    {operation::brightness, 3, 24, 40, 0xF2CA8DAE},
    {operation::color, 3, 24, 40, 0x86B4CB47},
    {operation::invert, 3, 24, 40, 0x6145D326},
    {operation::sharpness, 3, 24, 40, 0x13D84B13},
    {operation::posterize, 3, 24, 40, 0xE55BC24A},
    {operation::shear_x, 3, 24, 40, 0x7252FCDE},
    {operation::solarize, 3, 24, 40, 0x5E299DCA},
    {operation::shear_y, 3, 24, 40, 0xF1E4EBE8},
    {operation::equalize, 3, 24, 40, 0xBCCF33C3},
    {operation::autocontrast, 3, 24, 40, 0xD17CE0CC},
    {operation::cutout, 3, 24, 40, 0x40F5248E},
    {operation::contrast, 3, 24, 40, 0xD18A81D8},
    {operation::rotate, 1, 7, 9, 0x5E8A93C3},
    {operation::translate_x, 1, 7, 9, 0xAA32A1BA},
    {operation::translate_y, 1, 7, 9, 0x913361CA},
    {operation::brightness, 1, 7, 9, 0x05C9DA03},
    {operation::color, 1, 7, 9, 0x4DCC5868},
    {operation::invert, 1, 7, 9, 0x62CBF1CA},
    {operation::sharpness, 1, 7, 9, 0x1FA27BD0},
    {operation::posterize, 1, 7, 9, 0x96716CF4},
    {operation::shear_x, 1, 7, 9, 0xD69CE5EA},
    {operation::solarize, 1, 7, 9, 0x5DD8DFBD},
    {operation::shear_y, 1, 7, 9, 0x9AECC145},
    {operation::equalize, 1, 7, 9, 0x639CA614},
    {operation::autocontrast, 1, 7, 9, 0x35051B27},
    {operation::cutout, 1, 7, 9, 0x1082D984},
    {operation::contrast, 1, 7, 9, 0xD5CB7AB3},
    {operation::rotate, 1, 32, 32, 0x89E62C71},
    {operation::translate_x, 1, 32, 32, 0x683D9173},
    {operation::translate_y, 1, 32, 32, 0x031F2B0F},
    {operation::brightness, 1, 32, 32, 0xC5F2DA0D},
    {operation::color, 1, 32, 32, 0x3B46178E},
    {operation::invert, 1, 32, 32, 0xC547ED2E},
    {operation::sharpness, 1, 32, 32, 0x95409C79},
    {operation::posterize, 1, 32, 32, 0x821C35BA},
    {operation::shear_x, 1, 32, 32, 0x1F204D9C},
    {operation::solarize, 1, 32, 32, 0x067AEB65},
    {operation::shear_y, 1, 32, 32, 0x1BEA6FB1},
    {operation::equalize, 1, 32, 32, 0x58FF6DA3},
    {operation::autocontrast, 1, 32, 32, 0xC6BA3943},
    {operation::cutout, 1, 32, 32, 0xEA44A849},
    {operation::contrast, 1, 32, 32, 0xC3DB3935},
    {operation::rotate, 1, 2, 5, 0x11729C36},
    {operation::translate_x, 1, 2, 5, 0x8265E0F2},
    {operation::translate_y, 1, 2, 5, 0x5A87D86D},
    {operation::brightness, 1, 2, 5, 0x20E0D3BB},
    {operation::color, 1, 2, 5, 0x7C75F783},
    {operation::invert, 1, 2, 5, 0x88430D78},
    {operation::sharpness, 1, 2, 5, 0x7C75F783},
    {operation::posterize, 1, 2, 5, 0xEC8D4960},
    {operation::shear_x, 1, 2, 5, 0x0CE1D34D},
    {operation::solarize, 1, 2, 5, 0x70DF090B},
    {operation::shear_y, 1, 2, 5, 0xDA555048},
    {operation::equalize, 1, 2, 5, 0xED7F7CBA},
    {operation::autocontrast, 1, 2, 5, 0x82C4C587},
    {operation::cutout, 1, 2, 5, 0x61C387B5},
    {operation::contrast, 1, 2, 5, 0xD195156B},
    {operation::rotate, 1, 24, 40, 0x8CFDD708},
    {operation::translate_x, 1, 24, 40, 0xA6054F57},
    {operation::translate_y, 1, 24, 40, 0xA8FDE271},
    {operation::brightness, 1, 24, 40, 0xA4E12B23},
    {operation::color, 1, 24, 40, 0x4DD9052D},
    {operation::invert, 1, 24, 40, 0x34D70DCA},
    {operation::sharpness, 1, 24, 40, 0x94BB50A7},
    {operation::posterize, 1, 24, 40, 0x226C0A9B},
    {operation::shear_x, 1, 24, 40, 0x44A9DA4A},
    {operation::solarize, 1, 24, 40, 0xFFFEA1CF},
    {operation::shear_y, 1, 24, 40, 0x692CCDAF},
    {operation::equalize, 1, 24, 40, 0x786A1DCC},
    {operation::autocontrast, 1, 24, 40, 0x05BE0FAA},
    {operation::cutout, 1, 24, 40, 0x47CEA67A},
    {operation::contrast, 1, 24, 40, 0x66D7CDE9},
};

/// The first operation, then each of the 15, on transparent images; holes filled at the end.
struct pillow_pair_digest {
  operation first;
  std::uint32_t crc;
};

inline constexpr pillow_pair_digest pillow_pair_digests[] = {
    {operation::rotate, 0x6392B7DA},       {operation::translate_x, 0x60C72726},
    {operation::translate_y, 0x555BA37C},  {operation::brightness, 0x0641CFA2},
    {operation::color, 0x0D35500C},        {operation::invert, 0x7AC30A5E},
    {operation::sharpness, 0x7E8B21D0},    {operation::posterize, 0x9EDBB728},
    {operation::shear_x, 0xEEC0FAF7},      {operation::solarize, 0x8C056F9B},
    {operation::shear_y, 0x0F1E0B57},      {operation::equalize, 0x4FAF476B},
    {operation::autocontrast, 0x2124D4C8}, {operation::cutout, 0x5F2D02D5},
    {operation::contrast, 0xB3D43685},
};

/// All patterns, a box of them at another size.
struct pillow_resize_digest {
  resampling by;
  std::int64_t channels, height, width, new_height, new_width;
  image_box box;
  std::uint32_t crc;
};

inline constexpr pillow_resize_digest pillow_resize_digests[] = {
    {resampling::nearest, 3, 7, 9, 7, 9, {1.0F, 0.0F, 9.0F, 6.0F}, 0xB00AD3EF},
    {resampling::bilinear, 3, 7, 9, 7, 9, {1.0F, 0.0F, 9.0F, 6.0F}, 0xD228F952},
    {resampling::bicubic, 3, 7, 9, 7, 9, {1.0F, 0.0F, 9.0F, 6.0F}, 0x6B3AE7C4},
    {resampling::nearest, 3, 7, 9, 20, 31, {0.0F, 0.0F, 9.0F, 7.0F}, 0x67F73F8A},
    {resampling::bilinear, 3, 7, 9, 20, 31, {0.0F, 0.0F, 9.0F, 7.0F}, 0x02D07EC3},
    {resampling::bicubic, 3, 7, 9, 20, 31, {0.0F, 0.0F, 9.0F, 7.0F}, 0x2E3D37D1},
    {resampling::nearest, 3, 32, 32, 32, 32, {3.0F, 5.0F, 30.0F, 21.0F}, 0x66E3C7F2},
    {resampling::bilinear, 3, 32, 32, 32, 32, {3.0F, 5.0F, 30.0F, 21.0F}, 0x1923DC1A},
    {resampling::bicubic, 3, 32, 32, 32, 32, {3.0F, 5.0F, 30.0F, 21.0F}, 0x7CB2362D},
    {resampling::nearest, 3, 32, 32, 17, 45, {0.3F, 1.7F, 31.1F, 30.2F}, 0xB50FE9FF},
    {resampling::bilinear, 3, 32, 32, 17, 45, {0.3F, 1.7F, 31.1F, 30.2F}, 0x8C467C16},
    {resampling::bicubic, 3, 32, 32, 17, 45, {0.3F, 1.7F, 31.1F, 30.2F}, 0x8C4A7F2E},
    {resampling::nearest, 3, 24, 40, 5, 3, {0.0F, 0.0F, 40.0F, 24.0F}, 0xD96A8959},
    {resampling::bilinear, 3, 24, 40, 5, 3, {0.0F, 0.0F, 40.0F, 24.0F}, 0x82EE8C54},
    {resampling::bicubic, 3, 24, 40, 5, 3, {0.0F, 0.0F, 40.0F, 24.0F}, 0x1B988C00},
    {resampling::nearest, 3, 24, 40, 9, 60, {10.25F, 0.5F, 12.5F, 23.5F}, 0x0C80A621},
    {resampling::bilinear, 3, 24, 40, 9, 60, {10.25F, 0.5F, 12.5F, 23.5F}, 0x0F629E88},
    {resampling::bicubic, 3, 24, 40, 9, 60, {10.25F, 0.5F, 12.5F, 23.5F}, 0x439AD0B7},
    {resampling::nearest, 3, 61, 45, 12, 40, {0.0F, 0.0F, 45.0F, 61.0F}, 0x1CD10FF2},
    {resampling::bilinear, 3, 61, 45, 12, 40, {0.0F, 0.0F, 45.0F, 61.0F}, 0x435B25CB},
    {resampling::bicubic, 3, 61, 45, 12, 40, {0.0F, 0.0F, 45.0F, 61.0F}, 0x849EFC70},
    {resampling::nearest, 3, 61, 45, 64, 7, {2.6F, 3.3F, 44.9F, 60.7F}, 0x5EA180A9},
    {resampling::bilinear, 3, 61, 45, 64, 7, {2.6F, 3.3F, 44.9F, 60.7F}, 0xEBA603B1},
    {resampling::bicubic, 3, 61, 45, 64, 7, {2.6F, 3.3F, 44.9F, 60.7F}, 0xEBB19E2E},
    {resampling::nearest, 3, 2, 5, 1, 1, {0.0F, 0.0F, 5.0F, 2.0F}, 0xA641A24C},
    {resampling::bilinear, 3, 2, 5, 1, 1, {0.0F, 0.0F, 5.0F, 2.0F}, 0x460EFD47},
    {resampling::bicubic, 3, 2, 5, 1, 1, {0.0F, 0.0F, 5.0F, 2.0F}, 0xC0DF9689},
    {resampling::nearest, 3, 2, 5, 16, 3, {1.0F, 0.5F, 1.125F, 2.0F}, 0xF24CB1D4},
    {resampling::bilinear, 3, 2, 5, 16, 3, {1.0F, 0.5F, 1.125F, 2.0F}, 0xA5149F03},
    {resampling::bicubic, 3, 2, 5, 16, 3, {1.0F, 0.5F, 1.125F, 2.0F}, 0x86398A7B},
    {resampling::nearest, 3, 1, 1, 5, 4, {0.0F, 0.0F, 1.0F, 1.0F}, 0x8E265000},
    {resampling::bilinear, 3, 1, 1, 5, 4, {0.0F, 0.0F, 1.0F, 1.0F}, 0x8E265000},
    {resampling::bicubic, 3, 1, 1, 5, 4, {0.0F, 0.0F, 1.0F, 1.0F}, 0x8E265000},
    {resampling::nearest, 1, 7, 9, 7, 9, {1.0F, 0.0F, 9.0F, 6.0F}, 0x4C851875},
    {resampling::bilinear, 1, 7, 9, 7, 9, {1.0F, 0.0F, 9.0F, 6.0F}, 0xB8490180},
    {resampling::bicubic, 1, 7, 9, 7, 9, {1.0F, 0.0F, 9.0F, 6.0F}, 0x5118BC81},
    {resampling::nearest, 1, 7, 9, 20, 31, {0.0F, 0.0F, 9.0F, 7.0F}, 0xE94FC79A},
    {resampling::bilinear, 1, 7, 9, 20, 31, {0.0F, 0.0F, 9.0F, 7.0F}, 0x76DA7A3A},
    {resampling::bicubic, 1, 7, 9, 20, 31, {0.0F, 0.0F, 9.0F, 7.0F}, 0x6D8614FC},
    {resampling::nearest, 1, 32, 32, 32, 32, {3.0F, 5.0F, 30.0F, 21.0F}, 0x084F3BC9},
    {resampling::bilinear, 1, 32, 32, 32, 32, {3.0F, 5.0F, 30.0F, 21.0F}, 0x374CE0A8},
    {resampling::bicubic, 1, 32, 32, 32, 32, {3.0F, 5.0F, 30.0F, 21.0F}, 0x53610B17},
    {resampling::nearest, 1, 32, 32, 17, 45, {0.3F, 1.7F, 31.1F, 30.2F}, 0xB151B10F},
    {resampling::bilinear, 1, 32, 32, 17, 45, {0.3F, 1.7F, 31.1F, 30.2F}, 0x0353D1B5},
    {resampling::bicubic, 1, 32, 32, 17, 45, {0.3F, 1.7F, 31.1F, 30.2F}, 0xA752654F},
    {resampling::nearest, 1, 24, 40, 5, 3, {0.0F, 0.0F, 40.0F, 24.0F}, 0x87999795},
    {resampling::bilinear, 1, 24, 40, 5, 3, {0.0F, 0.0F, 40.0F, 24.0F}, 0x5F755C4F},
    {resampling::bicubic, 1, 24, 40, 5, 3, {0.0F, 0.0F, 40.0F, 24.0F}, 0xC484092E},
    {resampling::nearest, 1, 24, 40, 9, 60, {10.25F, 0.5F, 12.5F, 23.5F}, 0xE014E327},
    {resampling::bilinear, 1, 24, 40, 9, 60, {10.25F, 0.5F, 12.5F, 23.5F}, 0x7ED6B5C3},
    {resampling::bicubic, 1, 24, 40, 9, 60, {10.25F, 0.5F, 12.5F, 23.5F}, 0x3E47867B},
    {resampling::nearest, 1, 61, 45, 12, 40, {0.0F, 0.0F, 45.0F, 61.0F}, 0xC2549F95},
    {resampling::bilinear, 1, 61, 45, 12, 40, {0.0F, 0.0F, 45.0F, 61.0F}, 0xF5FF9B90},
    {resampling::bicubic, 1, 61, 45, 12, 40, {0.0F, 0.0F, 45.0F, 61.0F}, 0xE9BF8F93},
    {resampling::nearest, 1, 61, 45, 64, 7, {2.6F, 3.3F, 44.9F, 60.7F}, 0x8FED0C94},
    {resampling::bilinear, 1, 61, 45, 64, 7, {2.6F, 3.3F, 44.9F, 60.7F}, 0x01F7A7CF},
    {resampling::bicubic, 1, 61, 45, 64, 7, {2.6F, 3.3F, 44.9F, 60.7F}, 0xCA53D8B4},
    {resampling::nearest, 1, 2, 5, 1, 1, {0.0F, 0.0F, 5.0F, 2.0F}, 0xD03B880A},
    {resampling::bilinear, 1, 2, 5, 1, 1, {0.0F, 0.0F, 5.0F, 2.0F}, 0x96CA002B},
    {resampling::bicubic, 1, 2, 5, 1, 1, {0.0F, 0.0F, 5.0F, 2.0F}, 0xB3A15FF7},
    {resampling::nearest, 1, 2, 5, 16, 3, {1.0F, 0.5F, 1.125F, 2.0F}, 0x82F06382},
    {resampling::bilinear, 1, 2, 5, 16, 3, {1.0F, 0.5F, 1.125F, 2.0F}, 0x75ED1734},
    {resampling::bicubic, 1, 2, 5, 16, 3, {1.0F, 0.5F, 1.125F, 2.0F}, 0xAEB5EB4E},
    {resampling::nearest, 1, 1, 1, 5, 4, {0.0F, 0.0F, 1.0F, 1.0F}, 0x5F82C366},
    {resampling::bilinear, 1, 1, 1, 5, 4, {0.0F, 0.0F, 1.0F, 1.0F}, 0x5F82C366},
    {resampling::bicubic, 1, 1, 1, 5, 4, {0.0F, 0.0F, 1.0F, 1.0F}, 0x5F82C366},
};

/// Color cubes of all offsets, and all patterns at 24 x 40, with hues turned.
struct pillow_hue_digest {
  std::uint8_t by;
  std::uint32_t crc;
};

inline constexpr pillow_hue_digest pillow_hue_digests[] = {
    {0, 0x1E95CE67},   {1, 0x53D47E78},   {13, 0xA31498AE},  {64, 0xE3DA3AE8},
    {127, 0xDC5B1C00}, {128, 0xCFC73A1F}, {200, 0xA525A6AF}, {255, 0x5D41CCEA},
};

/// All patterns at 24 x 40.
inline constexpr std::uint32_t pillow_left_right_digest = 0xDBD4202E;
/// All patterns at 24 x 40.
inline constexpr std::uint32_t pillow_top_bottom_digest = 0xF3E9929E;
/// All patterns at 24 x 40.
inline constexpr std::uint32_t pillow_gray_digest = 0x758D4DEB;

}  // namespace rolewise::tests
