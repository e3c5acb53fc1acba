// The directory that holds the SQLite files, claimed for this process.
#pragma once

#include <filesystem>
#include <memory>

#include "result/result.hpp"

namespace panier::store::sqlite {

// Held as long as any store lives in it; the claim ends with the object, or with the process
// however that dies.
class DataDirectory {
public:
  // Made (0700) when absent. config_invalid, field PANIER_DATA_DIR: it cannot be made or written,
  // or another panier has it.
  [[nodiscard]] static Result<std::shared_ptr<const DataDirectory>>
  claim(const std::filesystem::path& path);

  // Beside a running service, for commands that run no lane: claims nothing. config_invalid when it
  // is not there.
  [[nodiscard]] static Result<std::shared_ptr<const DataDirectory>>
  visit(const std::filesystem::path& path);

  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
  DataDirectory(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}

  const std::filesystem::path path_;
  const int lock_; // descriptor of the lock file, ours to close; -1: a visitor
};

} // namespace panier::store::sqlite
