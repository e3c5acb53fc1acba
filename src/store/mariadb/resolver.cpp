#include "store/mariadb/resolver.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <system_error>
#include <thread>

namespace panier::store::mariadb {
namespace {

bool is_address(const std::string& host) {
  in6_addr ignored{};
  return inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

struct AddressesDeleter {
  void operator()(addrinfo* list) const noexcept { freeaddrinfo(list); }
};

Result<std::vector<std::string>> resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &list); error != 0)
    return fail(Errc::store_unreachable, "cannot resolve " + host + ": " + gai_strerror(error));
  const std::unique_ptr<addrinfo, AddressesDeleter> owner(list);

  std::vector<std::string> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (addresses.size() == Resolver::addresses_max) break;
    if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0,
                    NI_NUMERICHOST) == 0)
      addresses.emplace_back(text.data());
  }
  if (addresses.empty()) return fail(Errc::store_unreachable, host + " has no address");
  return addresses;
}

} // namespace

Resolver::Resolver(std::string host) : host_(std::move(host)), numeric_(is_address(host_)) {}

std::shared_ptr<Resolver::Lookup> Resolver::current_lookup() {
  const std::scoped_lock lock(mutex_);
  if (lookup_) {
    const std::scoped_lock lookup_lock(lookup_->mutex);
    if (!lookup_->done) return lookup_;
  }
  auto fresh = std::make_shared<Lookup>();
  // Detached because nothing can stop getaddrinfo(); it touches only what it co-owns.
  std::thread([lookup = fresh, host = host_] {
    auto found = resolve(host);
    const std::scoped_lock lookup_lock(lookup->mutex);
    lookup->found = std::move(found);
    lookup->done = true;
    lookup->answered.notify_all();
  }).detach();
  lookup_ = std::move(fresh);
  return lookup_;
}

Result<std::vector<std::string>> Resolver::addresses(std::chrono::milliseconds timeout) {
  if (numeric_) return std::vector{host_};
  try {
    const auto lookup = current_lookup();
    std::unique_lock lock(lookup->mutex);
    if (lookup->answered.wait_for(lock, timeout, [&] { return lookup->done; }))
      return lookup->found;
  } catch (const std::system_error& error) { // no thread to be had
    return fail(Errc::store_unreachable, "cannot resolve " + host_ + ": " + error.what());
  }
  return fail(Errc::store_unreachable, "resolving " + host_ + " takes too long");
}

} // namespace panier::store::mariadb
