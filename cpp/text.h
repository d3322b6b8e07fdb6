// From text to rows of the embedding: the scanner and the vocabulary.
//
// The scanner follows the rules at the top of skimrnn/text/words.py, which reads the same table.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace skimrnn {

enum CharacterClass : std::uint8_t { kSpace = 0, kWord = 1, kMark = 2 };

// The class and the lower case of every code point; made once, shared by all models.
class CharacterTable {
 public:
  static constexpr std::uint32_t kCodePoints = 0x110000;

  // Both arrays have kCodePoints entries.
  CharacterTable(const std::uint8_t* classes, const std::uint32_t* lower);

  CharacterClass class_of(std::uint32_t code) const { return CharacterClass(of(code) >> 24); }
  std::uint32_t lower(std::uint32_t code) const { return (code + of(code)) & 0xFFFFFF; }

  // Of a code point below 0x80: its class, and its lower case if it is a word's.
  CharacterClass ascii_class(std::uint8_t code) const { return CharacterClass(ascii_[code] >> 8); }
  char ascii_lower(std::uint8_t code) const { return char(ascii_[code]); }

 private:
  // class << 24 | what is added to the code point for its lower case, modulo 2^24
  std::uint32_t of(std::uint32_t code) const {
    return entries_[std::size_t(block_[code / kBlock]) * kBlock + code % kBlock];
  }

  // Blocks of code points that have the same entries are kept once.
  static constexpr std::uint32_t kBlock = 256;
  std::uint16_t ascii_[0x80];  // class << 8 | lower case
  std::vector<std::uint16_t> block_;
  std::vector<std::uint32_t> entries_;
};

// Words in the order of their rows; the first is the unknown word.
class Vocabulary {
 public:
  explicit Vocabulary(const std::vector<std::string>& words);

  // Bytes past the end of a word that `row` may read.
  static constexpr std::size_t kPadding = 8;

  // The row of a word, 0 if it is not there. kPadding bytes after it must be readable.
  std::int32_t row(const char* word, std::size_t length) const;

 private:
  // A word of up to 8 bytes is its own key; of a longer one the key is a hash, and its bytes are
  // compared.
  struct Slot {
    std::uint64_t key;
    std::uint32_t length;
    std::int32_t row;  // 0: empty, since the unknown word is never looked up
  };
  static std::uint64_t key_of(const char* word, std::size_t length);
  std::size_t first_slot(std::uint64_t key) const { return key * 0x9E3779B97F4A7C15u >> shift_; }

  std::string bytes_;                  // all words, one after the other
  std::vector<std::uint32_t> starts_;  // of each word in them
  std::vector<Slot> slots_;            // open addressing; 2^(64 - shift_)
  int shift_;
};

// Append the row of every word of a text to `rows`. The text is UTF-8; lone surrogates may stand in
// it as three bytes each (Python's "surrogatepass"), nothing else may be malformed. `room` is to
// work in, kept by the caller from text to text.
void scan_rows(std::string_view text, const CharacterTable& table, const Vocabulary& vocabulary,
               std::string& room, std::vector<std::int32_t>& rows);

}  // namespace skimrnn
