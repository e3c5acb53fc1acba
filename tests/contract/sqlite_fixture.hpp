// The SQLite stores in a directory of their own, gone with the test.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "store/sqlite/stores.hpp"
#include "suite_values.hpp"

namespace panier::contract {

class TemporaryDirectory {
public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "panier-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

inline store::sqlite::Settings sqlite_settings(const TemporaryDirectory& directory) {
  return {.dir = must(store::sqlite::DataDirectory::claim(directory.path())), .lock_wait = 300ms};
}

} // namespace panier::contract
