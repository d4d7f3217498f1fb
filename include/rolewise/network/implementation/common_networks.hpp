// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Instantiations of <rolewise/network/common_networks.hpp>.

#include <rolewise/network/common_networks.hpp>

#ifdef ROLEWISE_SEPARATE_COMPILATION

namespace rolewise {

template class residual_body<>;
template class network<residual_body<>>;
template class residual_body<dorefa, full_precision_ends>;
template class network<residual_body<dorefa, full_precision_ends>>;

}  // namespace rolewise

#endif
