// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Child processes that run this program again, to be killed.

#include <csignal>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rolewise::testing {

/// Starts this program with one more environment variable, on one thread and without output. Runs
/// the tests of one source file only: those of others would take up the time of the kills.
[[nodiscard]] inline pid_t start_child(const char* variable, const std::string& value,
                                       const char* source_file)
{
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::setenv(variable, value.c_str(), 1);
  ::setenv("OMP_NUM_THREADS", "1", 1);
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(null, STDOUT_FILENO);
  const auto filter = std::string{"--source-file=*/"} + source_file;
  ::execl("/proc/self/exe", source_file, filter.c_str(), static_cast<char*>(nullptr));
  ::_exit(127);
}

[[nodiscard]] inline bool is_over(pid_t child, int& status)
{
  return ::waitpid(child, &status, WNOHANG) == child;
}

/// Kills `child` and waits for it; false if it had ended by itself, which `is_over` cannot detect
/// while the system still frees its memory (slow under a sanitizer).
[[nodiscard]] inline bool kill_child(pid_t child, int& status)
{
  ::kill(child, SIGKILL);
  return ::waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
         WTERMSIG(status) == SIGKILL;
}

}  // namespace rolewise::testing
