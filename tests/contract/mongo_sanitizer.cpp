// ThreadSanitizer does not see the atomic reference counts inside Debian's libmongoc, which is not
// built for it, and takes the last owner's free() for a race. Our own threads meet at our own
// locks, which it sees.
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return "race:libmongoc-1.0\nrace:libbson-1.0\n";
}
