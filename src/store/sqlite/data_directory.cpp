#include "store/sqlite/data_directory.hpp"

#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace panier::store::sqlite {
namespace {

std::unexpected<Error> refused(const std::filesystem::path& path, std::string_view what,
                               int error_number) {
  return fail(Errc::config_invalid,
              "data directory " + path.string() + " " + std::string(what) + ": " +
                  std::generic_category().message(error_number),
              "PANIER_DATA_DIR");
}

// Carts are nobody else's business, so the directory is closed to others from its first moment.
Result<void> make(const std::filesystem::path& path) {
  constexpr mode_t only_owner = 0700;
  std::error_code parents;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), parents);
  if (parents) return refused(path, "cannot be created", parents.value());
  if (::mkdir(path.c_str(), only_owner) == 0 || errno == EEXIST) return {};
  return refused(path, "cannot be created", errno);
}

} // namespace

Result<std::shared_ptr<const DataDirectory>>
DataDirectory::claim(const std::filesystem::path& path) {
  if (path.empty())
    return fail(Errc::config_invalid, "no data directory is named", "PANIER_DATA_DIR");
  // "/data/" and "/data" are one directory; a trailing slash would hide its parent.
  const auto plain = path.has_filename() ? path : path.parent_path();
  if (auto made = make(plain); !made) return std::unexpected(made.error());

  constexpr mode_t only_owner = 0600;
  const auto file = plain / "panier.lock";
  const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, only_owner);
  if (lock < 0) return refused(plain, "cannot be written", errno);
  // The constructor is private, so no make_shared.
  std::shared_ptr<const DataDirectory> claimed(new DataDirectory(plain, lock));
  // An flock, not a pid in a file: the kernel drops it when its process dies, also by kill -9.
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return claimed;
  if (errno != EWOULDBLOCK) return refused(plain, "cannot be locked", errno);
  return fail(Errc::config_invalid,
              "data directory " + plain.string() + " is in use by another panier",
              "PANIER_DATA_DIR");
}

Result<std::shared_ptr<const DataDirectory>>
DataDirectory::visit(const std::filesystem::path& path) {
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0)
    return refused(path, "cannot be used", errno);
  return std::shared_ptr<const DataDirectory>(new DataDirectory(path, -1));
}

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

} // namespace panier::store::sqlite
