// Counters and histograms with labels whose values come in at run time, found without a lock.
// Private to metrics.cpp.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace panier::runtime {

// A series for each combination of label values that was ever asked for, at most series_max; what
// would be one more goes to a series with every label "other", so no caller can make the exposition
// grow without end.
template <class Metric, std::size_t labels>
class LabelledSeries {
public:
  static constexpr std::size_t series_max = 512;
  using Texts = std::array<std::string_view, labels>;
  using Make = std::function<Metric&(const std::map<std::string, std::string>& named)>;

  LabelledSeries(const Texts& names, Make make)
      : names_(names), make_(std::move(make)), slots_(slots_max) {}

  // Thread-safe; lives as long as the family behind `make`.
  Metric& at(const Texts& values) {
    std::size_t slot = 0;
    if (const Series* series = find(values, slot)) return series->metric;
    std::lock_guard lock(mutex_);
    return add(values);
  }

private:
  static constexpr std::size_t slots_max =
      2 * series_max; // half empty, so that probing stays short
  struct Series {
    std::array<std::string, labels> values;
    Metric& metric; // the family's
  };

  // The series, or nullptr and the empty slot where it would stand.
  const Series* find(const Texts& values, std::size_t& slot) const {
    std::size_t hash = 0;
    for (const std::string_view value : values)
      hash = hash * 31 + std::hash<std::string_view>{}(value);
    for (slot = hash % slots_max;;
         slot = (slot + 1) % slots_max) { // ends: half of the slots are empty
      const Series* series = slots_[slot].load(std::memory_order_acquire);
      if (series == nullptr || std::equal(values.begin(), values.end(), series->values.begin()))
        return series;
    }
  }

  // REQUIRES mutex_.
  Metric& add(Texts values) {
    std::size_t slot = 0;
    if (const Series* series = find(values, slot))
      return series->metric; // another thread was first
    if (all_.size() + 1 >= series_max) {
      values.fill("other");
      if (const Series* series = find(values, slot)) return series->metric;
    }
    std::map<std::string, std::string> named;
    std::array<std::string, labels> kept;
    for (std::size_t i = 0; i < labels; ++i) {
      named.emplace(names_[i], values[i]);
      kept[i] = values[i];
    }
    all_.push_back(std::make_unique<Series>(Series{std::move(kept), make_(named)}));
    slots_[slot].store(all_.back().get(), std::memory_order_release);
    return all_.back()->metric;
  }

  const Texts names_;
  const Make make_;
  std::vector<std::atomic<const Series*>>
      slots_; // each written once, under mutex_, and read by all
  std::mutex mutex_;
  std::vector<std::unique_ptr<Series>> all_; // guarded by mutex_
};

} // namespace panier::runtime
