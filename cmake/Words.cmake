# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# cmake -DROOT=<repository> -P Words.cmake
#
# Fails where a name that was replaced by the field's term comes back, and for British spelling: names are LibTorch's
# and the literature's (CONTRIBUTING.md). Each line below is a term and the names that it replaced.
cmake_minimum_required(VERSION 3.25)

set(replaced
    "Optimizer|Optimiser" "multi_step_lr|step_decay" "scale_by_t_squared|times_squared_temperature"
    "ema|moving_average" "Callback|SearchObserver|KeepingObserver|StoppingObserver|observer_must"
    "fit_begin|run_begins" "fit_end|run_ends" "epoch_end|epoch_ends" "step_end|step_ends"
    "run_search|arena|arena_options" "trial_state|standings" "exploit_trial|copy_trial" "evaluated()|learner()"
    "evaluation_interval|epochs_per_round" "Evaluable|Judged|Judgeable" "threads_per_trial|threads_each"
    "same_view|students_view" "cyclic_views|recurring_views" "inner_bits|bits_inside"
    "full_precision_ends|both_ends_exempt" "layer_id|layer_place" "layer_bits|layer_widths" "set_bits|set_widths"
    "conv_init|convolution_start" "linear_init|linear_start" "weight_init|first_weights" "param_groups|ranges_apart"
    "update_bn|measure_batch_norm" "num_workers|background_threads" "gradient_proxy|stand_in|stand_in_for"
    "backward_rule|way_back" "affine_code_map|step_map" "trainable_parameters|learned_by"
    "batch_accuracy|share_right" "device_of|home_of" "deferred_batch_norm|pending_norm"
    "fused_batch_norm|through_norm" "fuses_relu|hands_on_sums" "cache_statistics|cache_tally"
    "cached_logits_store|answer_store|answer_file|answer_codec" "serial_scope|working_alone"
    "parallel_for|share_out" "retain_heap|keep_freed_memory" "int8_convolution|eight_bit_convolution|eight_bit_body"
    "global_step|steps_before" "total_steps|steps_in_all" "regularized_evolution|regularised_evolution"
    "process_group|rank_options")
set(british "(optim|quant|normal|regular|initial|summar|recogn|minim|maxim|general|organ|serial|standard|vector|factor|\
raster|synchron|linear|memor|penal|binar|parameter|special|local|random|solar|poster|equal|util)\
is(e|ed|es|er|ing|ation|able)($|[^a-z])|[Cc]olour|[Gg]rey|[Bb]ehaviour|[Nn]eighbour|[Ff]avour|[Cc]entre($|[^a-z])|\
[Mm]odelled|[Ll]abelled|[Cc]ancelled|[Ll]icence")
# Draw keys are part of the results: they keep the letters that they had.
set(keys "purpose{\"|_key = \"")

set(gone "")
foreach(line IN LISTS replaced)
    string(REGEX REPLACE "^[^|]*[|]" "" names "${line}")
    string(REPLACE "()" "[(][)]" names "${names}")
    list(APPEND gone "${names}")
endforeach()
list(JOIN gone "|" gone)
set(gone "(^|[^A-Za-z0-9_])(${gone})_?($|[^A-Za-z0-9_])")

file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/include/*.hpp ${ROOT}/tests/*.hpp ${ROOT}/tests/*.cpp
     ${ROOT}/examples/*.hpp ${ROOT}/examples/*.cpp ${ROOT}/bench/*.hpp ${ROOT}/bench/*.cpp ${ROOT}/docs/*.md
     ${ROOT}/README.md ${ROOT}/CONTRIBUTING.md)
# Titles of works are quoted as they are.
list(REMOVE_ITEM files docs/bibliography.md)
set(found "")
foreach(file IN LISTS files)
    file(STRINGS ${ROOT}/${file} lines REGEX "${gone}|${british}")
    foreach(line IN LISTS lines)
        if(NOT line MATCHES "${keys}")
            string(STRIP "${line}" line)
            list(APPEND found "${file}: ${line}")
        endif()
    endforeach()
endforeach()
list(LENGTH files count)
if(count LESS 100)
    message(FATAL_ERROR "found ${count} files under ${ROOT}")
endif()
if(found)
    list(JOIN found "\n  " text)
    message(FATAL_ERROR "names that were replaced, or British spelling (cmake/Words.cmake):\n  ${text}")
endif()
message(STATUS "no replaced name in ${count} files")
