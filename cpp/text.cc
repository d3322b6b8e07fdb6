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
  for (std::uint32_t code = 0; code < 0x80; ++code)
    ascii_[code] = std::uint16_t(class_of(code) << 8 | this->lower(code));
}

// ---- vocabulary ---------------------------------------------------------------------------------

Vocabulary::Vocabulary(const std::vector<std::string>& words) : shift_(60) {
  while (std::size_t(1) << (64 - shift_) < 2 * words.size()) --shift_;
  slots_.assign(std::size_t(1) << (64 - shift_), Slot{0, 0, 0});
  for (const std::string& word : words) {
    starts_.push_back(std::uint32_t(bytes_.size()));
    bytes_ += word;
  }
  bytes_.append(kPadding, 0);
  for (std::size_t row = 1; row < words.size(); ++row) {
    const std::size_t length = words[row].size();
    const std::uint64_t key = key_of(bytes_.data() + starts_[row], length);
    std::size_t at = first_slot(key);
    while (slots_[at].row) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {key, std::uint32_t(length), std::int32_t(row)};
  }
}

std::uint64_t Vocabulary::key_of(const char* word, std::size_t length) {
  std::uint64_t key = 0, part;
  for (; length > 8; word += 8, length -= 8) {
    std::memcpy(&part, word, 8);
    key = (key ^ part) * 0xD6E8FEB86659FD93u;
    key ^= key >> 32;
  }
  std::memcpy(&part, word, 8);
  return key ^ (length ? part & ~std::uint64_t(0) >> 8 * (8 - length) : 0);
}

std::int32_t Vocabulary::row(const char* word, std::size_t length) const {
  const std::uint64_t key = key_of(word, length);
  for (std::size_t at = first_slot(key); slots_[at].row; at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (slot.key == key && slot.length == length &&
        (length <= 8 || !std::memcmp(bytes_.data() + starts_[slot.row], word, length)))
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
  if (first < 0xF0) return {(first & 0x0F) << 12 | tail(at + 1) << 6 | tail(at + 2), at + 3};
  return {(first & 0x07) << 18 | tail(at + 1) << 12 | tail(at + 2) << 6 | tail(at + 3), at + 4};
}

// Write a code point's UTF-8; the place after it.
char* write(char* to, std::uint32_t code) {
  if (code < 0x80) {
    *to++ = char(code);
    return to;
  }
  if (code < 0x800) {
    *to++ = char(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      *to++ = char(0xE0 | code >> 12);
    } else {
      *to++ = char(0xF0 | code >> 18);
      *to++ = char(0x80 | (code >> 12 & 0x3F));
    }
    *to++ = char(0x80 | (code >> 6 & 0x3F));
  }
  *to++ = char(0x80 | (code & 0x3F));
  return to;
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

// Rule 5: the rows of a run's words, each of at most kLongest code points.
void add_run(const char* run, const char* end, const Vocabulary& vocabulary,
             std::vector<std::int32_t>& rows) {
  const char* start = run;
  if (end - run > kLongest) {
    const std::string_view whole(run, end - run);
    std::size_t at = 0;
    for (int count = 0; at < whole.size(); ++count) {
      if (count == kLongest) {
        rows.push_back(vocabulary.row(start, run + at - start));
        start = run + at;
        count = 0;
      }
      at = decode(whole, at).next;
    }
  }
  if (start < end) rows.push_back(vocabulary.row(start, end - start));
}

}  // namespace

void scan_rows(std::string_view text, const CharacterTable& table, const Vocabulary& vocabulary,
               std::string& room, std::vector<std::int32_t>& rows) {
  // A lower case has at most a byte more than its upper case of two.
  const std::size_t needed = 2 * text.size() + 16 + Vocabulary::kPadding;
  if (room.size() < needed) room.resize(needed);
  char* const run = room.data();  // the lower-cased run of word code points that ends at `at`
  char* end = run;
  const auto finish = [&] {
    add_run(run, end, vocabulary, rows);
    end = run;
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::uint8_t byte = std::uint8_t(text[at]);
    if (byte < 0x80) {
      const CharacterClass kind = table.ascii_class(byte);
      if (kind == kWord) {
        *end++ = table.ascii_lower(byte);
        ++at;
        continue;
      }
      if (kind == kSpace) {
        finish();
        ++at;
        continue;
      }
    }
    const Character c = decode(text, at);
    const CharacterClass kind = table.class_of(c.code);
    at = c.next;
    if (kind == kWord) {
      end = write(end, table.lower(c.code));
      continue;
    }
    if (c.code == kApostrophe || c.code == kRightQuote) {
      const ShortRun next = short_run(text, at, table);
      const bool negates = next.length == 1 && next.letters[0] == 't' && end > run &&
                           end[-1] == 'n';  // a byte below 0x80 is a whole code point
      if (negates) --end;
      if (negates || is_clitic(next)) {
        finish();
        if (negates) *end++ = 'n';
        *end++ = '\'';
        for (int i = 0; i < next.length; ++i) end = write(end, next.letters[i]);
        rows.push_back(vocabulary.row(run, end - run));
        end = run;
        at = next.next;
        continue;
      }
    }
    finish();
    if (kind == kMark) {
      end = write(end, table.lower(c.code));
      rows.push_back(vocabulary.row(run, end - run));
      end = run;
    }
  }
  finish();
}

}  // namespace skimrnn
