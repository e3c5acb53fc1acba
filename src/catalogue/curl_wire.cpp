#include <new>

#include "catalogue/handles.hpp"
#include "catalogue/wire.hpp"

namespace panier::catalogue {

namespace {

void set_up_libcurl() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (done != CURLE_OK) throw std::bad_alloc();
}

struct Transfer {
  Wire::Ticket ticket = 0;
  const WireLimits& limits;
  Easy easy{};
  std::string body{};
  std::size_t headers_bytes = 0;
  bool too_long = false;
  std::array<char, CURL_ERROR_SIZE> error{};
};

// Less than what came in: libcurl ends the transfer.
std::size_t on_body(char* data, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const auto bytes = size * count;
  transfer.too_long = transfer.body.size() + bytes > transfer.limits.body_bytes_max;
  if (transfer.too_long) return 0;
  transfer.body.append(data, bytes);
  return bytes;
}

// libcurl 7.88 bounds one header, not all of them.
std::size_t on_header(char*, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const auto bytes = size * count;
  transfer.headers_bytes += bytes;
  transfer.too_long = transfer.headers_bytes > transfer.limits.headers_bytes_max;
  return transfer.too_long ? 0 : bytes;
}

class CurlWire final : public Wire {
public:
  explicit CurlWire(const WireLimits& limits) : limits_(limits) {
    headers_.reset(curl_slist_append(nullptr, "Accept: application/json"));
    if (!multi_ || !headers_) throw std::bad_alloc();
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, limits_.connections_idle_max);
  }
  ~CurlWire() override {
    for (const auto& [easy, transfer] : transfers_)
      curl_multi_remove_handle(multi_.get(), easy);
  }
  CurlWire(const CurlWire&) = delete;
  CurlWire& operator=(const CurlWire&) = delete;

  void get(Ticket ticket, const std::string& url, std::chrono::milliseconds timeout) override {
    auto transfer = std::make_unique<Transfer>(Transfer{.ticket = ticket, .limits = limits_});
    transfer->easy.reset(curl_easy_init());
    auto* easy = transfer->easy.get();
    if (easy == nullptr) throw std::bad_alloc();
    set_options(*transfer, url, timeout);
    if (const auto added = curl_multi_add_handle(multi_.get(), easy); added != CURLM_OK) {
      refused_.push_back({.ticket = ticket, .why = curl_multi_strerror(added)});
      return;
    }
    transfers_.emplace(easy, std::move(transfer));
  }

  std::vector<Ended> run_once(std::chrono::milliseconds wait) override {
    auto ended = perform();
    if (!ended.empty() || wait.count() <= 0) return ended;
    curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(wait.count()), nullptr);
    return perform();
  }

  void wake() override { curl_multi_wakeup(multi_.get()); }

private:
  void set_options(Transfer& transfer, const std::string& url, std::chrono::milliseconds timeout) {
    auto* easy = transfer.easy.get();
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error.data());
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
    // A body that announces itself as too long is not even begun.
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
                     static_cast<curl_off_t>(limits_.body_bytes_max));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "panier");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    // The articles service is inside; a proxy of the environment is for what is outside.
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L); // there are other threads
    // Without this a transfer that times out while its host name is looked up waits for the
    // look-up, and with it all the others: Curl_resolver_kill() of 7.88 joins the resolver's
    // thread.
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  }

  std::vector<Ended> perform() {
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    auto ended = std::exchange(refused_, {});
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      ended.push_back(end(message->easy_handle, message->data.result));
    }
    return ended;
  }

  Ended end(CURL* easy, CURLcode result) {
    curl_multi_remove_handle(multi_.get(), easy);
    const auto node = transfers_.extract(easy);
    auto& transfer = *node.mapped();
    Ended ended{.ticket = transfer.ticket,
                .too_long = transfer.too_long || result == CURLE_FILESIZE_EXCEEDED};
    if (result == CURLE_OK) {
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &ended.status);
      ended.body = std::move(transfer.body);
    } else {
      const std::string detail = transfer.error.data();
      ended.why = detail.empty() ? curl_easy_strerror(result) : detail;
    }
    return ended;
  }

  const WireLimits limits_;
  const Multi multi_{(set_up_libcurl(), curl_multi_init())};
  List headers_;
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> transfers_;
  std::vector<Ended> refused_; // at the next run_once()
};

} // namespace

std::unique_ptr<Wire> make_curl_wire(const WireLimits& limits) {
  return std::make_unique<CurlWire>(limits);
}

} // namespace panier::catalogue
