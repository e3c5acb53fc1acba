// The two shapes of every answer: `{"error":false, ...}` and
// `{"error":true,"code":..,"message":..}`.
#pragma once

#include <string>

#include "api/json_writer.hpp"
#include "http/message.hpp"
#include "result/result.hpp"

namespace panier::api {

// `{"error":false` is written and the object open: add members, then json_answer() closes it.
[[nodiscard]] JsonWriter success_body();
// Closes the object. Cache-Control: no-store, as on everything but a cart that is read.
[[nodiscard]] http::Response json_answer(unsigned status, JsonWriter body);

// Status, code, text and Retry-After from messages.cpp; `field` where the error names one, `stock`
// and `quantite` where it tells a shortage.
// Error::detail stays here: it is for the log. This is the http::ErrorPage of both listeners.
[[nodiscard]] http::Response error_answer(const Error& error);
// In two steps, for an error that has more to say: the open object, and its end.
[[nodiscard]] JsonWriter error_body(const Error& error);
[[nodiscard]] http::Response end_error_answer(const Error& error, JsonWriter body);

// The same, and what is a fault of ours (500) goes to the log with its detail. `route` is the
// router's name.
[[nodiscard]] http::Response failure_answer(const Error& error, std::string_view route);

} // namespace panier::api
