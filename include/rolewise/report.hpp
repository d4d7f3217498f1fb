// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `report/`: tables, records, pictures.

#include <rolewise/report/comparison_text.hpp>
#include <rolewise/report/contact_sheet.hpp>
#include <rolewise/report/cost_table.hpp>
#include <rolewise/report/curves.hpp>
#include <rolewise/report/drift_chart.hpp>
#include <rolewise/report/event_writer.hpp>
#include <rolewise/report/heat_map.hpp>
#include <rolewise/report/interval_chart.hpp>
#include <rolewise/report/operation_sheet.hpp>
#include <rolewise/report/png.hpp>
#include <rolewise/report/policy_pictures.hpp>
#include <rolewise/report/quantization_pictures.hpp>
#include <rolewise/report/quantization_report.hpp>
#include <rolewise/report/quantization_view.hpp>
#include <rolewise/report/run_record.hpp>
#include <rolewise/report/search_page.hpp>
#include <rolewise/report/search_pictures.hpp>
#include <rolewise/report/statistics.hpp>
#include <rolewise/report/table.hpp>
#include <rolewise/report/tensorboard.hpp>
#include <rolewise/report/write_svg.hpp>
