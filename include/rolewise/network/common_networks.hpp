// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Networks that the compiled library holds: residual networks in full precision and quantized by
/// DoReFa but for their ends. Other compositions are instantiated where they are used.

#ifdef ROLEWISE_SEPARATE_COMPILATION

#include <rolewise/network/network.hpp>
#include <rolewise/network/residual_body.hpp>
#include <rolewise/quant/dorefa.hpp>

namespace rolewise {

extern template class residual_body<>;
extern template class network<residual_body<>>;
extern template class residual_body<dorefa, full_precision_ends>;
extern template class network<residual_body<dorefa, full_precision_ends>>;

}  // namespace rolewise

#endif
