// Reading what a status says (status_page.h). Anything may be missing or of another kind than
// expected, and is then empty.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

// Seconds since 1970, UTC; 0 for anything that is no time between 1971 and 2199.
int64_t time_in(const nlohmann::json& value);
int64_t time_in(const nlohmann::json& object, const char* key);

// 0 for anything that is no number, is not finite or is negative.
double amount_in(const nlohmann::json& value);
double amount_in(const nlohmann::json& object, const char* key);

std::string text_in(const nlohmann::json& object, const char* key);
std::vector<std::string> texts_in(const nlohmann::json& object, const char* key);
bool flag_in(const nlohmann::json& object, const char* key);

// An empty array, or object, if there is none.
const nlohmann::json& list_in(const nlohmann::json& object, const char* key);
const nlohmann::json& object_in(const nlohmann::json& object, const char* key);

// By ascending key(item); items of the same key keep their order.
template <typename T, typename Key>
void sort_by(std::vector<T>& items, const Key& key) {
  std::multimap<decltype(key(items.front())), T> sorted;
  for (T& item : items) sorted.emplace(key(item), std::move(item));
  items.clear();
  for (auto& [ignored, item] : sorted) items.push_back(std::move(item));
}

// "2026-11-20 15:58", UTC; "-" of 0. `clock_time` alone: "15:58".
std::string date_and_time(int64_t time);
std::string clock_time(int64_t time);

// "45 s", "12 min", "3 h 05 min", "12 d 4 h"
std::string duration(double seconds);

// "1.2 GB", in powers of 1000 as disks are sold.
std::string bytes_text(double bytes);

// "1,234,567"
std::string count_text(double count);

}  // namespace tool
