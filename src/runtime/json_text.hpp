// Text made safe for one line of a log: a JSON string, always valid UTF-8. Private to this room.
#pragma once

#include <string>
#include <string_view>

namespace panier::runtime {

// Appends `text` in quotes, at most `bytes_max` bytes of output between them; what was cut is shown
// by "...". Control characters, quotes and backslashes are escaped; a byte that is no UTF-8 becomes
// U+FFFD.
void append_json_string(std::string& out, std::string_view text, std::size_t bytes_max);

// For a record whose fields are set apart by " | ": no quotes added, quotes and backslashes as they
// are (what is JSON stays JSON), '|' as \u007c, control characters and broken UTF-8 as above.
void append_record_text(std::string& out, std::string_view text, std::size_t bytes_max);

} // namespace panier::runtime
