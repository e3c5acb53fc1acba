// For threads of our own: what `top -H` calls them, and what signals do to them.
#pragma once

#include <pthread.h>
#include <sched.h>
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

// This thread, and all that it makes from now on, no longer push another off its processor the
// moment that they have something to do. On a machine shared with a store they would interrupt it
// at each of its answers, only to wait for the next one. Where it is refused all stays as it was.
inline void do_not_preempt() {
  const sched_param param{};
  sched_setscheduler(0, SCHED_BATCH, &param);
}

} // namespace panier::runtime
