#include "http/router.hpp"

#include <algorithm>
#include <array>

#include "http/path.hpp"

namespace panier::http {
namespace {

constexpr std::string_view unmatched = "unmatched";
constexpr std::array listed_methods = {Method::get,   Method::head, Method::post,   Method::put,
                                       Method::patch, Method::del,  Method::options};

// "/a/b" -> "a", "b"; every slash starts a segment, so "/a/" has an empty last one.
template <class Each>
void each_segment(std::string_view path, Each each) {
  while (!path.empty()) {
    path.remove_prefix(1); // its slash
    const auto end = std::min(path.find('/'), path.size());
    each(path.substr(0, end));
    path.remove_prefix(end);
  }
}

Response options_answer(std::string allow) {
  Response response;
  response.status = 204;
  response.content_type = {};
  response.headers.add("Allow", std::move(allow));
  return response;
}

} // namespace

const Router::Entry* Router::Route::entry(Method method) const {
  const auto found = std::ranges::find(entries, method, &Entry::method);
  return found == entries.end() ? nullptr : &*found;
}

std::string Router::Route::allow() const {
  std::string list;
  for (const Method method : listed_methods) {
    const bool answered = method == Method::options || entry(method) != nullptr ||
                          (method == Method::head && entry(Method::get) != nullptr);
    if (!answered) continue;
    if (!list.empty()) list += ", ";
    list += to_string(method);
  }
  return list;
}

void Router::add(Method method, std::string_view pattern, std::string name, Handler handler) {
  std::vector<Segment> segments;
  each_segment(pattern, [&](std::string_view text) {
    const bool parameter = text.starts_with('{');
    segments.push_back({parameter, parameter ? std::string() : std::string(text)});
  });
  auto route = std::ranges::find(routes_, segments, &Route::segments);
  if (route == routes_.end()) {
    // Sorted so that, at the first segment where two patterns differ in kind, the literal comes
    // first.
    const auto goes_before = [&](const Route& other) {
      return std::ranges::lexicographical_compare(segments, other.segments, {}, &Segment::parameter,
                                                  &Segment::parameter);
    };
    const auto position = std::ranges::find_if(routes_, goes_before);
    route = routes_.insert(position, Route{std::move(segments), {}});
  }
  route->entries.push_back({method, std::move(name), std::move(handler)});
}

Router::Match Router::match(Request& request) const {
  if (request.path == "*") { // "OPTIONS *": about the server as a whole
    return {.handler = nullptr, .route = unmatched, .error = options_answer("GET, HEAD, OPTIONS")};
  }
  std::vector<std::string> segments;
  segments.reserve(4); // no route of ours has more
  bool well_encoded = true;
  each_segment(request.path, [&](std::string_view text) {
    auto decoded = percent_decoded(text);
    well_encoded = well_encoded && decoded.has_value();
    segments.push_back(std::move(decoded).value_or(std::string()));
  });
  if (!well_encoded) {
    const Error error{Errc::bad_request, "path", "a % without two hex digits"};
    return {.handler = nullptr, .route = unmatched, .error = error_page_(error)};
  }
  const Route* route = find(segments);
  if (route == nullptr) {
    const Error error{Errc::route_not_found, {}, request.path};
    return {.handler = nullptr, .route = unmatched, .error = error_page_(error)};
  }
  request.params.clear();
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (route->segments[i].parameter) request.params.push_back(std::move(segments[i]));
  }
  return choose(*route, request.method);
}

const Router::Route* Router::find(const std::vector<std::string>& segments) const {
  const auto fits = [&](const Route& route) {
    return std::ranges::equal(route.segments, segments, [](const Segment& want, const auto& have) {
      return want.parameter ? !have.empty() : want.literal == have;
    });
  };
  const auto found = std::ranges::find_if(routes_, fits);
  return found == routes_.end() ? nullptr : &*found;
}

Router::Match Router::choose(const Route& route, Method method) const {
  const Entry* entry = route.entry(method);
  if (entry == nullptr && method == Method::head) entry = route.entry(Method::get);
  if (entry != nullptr) return {.handler = &entry->handler, .route = entry->name, .error = {}};

  const std::string_view name = route.entries.front().name;
  if (method == Method::options) {
    return {.handler = nullptr, .route = name, .error = options_answer(route.allow())};
  }
  Response error = error_page_(Error{Errc::method_not_allowed, {}, std::string(to_string(method))});
  error.headers.set("Allow", route.allow());
  return {.handler = nullptr, .route = name, .error = std::move(error)};
}

} // namespace panier::http
