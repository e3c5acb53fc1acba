// For threads of our own: what `top -H` calls them, and what signals do to them.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <string>

namespace panier::runtime {

// At most 15 characters: Linux keeps no more, and refuses a longer one whole.
inline void name_this_thread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

// Signals go to the threads that wait for them; and a write to a pipe whose reader has gone fails
// here with EPIPE instead of ending the process with SIGPIPE.
inline void block_all_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

} // namespace panier::runtime
