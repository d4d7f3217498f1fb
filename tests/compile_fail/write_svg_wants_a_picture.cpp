// expect: write_svg wants a picture that has an svg_text
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/report/write_svg.hpp>

#include <string>

// A picture without svg_text, as an image is one.
struct dots {};

#ifdef ROLEWISE_CONTROL
std::string svg_text(const dots&) { return "<svg/>"; }
#endif

void keep() { rolewise::report::write_svg("dots.svg", dots{}); }
