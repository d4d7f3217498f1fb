// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// All function bodies of `report/`, for the unit that compiles them.

#include <rolewise/report/detail/implementation/axis.hpp>
#include <rolewise/report/detail/implementation/event_records.hpp>
#include <rolewise/report/detail/implementation/heat_colors.hpp>
#include <rolewise/report/detail/implementation/levels_found.hpp>
#include <rolewise/report/detail/implementation/quantization_panel.hpp>
#include <rolewise/report/detail/implementation/svg.hpp>
#include <rolewise/report/implementation/comparison_text.hpp>
#include <rolewise/report/implementation/contact_sheet.hpp>
#include <rolewise/report/implementation/cost_table.hpp>
#include <rolewise/report/implementation/curves.hpp>
#include <rolewise/report/implementation/drift_chart.hpp>
#include <rolewise/report/implementation/event_writer.hpp>
#include <rolewise/report/implementation/heat_map.hpp>
#include <rolewise/report/implementation/interval_chart.hpp>
#include <rolewise/report/implementation/operation_sheet.hpp>
#include <rolewise/report/implementation/png.hpp>
#include <rolewise/report/implementation/policy_pictures.hpp>
#include <rolewise/report/implementation/quantization_pictures.hpp>
#include <rolewise/report/implementation/quantization_report.hpp>
#include <rolewise/report/implementation/quantization_view.hpp>
#include <rolewise/report/implementation/run_record.hpp>
#include <rolewise/report/implementation/search_page.hpp>
#include <rolewise/report/implementation/search_pictures.hpp>
#include <rolewise/report/implementation/statistics.hpp>
#include <rolewise/report/implementation/table.hpp>
#include <rolewise/report/implementation/tensorboard.hpp>
