// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// CRC-32 of what Pillow 13.0.0 makes of real images; written by pillow_real_digests.py.

#include <rolewise/policy/operation.hpp>

#include <cstdint>

namespace rolewise::tests {

/// Images `first`, `first + step`, ... of a file, so many of them together in each mosaic, and what
/// is cut out of each mosaic.
struct real_crop {
  const char* file;
  std::int64_t first, step, count, rows, columns, top, left, height, width;
};

inline constexpr real_crop real_crops[] = {
    {"camvid-small/test-images-idx4-ubyte.gz", 0, 26, 4, 1, 1, 0, 0, 96, 128},
    {"camvid-small/test-images-idx4-ubyte.gz", 11, 30, 3, 1, 1, 40, 60, 31, 45},
    {"nuclei-dsb2018/test-images-idx4-ubyte.gz", 3, 17, 7, 1, 1, 20, 30, 33, 17},
    {"cifar10/small/test_batch.bin.gz", 5, 83, 12, 1, 1, 0, 0, 32, 32},
    {"camvid-small/test-images-idx4-ubyte.gz", 2, 13, 1, 3, 2, 11, 7, 223, 225},
};

/// One operation, all its parameters and all images of a crop.
struct real_digest {
  operation what;
  std::int64_t channels, crop;
  std::uint32_t crc;
};

inline constexpr real_digest real_digests[] = {
    {operation::rotate, 3, 0, 0x0AA1620D},       {operation::translate_x, 3, 0, 0x779EE2D8},
    {operation::translate_y, 3, 0, 0x3FB34BED},  {operation::brightness, 3, 0, 0x696AAB26},
    {operation::color, 3, 0, 0x9DF7DAA8},        {operation::invert, 3, 0, 0xB66BF96D},
    {operation::sharpness, 3, 0, 0x9C4A5ED3},    {operation::posterize, 3, 0, 0xADF44C7B},
    {operation::shear_x, 3, 0, 0xD4426445},      {operation::solarize, 3, 0, 0xD31D376C},
    {operation::shear_y, 3, 0, 0xC4F1A9BA},      {operation::equalize, 3, 0, 0xF4890654},
    {operation::autocontrast, 3, 0, 0xF92045F1}, {operation::cutout, 3, 0, 0x83C637F4},
    {operation::contrast, 3, 0, 0xC49DFEEB},     {operation::rotate, 3, 1, 0xD5ECEF0B},
    {operation::translate_x, 3, 1, 0x0CE011E5},  {operation::translate_y, 3, 1, 0x66CE0863},
    {operation::brightness, 3, 1, 0x50577616},   {operation::color, 3, 1, 0xFABC889D},
    {operation::invert, 3, 1, 0x56B64FC6},       {operation::sharpness, 3, 1, 0x94758B6D},
    {operation::posterize, 3, 1, 0x82779284},    {operation::shear_x, 3, 1, 0xF8A3874E},
    {operation::solarize, 3, 1, 0xE49D0B68},     {operation::shear_y, 3, 1, 0x18EE326B},
    {operation::equalize, 3, 1, 0x0865442C},     {operation::autocontrast, 3, 1, 0x2DDF933B},
    {operation::cutout, 3, 1, 0x3BE0A620},       {operation::contrast, 3, 1, 0x1934C4EC},
    {operation::rotate, 3, 2, 0x58C44776},       {operation::translate_x, 3, 2, 0x34EF95BC},
    {operation::translate_y, 3, 2, 0xA3C15E0B},  {operation::brightness, 3, 2, 0x3B8ED2D8},
    {operation::color, 3, 2, 0x39536459},        {operation::invert, 3, 2, 0xB528270F},
    {operation::sharpness, 3, 2, 0xE4BD0DD7},    {operation::posterize, 3, 2, 0x2327E1CA},
    {operation::shear_x, 3, 2, 0x81012F2D},      {operation::solarize, 3, 2, 0x5240901F},
    {operation::shear_y, 3, 2, 0xF79F5181},      {operation::equalize, 3, 2, 0x6A47AB22},
    {operation::autocontrast, 3, 2, 0x4DCDF1F0}, {operation::cutout, 3, 2, 0x7587A23C},
    {operation::contrast, 3, 2, 0x969F416F},     {operation::rotate, 3, 3, 0x250393C0},
    {operation::translate_x, 3, 3, 0xA20D2565},  {operation::translate_y, 3, 3, 0x00D0A538},
    {operation::brightness, 3, 3, 0x1AAFCBEE},   {operation::color, 3, 3, 0xA5FA4762},
    {operation::invert, 3, 3, 0x936CD8A1},       {operation::sharpness, 3, 3, 0x1C6CC668},
    {operation::posterize, 3, 3, 0x26252643},    {operation::shear_x, 3, 3, 0xCF1EF3AE},
    {operation::solarize, 3, 3, 0x7C8A4E3C},     {operation::shear_y, 3, 3, 0x28D7F6CB},
    {operation::equalize, 3, 3, 0xB24AD372},     {operation::autocontrast, 3, 3, 0x385CB4BF},
    {operation::cutout, 3, 3, 0xA348895F},       {operation::contrast, 3, 3, 0xA2978A1A},
    {operation::rotate, 3, 4, 0x2AAA395D},       {operation::translate_x, 3, 4, 0xAF4E029A},
    {operation::translate_y, 3, 4, 0x4851270D},  {operation::brightness, 3, 4, 0xEDDE9F73},
    {operation::color, 3, 4, 0x4D446609},        {operation::invert, 3, 4, 0x7EFA7DE4},
    {operation::sharpness, 3, 4, 0xDD7AA11C},    {operation::posterize, 3, 4, 0xBD40518D},
    {operation::shear_x, 3, 4, 0xA4F031C8},      {operation::solarize, 3, 4, 0x02C23029},
    {operation::shear_y, 3, 4, 0x81E17800},      {operation::equalize, 3, 4, 0xE572D882},
    {operation::autocontrast, 3, 4, 0x226C72F8}, {operation::cutout, 3, 4, 0xB9B28431},
    {operation::contrast, 3, 4, 0x922481F3},     {operation::rotate, 1, 0, 0x5B9E13A2},
    {operation::translate_x, 1, 0, 0x518AD882},  {operation::translate_y, 1, 0, 0xFEF70AA8},
    {operation::brightness, 1, 0, 0x06E86451},   {operation::color, 1, 0, 0x58C145AE},
    {operation::invert, 1, 0, 0x60FD8BE3},       {operation::sharpness, 1, 0, 0x38282EE7},
    {operation::posterize, 1, 0, 0x7DE18681},    {operation::shear_x, 1, 0, 0x83BD7CA3},
    {operation::solarize, 1, 0, 0xAFFECD36},     {operation::shear_y, 1, 0, 0xE1D19F77},
    {operation::equalize, 1, 0, 0x51D95EFA},     {operation::autocontrast, 1, 0, 0x18F03458},
    {operation::cutout, 1, 0, 0x227FB17D},       {operation::contrast, 1, 0, 0x7310E9E3},
    {operation::rotate, 1, 1, 0x75D1DEF2},       {operation::translate_x, 1, 1, 0x82CCF97A},
    {operation::translate_y, 1, 1, 0xD66F9507},  {operation::brightness, 1, 1, 0xFF8E608E},
    {operation::color, 1, 1, 0xE356B96E},        {operation::invert, 1, 1, 0x3A9050A9},
    {operation::sharpness, 1, 1, 0x6B3D2AA6},    {operation::posterize, 1, 1, 0x503D631E},
    {operation::shear_x, 1, 1, 0x197AA2D7},      {operation::solarize, 1, 1, 0x62263A8F},
    {operation::shear_y, 1, 1, 0x95DDCF89},      {operation::equalize, 1, 1, 0x62B40B59},
    {operation::autocontrast, 1, 1, 0x8F4E50D3}, {operation::cutout, 1, 1, 0xB9F1FBBE},
    {operation::contrast, 1, 1, 0xA9EE5636},     {operation::rotate, 1, 2, 0x58BD2CE4},
    {operation::translate_x, 1, 2, 0x2CE20EAC},  {operation::translate_y, 1, 2, 0xB81DEC15},
    {operation::brightness, 1, 2, 0x7EC2182D},   {operation::color, 1, 2, 0x4FBF54F0},
    {operation::invert, 1, 2, 0x6A5222F2},       {operation::sharpness, 1, 2, 0xC1C3D765},
    {operation::posterize, 1, 2, 0x32EF7DA6},    {operation::shear_x, 1, 2, 0x17E566A8},
    {operation::solarize, 1, 2, 0xDE8F1017},     {operation::shear_y, 1, 2, 0x95AEE20E},
    {operation::equalize, 1, 2, 0x88EB82A6},     {operation::autocontrast, 1, 2, 0xD326B274},
    {operation::cutout, 1, 2, 0x24B14255},       {operation::contrast, 1, 2, 0x930F3945},
    {operation::rotate, 1, 3, 0xDFA5254E},       {operation::translate_x, 1, 3, 0x09A94FB0},
    {operation::translate_y, 1, 3, 0x2702D930},  {operation::brightness, 1, 3, 0x9B6371AC},
    {operation::color, 1, 3, 0xA705A80A},        {operation::invert, 1, 3, 0xE7ED5A85},
    {operation::sharpness, 1, 3, 0xFCFB3394},    {operation::posterize, 1, 3, 0x9DFC0A62},
    {operation::shear_x, 1, 3, 0x02054CFF},      {operation::solarize, 1, 3, 0x253274BA},
    {operation::shear_y, 1, 3, 0x6F1E79BD},      {operation::equalize, 1, 3, 0x8C21EE28},
    {operation::autocontrast, 1, 3, 0x4F56D3C0}, {operation::cutout, 1, 3, 0xA1F74F4F},
    {operation::contrast, 1, 3, 0x69A7A310},     {operation::rotate, 1, 4, 0x1FF8FE5A},
    {operation::translate_x, 1, 4, 0x15061140},  {operation::translate_y, 1, 4, 0xC300359F},
    {operation::brightness, 1, 4, 0x8574C1D6},   {operation::color, 1, 4, 0x78B7E973},
    {operation::invert, 1, 4, 0x870E3858},       {operation::sharpness, 1, 4, 0x9B9C99F0},
    {operation::posterize, 1, 4, 0x7F215EC5},    {operation::shear_x, 1, 4, 0xF057AF67},
    {operation::solarize, 1, 4, 0x66372310},     {operation::shear_y, 1, 4, 0x42807FB4},
    {operation::equalize, 1, 4, 0x5674E898},     {operation::autocontrast, 1, 4, 0xD0C2E23F},
    {operation::cutout, 1, 4, 0xDDD069D9},       {operation::contrast, 1, 4, 0x72C9786E},
};

}  // namespace rolewise::tests
