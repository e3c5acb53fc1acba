// What MongoDB and libmongoc say, in our words. The only place that knows their numbers.
#pragma once

#include <cstdint>

#include "commit/ports/mirror.hpp"
#include "result/result.hpp"
#include "store/mongo/handles.hpp"

namespace panier::store::mongo {

// listIndexes of a collection that is not there.
inline constexpr std::int32_t namespace_not_found = 26;

// One entry of a bulk's writeErrors.
[[nodiscard]] commit::Took took(std::int32_t code) noexcept;

// Why a call failed. `sent`: a network error may hide an effect, so it is store_timeout then, not
// store_unreachable.
[[nodiscard]] Error to_error(const bson_error_t& error, bool sent);

// Will createIndexes never succeed as things are? Two documents of one user, or an index of that
// name that is another: not for us to remove.
[[nodiscard]] bool index_impossible(std::int32_t code) noexcept;

// The server's own code, where it was the server that said no.
[[nodiscard]] Error server_error(std::int32_t code, const char* message);

// Did the connection fail, as opposed to: the server answered? Broken or silent: libmongoc says
// "socket error or timeout" for both, so only the time left tells them apart.
[[nodiscard]] bool broken_wire(const bson_error_t& error) noexcept;

} // namespace panier::store::mongo
