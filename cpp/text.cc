#include "text.h"

#include <cstring>
#include <map>

namespace skimrnn {

CharacterTable::CharacterTable(const std::uint8_t* classes, const std::uint32_t* lower) {
  std::map<std::vector<std::uint32_t>, std::uint16_t> known;
  std::vector<std::uint32_t> block(kBlock);
  for (std::uint32_t first = 0; first < kCodePoints; first += kBlock) {
    for (std::uint32_t i = 0; i < kBlock; ++i) {
      const std::uint32_t code = first + i;
      block[i] = std::uint32_t(classes[code]) << 24 | ((lower[code] - code) & 0xFFFFFF);
    }
    const auto [found, is_new] = known.try_emplace(block, std::uint16_t(known.size()));
    if (is_new) entries_.insert(entries_.end(), block.begin(), block.end());
    block_.push_back(found->second);
  }
}

// ---- vocabulary ---------------------------------------------------------------------------------

namespace {

std::uint64_t hash_of(std::string_view word) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char byte : word) hash = (hash ^ std::uint8_t(byte)) * 0x100000001b3u;
  return hash ^ hash >> 32;
}

}  // namespace

Vocabulary::Vocabulary(const std::vector<std::string>& words) {
  std::size_t size = 16;
  while (size < 2 * words.size()) size *= 2;
  slots_.assign(size, Slot{0, 0, 0, 0});
  for (std::size_t row = 1; row < words.size(); ++row) {
    const std::uint64_t hash = hash_of(words[row]);
    std::size_t at = hash & (size - 1);
    while (slots_[at].row) at = (at + 1) & (size - 1);
    slots_[at] = {hash, std::uint32_t(bytes_.size()), std::uint32_t(words[row].size()),
                  std::int32_t(row)};
    bytes_ += words[row];
  }
}

std::int32_t Vocabulary::row(std::string_view word) const {
  const std::uint64_t hash = hash_of(word);
  for (std::size_t at = hash & (slots_.size() - 1); slots_[at].row;
       at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (slot.hash == hash && slot.length == word.size() &&
        !std::memcmp(bytes_.data() + slot.start, word.data(), word.size()))
      return slot.row;
  }
  return 0;
}

// ---- scanner ------------------------------------------------------------------------------------

namespace {

constexpr int kLongest = 1024;  // code points of a word; longer runs are cut
constexpr std::uint32_t kApostrophe = 0x27, kRightQuote = 0x2019;

// A code point and where the next one starts.
struct Character {
  std::uint32_t code;
  std::size_t next;
};

Character decode(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return std::uint32_t(std::uint8_t(text[i])); };
  const auto tail = [&](std::size_t i) { return byte(i) & 0x3F; };
  const std::uint32_t first = byte(at);
  if (first < 0x80) return {first, at + 1};
  if (first < 0xE0) return {(first & 0x1F) << 6 | tail(at + 1), at + 2};
  if (first < 0xF0)
    return {(first & 0x0F) << 12 | tail(at + 1) << 6 | tail(at + 2), at + 3};
  return {(first & 0x07) << 18 | tail(at + 1) << 12 | tail(at + 2) << 6 | tail(at + 3), at + 4};
}

void append(std::string& bytes, std::uint32_t code) {
  if (code < 0x80) {
    bytes += char(code);
  } else if (code < 0x800) {
    bytes += {char(0xC0 | code >> 6), char(0x80 | (code & 0x3F))};
  } else if (code < 0x10000) {
    bytes += {char(0xE0 | code >> 12), char(0x80 | (code >> 6 & 0x3F)), char(0x80 | (code & 0x3F))};
  } else {
    bytes += {char(0xF0 | code >> 18), char(0x80 | (code >> 12 & 0x3F)),
              char(0x80 | (code >> 6 & 0x3F)), char(0x80 | (code & 0x3F))};
  }
}

// The run of word code points that starts at `at`, if it has one or two; lower-cased.
struct ShortRun {
  int length;  // 0 if there is none or it is longer
  std::uint32_t letters[2];
  std::size_t next;
};

ShortRun short_run(std::string_view text, std::size_t at, const CharacterTable& table) {
  ShortRun run{0, {0, 0}, at};
  while (run.next < text.size()) {
    const Character c = decode(text, run.next);
    if (table.class_of(c.code) != kWord) break;
    if (run.length == 2) return {0, {0, 0}, at};
    run.letters[run.length++] = table.lower(c.code);
    run.next = c.next;
  }
  return run;
}

// Rule 4a: s, m, d, re, ve, ll.
bool is_clitic(const ShortRun& run) {
  const std::uint32_t a = run.letters[0], b = run.letters[1];
  if (run.length == 1) return a == 's' || a == 'm' || a == 'd';
  return run.length == 2 && (((a == 'r' || a == 'v') && b == 'e') || (a == 'l' && b == 'l'));
}

// Rule 5: a run's words, each of at most kLongest code points.
void finish(std::string& run, const Vocabulary& vocabulary, std::vector<std::int32_t>& rows) {
  if (run.empty()) return;
  if (run.size() <= kLongest) {
    rows.push_back(vocabulary.row(run));
  } else {
    std::size_t start = 0, at = 0;
    for (int count = 0; at < run.size(); ++count) {
      if (count == kLongest) {
        rows.push_back(vocabulary.row(std::string_view(run).substr(start, at - start)));
        start = at;
        count = 0;
      }
      at = decode(run, at).next;
    }
    rows.push_back(vocabulary.row(std::string_view(run).substr(start)));
  }
  run.clear();
}

}  // namespace

void scan_rows(std::string_view text, const CharacterTable& table, const Vocabulary& vocabulary,
               std::string& run, std::vector<std::int32_t>& rows) {
  run.clear();  // the lower-cased run of word code points that ends at `at`
  for (std::size_t at = 0; at < text.size();) {
    const Character c = decode(text, at);
    const CharacterClass kind = table.class_of(c.code);
    at = c.next;
    if (kind == kWord) {
      append(run, table.lower(c.code));
      continue;
    }
    if (c.code == kApostrophe || c.code == kRightQuote) {
      const ShortRun next = short_run(text, at, table);
      const bool negates = next.length == 1 && next.letters[0] == 't' && !run.empty() &&
                           run.back() == 'n';  // a byte below 0x80 is a whole code point
      if (negates) run.pop_back();
      if (negates || is_clitic(next)) {
        finish(run, vocabulary, rows);
        std::string joined = negates ? "n'" : "'";
        for (int i = 0; i < next.length; ++i) append(joined, next.letters[i]);
        rows.push_back(vocabulary.row(joined));
        at = next.next;
        continue;
      }
    }
    finish(run, vocabulary, rows);
    if (kind == kMark) {
      append(run, table.lower(c.code));
      rows.push_back(vocabulary.row(run));
      run.clear();
    }
  }
  finish(run, vocabulary, rows);
}

}  // namespace skimrnn
