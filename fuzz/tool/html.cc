#include "fuzz/tool/html.h"

#include <cstdint>

#include "fuzz/tool/strings.h"

namespace tool {
namespace {

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; k++)
      bits = bits << 8 | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0);
    for (size_t k = 0; k < 4; k++)
      out += k <= group.size() ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

char from_hex(std::string_view pair) {
  int value = 0;
  for (const char c : pair) value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
  return static_cast<char>(value);
}

}  // namespace

std::string html(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string html(std::string_view text, size_t limit) {
  if (text.size() <= limit) return html(text);
  // Not in the middle of a character.
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80) limit--;
  return html(text.substr(0, limit)) + "…";
}

std::string fill_places(std::string_view page,
                        const std::map<std::string_view, std::string>& values) {
  std::string out;
  while (true) {
    const size_t begin = page.find('@');
    const size_t end = begin == page.npos ? page.npos : page.find('@', begin + 1);
    if (end == page.npos) return out += page;
    const auto value = values.find(page.substr(begin + 1, end - begin - 1));
    out += page.substr(0, begin);
    if (value == values.end()) {
      out += '@';
      page.remove_prefix(begin + 1);
    } else {
      out += value->second;
      page.remove_prefix(end + 1);
    }
  }
}

std::string script_source(std::string_view sha256) {
  std::string bytes;
  for (size_t i = 0; i + 1 < sha256.size(); i += 2) bytes += from_hex(sha256.substr(i, 2));
  return "'sha256-" + base64(bytes) + "'";
}

}  // namespace tool
