// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With second.cpp: every header in two units of one program. A definition that is not inline does
// not link; one that is not the same in both shows in its address.

#include <rolewise/rolewise.hpp>
#include <rolewise/version.hpp>

#include <iostream>

const void* version_of_second_unit();

int main()
{
  if (version_of_second_unit() == &rolewise::version) return 0;
  std::cerr << "rolewise::version has two addresses\n";
  return 1;
}
