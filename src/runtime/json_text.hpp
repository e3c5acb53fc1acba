// Text as a JSON string, or made safe for one line of a log; always valid UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace panier::runtime {

// Appends `text` in quotes. Control characters, quotes and backslashes are escaped; a byte that is
// no UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

// The same for a line of a log: at most `bytes_max` bytes between the quotes, what was cut is shown
// by "..."; what ends a line or commands a terminal (U+0080 to U+009F, U+2028, U+2029) becomes
// U+FFFD.
void append_log_string(std::string& out, std::string_view text, std::size_t bytes_max);

// For a record whose fields are set apart by " | ": no quotes added, quotes and backslashes as they
// are (what is JSON stays JSON), '|' as \u007c, all else as in the log.
void append_record_text(std::string& out, std::string_view text, std::size_t bytes_max);

} // namespace panier::runtime
