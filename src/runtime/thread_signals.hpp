// For threads of our own that write to files and pipes.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace panier::runtime {

// Signals go to the threads that wait for them; and a write to a pipe whose reader has gone fails
// here with EPIPE instead of ending the process with SIGPIPE.
inline void block_all_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

} // namespace panier::runtime
