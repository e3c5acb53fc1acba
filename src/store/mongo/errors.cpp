#include "store/mongo/errors.hpp"

#include <string>

namespace panier::store::mongo {
namespace {

using commit::Took;

// MongoDB's numbers (src/mongo/base/error_codes.yml).
Errc errc_of(std::int32_t server_code) noexcept {
  switch (server_code) {
  case 13:   // Unauthorized
  case 18:   // AuthenticationFailed
  case 334:  // MechanismUnavailable
  case 391:  // ReauthenticationRequired
  case 8000: // AtlasError: wrong user or password there
    return Errc::store_denied;
  case 50:  // MaxTimeMSExpired
  case 64:  // WriteConcernTimeout
  case 262: // ExceededTimeLimit
    return Errc::store_timeout;
  case 2:     // BadValue
  case 9:     // FailedToParse
  case 14:    // TypeMismatch
  case 20:    // IllegalOperation
  case 22:    // InvalidBSON
  case 26:    // NamespaceNotFound
  case 59:    // CommandNotFound
  case 72:    // InvalidOptions
  case 73:    // InvalidNamespace
  case 85:    // IndexOptionsConflict
  case 86:    // IndexKeySpecsConflict
  case 121:   // DocumentValidationFailure
  case 10334: // BSONObjectTooLarge
  case 11000: // DuplicateKey
  case 17280: // KeyTooLong
  case 17419: // the updated document would be too large
  case 17420: // the inserted document would be too large
    return Errc::store_rejected;
  default: // not primary, stepping down, shutting down, interrupted, and whatever comes: try again
    return Errc::store_unreachable;
  }
}

} // namespace

Took took(std::int32_t code) noexcept {
  switch (code) {
  case 11000: // DuplicateKey, and the numbers that older servers gave it
  case 11001:
  case 12582: return Took::refused;
  case 2:     // BadValue
  case 9:     // FailedToParse
  case 14:    // TypeMismatch
  case 28:    // PathNotViable
  case 52:    // DollarPrefixedFieldName
  case 66:    // ImmutableField
  case 121:   // DocumentValidationFailure
  case 10334: // BSONObjectTooLarge
  case 17280: // KeyTooLong
  case 17419:
  case 17420: return Took::failed;
  default: return Took::unknown;
  }
}

bool index_impossible(std::int32_t code) noexcept {
  return code == 11000 || code == 85 || code == 86;
}

Error server_error(std::int32_t code, const char* message) {
  return Error{errc_of(code), {}, std::string(message) + " (code " + std::to_string(code) + ")"};
}

Error to_error(const bson_error_t& error, bool sent) {
  const auto* message = static_cast<const char*>(error.message);
  const Errc lost = sent ? Errc::store_timeout : Errc::store_unreachable;
  switch (error.domain) {
  case MONGOC_ERROR_SERVER:
  case MONGOC_ERROR_WRITE_CONCERN:
    return server_error(static_cast<std::int32_t>(error.code), message);
  case MONGOC_ERROR_SASL:
  case MONGOC_ERROR_SCRAM: return Error{Errc::store_denied, {}, message};
  case MONGOC_ERROR_CLIENT:
    if (error.code == MONGOC_ERROR_CLIENT_AUTHENTICATE)
      return Error{Errc::store_denied, {}, message};
    if (error.code == MONGOC_ERROR_CLIENT_TOO_BIG) return Error{Errc::store_rejected, {}, message};
    return Error{lost, {}, message};
  case MONGOC_ERROR_BSON:
  case MONGOC_ERROR_COMMAND:
  case MONGOC_ERROR_NAMESPACE: return Error{Errc::store_rejected, {}, message};
  default: return Error{lost, {}, message}; // the connection, server selection, protocol
  }
}

bool broken_wire(const bson_error_t& error) noexcept {
  return error.domain == MONGOC_ERROR_STREAM;
}

} // namespace panier::store::mongo
